package io.dynamicfs.engine.device;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.IdentityLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/** Recognises what others, or DynamicFS, have left on a disk, so that it is not overwritten by mistake. */
public final class Signatures {
    public static final String DYNAMICFS = "DynamicFS";

    private static final int KIB = 1024;
    private static final int PROBE_BYTES = 1 << 20;

    /** {@code magic} holds one byte in each char. */
    private record Magic(String name, int offset, String magic) {}

    private static final List<Magic> AT_START = List.of(
            new Magic("XFS", 0, "XFSB"),
            new Magic("LUKS", 0, "LUKS\u00ba\u00be"),
            new Magic("Ceph BlueStore", 0, "bluestore block device"),
            new Magic("VDO", 0, "dmvdo001"),
            new Magic("SquashFS", 0, "hsqs"),
            new Magic("dm-verity", 0, "verity\0\0"),
            new Magic("dm-integrity", 0, "integrt\0"),
            new Magic("NTFS", 3, "NTFS    "),
            new Magic("exFAT", 3, "EXFAT   "),
            new Magic("BitLocker", 3, "-FVE-FS-"),
            new Magic("APFS", 32, "NXSB"),
            new Magic("FAT", 54, "FAT12   "),
            new Magic("FAT", 54, "FAT16   "),
            new Magic("FAT", 82, "FAT32   "),
            new Magic("LVM2", 0, "LABELONE"),
            new Magic("LVM2", 512, "LABELONE"),
            new Magic("LVM2", 1024, "LABELONE"),
            new Magic("LVM2", 1536, "LABELONE"),
            new Magic("GPT", 512, "EFI PART"),
            new Magic("GPT", 4096, "EFI PART"),
            new Magic("Stratis", 516, "!Stra0tis\u0086\u00ff\u0002^Arh"),
            new Magic("F2FS", 1024, "\u0010 \u00f5\u00f2"),
            new Magic("EROFS", 1024, "\u00e2\u00e1\u00f5\u00e0"),
            new Magic("HFS+", 1024, "H+"),
            new Magic("bcache", 4 * KIB + 24, hex("c68573f64e1a45ca8265f57f48ba6d81")),
            new Magic("bcachefs", 4 * KIB + 24, hex("c68573f666ce90a9d96a60cf803df7ef")),
            new Magic("swap", 4 * KIB - 10, "SWAPSPACE2"),
            new Magic("swap", 4 * KIB - 10, "SWAP-SPACE"),
            new Magic("swap", 16 * KIB - 10, "SWAPSPACE2"),
            new Magic("swap", 64 * KIB - 10, "SWAPSPACE2"),
            new Magic("md RAID", 0, hex("fc4e2ba9")),
            new Magic("md RAID", 4 * KIB, hex("fc4e2ba9")),
            new Magic("ISO 9660", 32 * KIB + 1, "CD001"),
            new Magic("JFS", 32 * KIB, "JFS1"),
            new Magic("ReiserFS", 64 * KIB + 52, "ReIsEr"),
            new Magic("btrfs", 64 * KIB + 64, "_BHRfS_M"));

    private final long sizeBytes;
    private final List<Signature> found = new ArrayList<>();

    private Signatures(long sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    /** In the order of their offsets; the disk must have at least {@link DiskGeometry#DISK_BYTES_MIN} bytes. */
    public static List<Signature> find(BlockDevice device) throws DeviceException {
        Signatures signatures = new Signatures(device.sizeBytes());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(PROBE_BYTES, BlockDevice.BLOCK_BYTES);
            device.read(0, memory);
            signatures.probeStart(bytes(memory));
            long end = device.sizeBytes() - PROBE_BYTES;
            device.read(end, memory);
            signatures.probeEnd(bytes(memory), end);
            signatures.probeDynamicFs(device, memory.asSlice(0, BlockDevice.BLOCK_BYTES));
        }
        return signatures.found.stream()
                .distinct()
                .sorted(Comparator.comparingLong(Signature::offset))
                .toList();
    }

    private void probeStart(ByteBuffer bytes) {
        for (Magic magic : AT_START) {
            if (matches(bytes, magic.offset(), magic.magic())) {
                add(magic.name(), magic.offset());
            }
        }
        probeExt(bytes);
        probeZfs(bytes, 0, 0);
        probeZfs(bytes, 256 * KIB, 0);
        if (found.stream().noneMatch(s -> isBootSectorOfFileSystem(s.name()))) {
            probeMbr(bytes);
        }
    }

