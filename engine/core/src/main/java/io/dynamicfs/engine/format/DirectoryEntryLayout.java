package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Value of a DIRENT record: child inode u64, type u8 (the mode's type bits shifted right by 12), rank u8. */
public final class DirectoryEntryLayout {
    static final int INODE_OFFSET = 0;
    static final int TYPE_OFFSET = INODE_OFFSET + 8;
    static final int RANK_OFFSET = TYPE_OFFSET + 1;
    public static final int BYTES = RANK_OFFSET + 1;

    static final int TYPE_SHIFT = 12;

    private static final String STRUCTURE = "directory entry";

    private DirectoryEntryLayout() {}

    public static byte[] encode(DirectoryEntry entry) {
        ByteBuffer value = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        value.putLong(entry.inode());
        value.put((byte) (entry.type() >>> TYPE_SHIFT));
        value.put((byte) entry.rank());
        return value.array();
    }

    public static Decoded<DirectoryEntry> decode(byte[] bytes) {
        if (bytes.length != BYTES) {
            return corrupt("size", BYTES + " bytes", bytes.length);
        }
        ByteBuffer value = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long inode = value.getLong(INODE_OFFSET);
        if (inode <= 0) {
            return corrupt("inode", "1 or more", inode);
        }
        int type = (value.get(TYPE_OFFSET) & 0xFF) << TYPE_SHIFT;
        if (!Inode.isType(type)) {
            return corrupt("type", "a file type", type >>> TYPE_SHIFT);
        }
        return new Decoded.Valid<>(new DirectoryEntry(inode, type, value.get(RANK_OFFSET) & 0xFF));
    }

    private static <T> Decoded<T> corrupt(String field, String expected, Object found) {
        return new Decoded.Corrupt<>(STRUCTURE + " " + field, expected, String.valueOf(found));
    }
}
