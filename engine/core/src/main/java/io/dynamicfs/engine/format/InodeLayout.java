package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Value of an INODE record, {@value #BYTES} bytes, little-endian:
 * <pre>
 *   0 mode u32        4 links u32        8 uid u32        12 gid u32
 *  16 rdev u32       20 flags u32       24 size u64       32 stored bytes u64
 *  40 content sequence u64              48 parent u64
 *  56 accessed s64   64 modified s64    72 changed s64    80 born s64     seconds
 *  88 accessed u32   92 modified u32    96 changed u32   100 born u32     nanoseconds
 * 104 xattr count u32                  108 xattr name bytes u32
 * 112 xattr value bytes u32            116 data fragments u8, 117 parity fragments u8 (0 0: none)
 * 118 reserved, zero
 * </pre>
 */
public final class InodeLayout {
    static final int MODE_OFFSET = 0;
    static final int LINKS_OFFSET = MODE_OFFSET + 4;
    static final int UID_OFFSET = LINKS_OFFSET + 4;
    static final int GID_OFFSET = UID_OFFSET + 4;
    static final int RDEV_OFFSET = GID_OFFSET + 4;
    static final int FLAGS_OFFSET = RDEV_OFFSET + 4;
    static final int SIZE_OFFSET = FLAGS_OFFSET + 4;
    static final int STORED_BYTES_OFFSET = SIZE_OFFSET + 8;
    static final int CONTENT_SEQUENCE_OFFSET = STORED_BYTES_OFFSET + 8;
    static final int PARENT_OFFSET = CONTENT_SEQUENCE_OFFSET + 8;
    static final int SECONDS_OFFSET = PARENT_OFFSET + 8;
    static final int NANOS_OFFSET = SECONDS_OFFSET + 4 * 8;
    static final int XATTR_COUNT_OFFSET = NANOS_OFFSET + 4 * 4;
    static final int XATTR_NAME_BYTES_OFFSET = XATTR_COUNT_OFFSET + 4;
    static final int XATTR_VALUE_BYTES_OFFSET = XATTR_NAME_BYTES_OFFSET + 4;
    static final int DATA_FRAGMENTS_OFFSET = XATTR_VALUE_BYTES_OFFSET + 4;
    static final int PARITY_FRAGMENTS_OFFSET = DATA_FRAGMENTS_OFFSET + 1;
    static final int RESERVED_OFFSET = PARITY_FRAGMENTS_OFFSET + 1;
    public static final int BYTES = 128;

    /** Flags that this version knows. */
    static final int FLAGS_KNOWN = Inode.UNNAMED;

    private static final String STRUCTURE = "inode";
    private static final int NANOS_MAX = 999_999_999;

    private InodeLayout() {}

    public static byte[] encode(Inode inode) {
        ByteBuffer value = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        value.putInt(inode.mode()).putInt(inode.links());
        value.putInt(inode.uid()).putInt(inode.gid());
        value.putInt(inode.rdev()).putInt(inode.flags());
        value.putLong(inode.size()).putLong(inode.storedBytes());
        value.putLong(inode.contentSequence()).putLong(inode.parent());
        value.putLong(inode.accessed().seconds()).putLong(inode.modified().seconds());
        value.putLong(inode.changed().seconds()).putLong(inode.born().seconds());
        value.putInt(inode.accessed().nanos()).putInt(inode.modified().nanos());
        value.putInt(inode.changed().nanos()).putInt(inode.born().nanos());
        value.putInt(inode.xattrCount()).putInt(inode.xattrNameBytes()).putInt(inode.xattrValueBytes());
        Redundancy redundancy = inode.redundancy();
        if (redundancy != null) {
            value.put((byte) redundancy.dataFragments()).put((byte) redundancy.parityFragments());
        }
        return value.array();
    }

    public static Decoded<Inode> decode(byte[] bytes) {
        if (bytes.length != BYTES) {
            return corrupt("size", BYTES + " bytes", bytes.length);
        }
        ByteBuffer value = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int mode = value.getInt(MODE_OFFSET);
        if ((mode & ~(Inode.TYPE_MASK | Inode.PERMISSION_MASK)) != 0 || !Inode.isType(mode & Inode.TYPE_MASK)) {
            return corrupt("mode", "a file type and permissions", "0" + Integer.toOctalString(mode));
        }
        int flags = value.getInt(FLAGS_OFFSET);
        if ((flags & ~FLAGS_KNOWN) != 0) {
            return corrupt("flags", "known ones only", "0x" + Integer.toHexString(flags));
        }
        for (int offset :
                new int[] {LINKS_OFFSET, XATTR_COUNT_OFFSET, XATTR_NAME_BYTES_OFFSET, XATTR_VALUE_BYTES_OFFSET}) {
            if (value.getInt(offset) < 0) {
                return corrupt("count at byte " + offset, "below 2^31", Integer.toUnsignedString(value.getInt(offset)));
            }
        }
        for (int offset : new int[] {SIZE_OFFSET, STORED_BYTES_OFFSET, CONTENT_SEQUENCE_OFFSET, PARENT_OFFSET}) {
            if (value.getLong(offset) < 0) {
                return corrupt("number at byte " + offset, "below 2^63", Long.toUnsignedString(value.getLong(offset)));
            }
        }
        for (int i = 0; i < 4; i++) {
            int nanos = value.getInt(NANOS_OFFSET + 4 * i);
            if (nanos < 0 || nanos > NANOS_MAX) {
                return corrupt("nanoseconds", "below 10^9", Integer.toUnsignedString(nanos));
            }
        }
        int data = value.get(DATA_FRAGMENTS_OFFSET) & 0xFF;
        int parity = value.get(PARITY_FRAGMENTS_OFFSET) & 0xFF;
        if ((data != 0 || parity != 0) && !Redundancy.isValid(data, parity)) {
            return corrupt("redundancy", "k+m or 0+0", data + "+" + parity);
        }
        for (int offset = RESERVED_OFFSET; offset < BYTES; offset++) {
            if (value.get(offset) != 0) {
                return corrupt("reserved byte " + offset, "0", value.get(offset));
            }
        }
        return new Decoded.Valid<>(new Inode(
                mode,
                value.getInt(LINKS_OFFSET),
                value.getInt(UID_OFFSET),
                value.getInt(GID_OFFSET),
                value.getInt(RDEV_OFFSET),
                flags,
                value.getLong(SIZE_OFFSET),
                value.getLong(STORED_BYTES_OFFSET),
                value.getLong(CONTENT_SEQUENCE_OFFSET),
                value.getLong(PARENT_OFFSET),
                timestamp(value, 0),
                timestamp(value, 1),
                timestamp(value, 2),
                timestamp(value, 3),
                value.getInt(XATTR_COUNT_OFFSET),
                value.getInt(XATTR_NAME_BYTES_OFFSET),
                value.getInt(XATTR_VALUE_BYTES_OFFSET),
                redundancy(data, parity)));
    }

    private static Timestamp timestamp(ByteBuffer value, int index) {
        return new Timestamp(value.getLong(SECONDS_OFFSET + 8 * index), value.getInt(NANOS_OFFSET + 4 * index));
    }

    private static @Nullable Redundancy redundancy(int data, int parity) {
        return data == 0 ? null : new Redundancy(data, parity);
    }

    private static <T> Decoded<T> corrupt(String field, String expected, Object found) {
        return new Decoded.Corrupt<>(STRUCTURE + " " + field, expected, String.valueOf(found));
    }
}
