package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Blocks written out by hand from the document. They must stay readable for ever, and be what is written today. */
class GoldenLabelsTest {
    private static final UUID POOL = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final UUID DISK = UUID.fromString("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
    private static final String HEADER_REST = "01000000" + "00000000"
            + "0100000000000000" + "0200000000000000" + "0000000000000000"
            + "00112233445566778899aabbccddeeff"
            + "f0e1d2c3b4a546978879" + "6a5b4c3d2e1f";
    private static final FeatureWords FEATURES = new FeatureWords(1, 2, 0);

    private static final String IDENTITY = "4446534944454e54" + HEADER_REST
            + "0302" + "00000000" + "0600"
            + "0010000100000000" + "15cd5b0700000000"
            + "70c3b6c3b66c";

    private static final String ROOT = "444653524f4f5431" + HEADER_REST
            + "0302" + "0000" + "05000000" + "0050020000000000" + "00".repeat(40)
            + "2500000000000000" + "0300000000000000" + "efcdab8967452301"
            + "0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000"
            + "01000000" + "02" + "03" + "03" + "02" + "15cd5b0700000000"
            + "0000" + "0100" + "0302" + "0000".repeat(13)
            + "4301000000000000" + "2400000000000000"
            + "0500000000000000" + "0600000000000000" + "0700000000000000" + "0800000000000000"
            + "39300000" + "01" + "000000"
            + "0900000000000000" + "0a00000000000000" + "0b00000000000000" + "0c00000000000000"
            + "0001000000000100" + "00".repeat(56)
            + "0002000000000000" + "0003000000000302" + "00".repeat(48)
            + "00040000" + "00000000" + "0005000000000000" + "0006000000000000"
            + "0007000000000000" + "0008000000000000" + "0009000000000000";

    @Test
    void anIdentityBlockIsAsInTheDocument() {
        Identity identity = new Identity(FEATURES, POOL, DISK, 0x203, 0x1001000, 123456789, "pööl");
        MemorySegment golden = golden(IDENTITY);
        assertThat(IdentityLayout.decode(golden)).isEqualTo(new Decoded.Valid<>(identity));
        MemorySegment written = MemorySegment.ofArray(new byte[4096]);
        IdentityLayout.encode(identity, written);
        assertThat(written.mismatch(golden)).isEqualTo(-1);
    }

    @Test
    void aRootRecordIsAsInTheDocument() {
        RootRecord root = new RootRecord(
                37,
                3,
                0x0123456789abcdefL,
                new Digest(1, 2, 3, 4),
                true,
                123456789,
                2,
                3,
                List.of(0, 1, 0x203),
                new NodePointer(NodePointer.address(5, 3), 36, new Digest(5, 6, 7, 8)),
                new RootRecord.ChunkMap(12345, new Digest(9, 10, 11, 12), List.of(new BlockAddress(1, 0x100))),
                new RootRecord.Log(
                        List.of(new BlockAddress(0, 0x200), new BlockAddress(0x203, 0x300)), 0x400, 0x500, 0x600),
                0x700,
                0x800,
                0x900);
        RootSlot slot = new RootSlot(FEATURES, POOL, DISK, 0x203, 5, 0x25000, root);
        MemorySegment golden = golden(ROOT);
        assertThat(RootRecordLayout.decode(golden)).isEqualTo(new Decoded.Valid<>(slot));
        MemorySegment written = MemorySegment.ofArray(new byte[4096]);
        RootRecordLayout.encode(slot, written);
        assertThat(written.mismatch(golden)).isEqualTo(-1);
    }

    private static MemorySegment golden(String start) {
        byte[] block = new byte[4096];
        byte[] bytes = HexFormat.of().parseHex(start);
        System.arraycopy(bytes, 0, block, 0, bytes.length);
        MemorySegment segment = MemorySegment.ofArray(block);
        byte[] digest = Blake3.hash(segment.asSlice(0, 4064)).toBytes();
        System.arraycopy(digest, 0, block, 4064, digest.length);
        return segment;
    }
}
