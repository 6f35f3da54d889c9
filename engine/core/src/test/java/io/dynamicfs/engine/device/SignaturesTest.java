package io.dynamicfs.engine.device;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SignaturesTest {
    private static final int SIZE = (20 << 20) + 12288;
    private final MemoryBlockDevice disk = new MemoryBlockDevice("disk", SIZE);

    @Test
    void aBlankDiskHasNone() throws Exception {
        assertThat(Signatures.find(disk)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "XFS, 0, 58465342",
        "LUKS, 0, 4c554b53babe",
        "Ceph BlueStore, 0, 626c756573746f726520626c6f636b20646576696365",
        "NTFS, 3, 4e54465320202020",
        "FAT, 54, 4641543136202020",
        "FAT, 82, 4641543332202020",
        "LVM2, 512, 4c4142454c4f4e45",
        "GPT, 512, 4546492050415254",
        "bcache, 4120, c68573f64e1a45ca8265f57f48ba6d81",
        "bcachefs, 4120, c68573f666ce90a9d96a60cf803df7ef",
        "swap, 4086, 53574150535041434532",
        "md RAID, 0, fc4e2ba9",
        "md RAID, 4096, fc4e2ba9",
        "ISO 9660, 32769, 4344303031",
        "btrfs, 65600, 5f42485266535f4d",
        "ZFS, 131072, 0cb1ba0000000000",
        "ZFS, 400384, 0000000000bab10c",
        "DynamicFS, 65536, 4446534944454e54"
    })
    void recognisesMagicsAtTheStart(String name, int offset, String magic) throws Exception {
        put(offset, magic);
        assertThat(Signatures.find(disk)).containsExactly(new Signature(name, offset));
    }

    @ParameterizedTest
    @CsvSource({
        "GPT, 512, 4546492050415254",
        "GPT, 4096, 4546492050415254",
        "DDF RAID, 512, de11de11",
        "md RAID, 8192, fc4e2ba9",
    })
    void recognisesMagicsAtTheEnd(String name, int beforeEnd, String magic) throws Exception {
        put(SIZE - beforeEnd, magic);
        assertThat(Signatures.find(disk)).containsExactly(new Signature(name, SIZE - beforeEnd));
    }

    @Test
    void recognisesOldMdRaidAndTheLastZfsLabels() throws Exception {
        put((20 << 20) - (64 << 10), "fc4e2ba9");
        put((20 << 20) - (256 << 10) + (128 << 10) + 1024, "0cb1ba0000000000");
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("ZFS", "md RAID");
    }

    @Test
    void tellsTheExtFileSystemsApart() throws Exception {
        put(1024 + 0x38, "53ef");
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("ext2");
        put(1024 + 0x5c, "04");
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("ext3");
        put(1024 + 0x60, "40");
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("ext4");
    }

    @Test
    void aBootSectorIsAPartitionTableOnlyWithAPartition() throws Exception {
        put(510, "55aa");
        assertThat(Signatures.find(disk)).isEmpty();
        put(446, "80202100830c0a0000080000001f0000");
        assertThat(Signatures.find(disk)).containsExactly(new Signature("MBR", 510));
        put(446, "41");
        assertThat(Signatures.find(disk)).isEmpty();
    }

    @Test
    void aFatBootSectorIsNotAPartitionTable() throws Exception {
        put(446, "80202100830c0a0000080000001f0000");
        put(510, "55aa");
        put(82, HexFormat.of().formatHex("FAT32   ".getBytes(ISO_8859_1)));
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("FAT");
    }

    @Test
    void findsSeveralInTheOrderOfTheirOffsets() throws Exception {
        put(65600, "5f42485266535f4d");
        put(0, "58465342");
        List<Signature> found = Signatures.find(disk);
        assertThat(found).hasToString("[XFS (at byte 0), btrfs (at byte 65600)]");
    }

    private void put(int offset, String hex) {
        byte[] magic = HexFormat.of().parseHex(hex);
        disk.bytes().asSlice(offset, magic.length).copyFrom(MemorySegment.ofArray(magic));
    }
}