    /** {@code bytes} are the last ones of the disk, from {@code base} on. */
    private void probeEnd(ByteBuffer bytes, long base) {
        probeAt(bytes, base, sizeBytes - 512, "GPT", "EFI PART");
        probeAt(bytes, base, sizeBytes - 4096, "GPT", "EFI PART");
        probeAt(bytes, base, sizeBytes - 512, "DDF RAID", hex("de11de11"));
        probeAt(bytes, base, sizeBytes - 1024, "Intel RAID", "Intel Raid ISM Cfg Sig.");
        probeAt(bytes, base, sizeBytes / (64 * KIB) * (64 * KIB) - 64 * KIB, "md RAID", hex("fc4e2ba9"));
        probeAt(bytes, base, sizeBytes - 8 * KIB, "md RAID", hex("fc4e2ba9"));
        long labels = sizeBytes / (256 * KIB) * (256 * KIB) - 512 * KIB;
        probeZfs(bytes, (int) (labels - base), base);
        probeZfs(bytes, (int) (labels - base) + 256 * KIB, base);
    }

    private void probeAt(ByteBuffer bytes, long base, long offset, String name, String magic) {
        if (offset >= base && matches(bytes, (int) (offset - base), magic)) {
            add(name, offset);
        }
    }

    /** A partition table has four entries whose status byte is 0x00 or 0x80, and one of them is not empty. */
    private void probeMbr(ByteBuffer bytes) {
        if (bytes.getShort(510) != (short) 0xaa55) {
            return;
        }
        boolean used = false;
        for (int entry = 446; entry < 510; entry += 16) {
            if ((bytes.get(entry) & 0x7f) != 0) {
                return;
            }
            used |= bytes.get(entry + 4) != 0 && bytes.getInt(entry + 12) != 0;
        }
        if (used) {
            add("MBR", 510);
        }
    }

    private static boolean isBootSectorOfFileSystem(String name) {
        return name.equals("FAT") || name.equals("NTFS") || name.equals("exFAT") || name.equals("BitLocker");
    }

    private void probeExt(ByteBuffer bytes) {
        int superblock = 1024;
        int logBlockSize = bytes.getInt(superblock + 0x18);
        if (bytes.getShort(superblock + 0x38) == (short) 0xef53 && logBlockSize >= 0 && logBlockSize <= 6) {
            int ext4Incompatible = 0x40 | 0x80 | 0x200;
            boolean ext4 = (bytes.getInt(superblock + 0x60) & ext4Incompatible) != 0;
            boolean journal = (bytes.getInt(superblock + 0x5c) & 4) != 0;
            add(ext4 ? "ext4" : journal ? "ext3" : "ext2", superblock + 0x38);
        }
    }

    /** The second half of a 256 KiB label is a ring of uberblocks, at least 1 KiB each, in either byte order. */
    private void probeZfs(ByteBuffer bytes, int label, long base) {
        for (int at = label + 128 * KIB; at < label + 256 * KIB; at += KIB) {
            long magic = bytes.getLong(at);
            if (magic == 0x00bab10cL || magic == Long.reverseBytes(0x00bab10cL)) {
                add("ZFS", base + at);
                return;
            }
        }
    }

    private void probeDynamicFs(BlockDevice device, MemorySegment block) throws DeviceException {
        for (long offset : new DiskGeometry(sizeBytes).identityOffsets()) {
            device.read(offset, block);
            if (matches(bytes(block), 0, IdentityLayout.MAGIC)) {
                add(DYNAMICFS, offset);
            }
        }
    }

    private void add(String name, long offset) {
        found.add(new Signature(name, offset));
    }

    private static boolean matches(ByteBuffer bytes, int offset, String magic) {
        for (int i = 0; i < magic.length(); i++) {
            if (bytes.get(offset + i) != (byte) magic.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private static ByteBuffer bytes(MemorySegment memory) {
        return memory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String hex(String digits) {
        return new String(HexFormat.of().parseHex(digits), ISO_8859_1);
    }
}
