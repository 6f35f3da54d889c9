package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The keys of a volume's tree: inode u64, kind u8, rest; big-endian, so that they sort by inode, then kind, then rest. */
public final class VolumeKeys {
    public static final byte HEADER = 0;
    public static final byte INODE = 1;
    public static final byte XATTR = 2;
    public static final byte DIRENT = 3;
    public static final byte SLICE = 4;
    public static final byte ORPHAN = 5;
    public static final byte TARGET = 6;

    /** The inode number of records that belong to the volume as a whole. */
    public static final long VOLUME = 0;

    public static final int KIND_OFFSET = 8;
    public static final int REST_OFFSET = 9;
    public static final int NAME_OFFSET = REST_OFFSET + 8;
    public static final int NAME_BYTES_MAX = 255;

    private VolumeKeys() {}

    public static byte[] header() {
        return key(VOLUME, HEADER);
    }

    public static byte[] inode(long inode) {
        return key(inode, INODE);
    }

    public static byte[] target(long inode) {
        return key(inode, TARGET);
    }

    public static byte[] slice(long inode, long offset) {
        return buffer(inode, SLICE, 8).putLong(offset).array();
    }

    public static byte[] orphan(long inode) {
        return buffer(VOLUME, ORPHAN, 8).putLong(inode).array();
    }

    public static byte[] dirent(long directory, long hash, byte[] name) {
        return buffer(directory, DIRENT, 8 + name.length)
                .putLong(hash)
                .put(name)
                .array();
    }

    /** The first possible key of the names of {@code directory} whose hash is at least {@code hash}. */
    public static byte[] direntFrom(long directory, long hash) {
        return buffer(directory, DIRENT, 8).putLong(hash).array();
    }

    public static byte[] xattr(long inode, long hash, byte[] name, int part) {
        return buffer(inode, XATTR, 8 + name.length + 1)
                .putLong(hash)
                .put(name)
                .put((byte) part)
                .array();
    }

    /** Before every key of that inode and kind. */
    public static byte[] from(long inode, byte kind) {
        return key(inode, kind);
    }

    /** After every key of that inode and kind. */
    public static byte[] after(long inode, byte kind) {
        return key(inode, (byte) (kind + 1));
    }

    /** After every key of that inode. */
    public static byte[] after(long inode) {
        return key(inode, (byte) 0xFF);
    }

    /** Whether the key has an inode and a kind at all. */
    public static boolean isWellFormed(byte[] key) {
        return key.length >= REST_OFFSET;
    }

    public static long inodeOf(byte[] key) {
        return ByteBuffer.wrap(key).getLong(0);
    }

    public static byte kindOf(byte[] key) {
        return key[KIND_OFFSET];
    }

    /** The hash of a DIRENT or XATTR key, the offset of a SLICE key, the inode of an ORPHAN key. */
    public static long numberOf(byte[] key) {
        return ByteBuffer.wrap(key).getLong(REST_OFFSET);
    }

    /** The name of a DIRENT key. */
    public static byte[] direntNameOf(byte[] key) {
        return Arrays.copyOfRange(key, NAME_OFFSET, key.length);
    }

    /** The name of an XATTR key. */
    public static byte[] xattrNameOf(byte[] key) {
        return Arrays.copyOfRange(key, NAME_OFFSET, key.length - 1);
    }

    /** The part of an XATTR key. */
    public static int xattrPartOf(byte[] key) {
        return key[key.length - 1] & 0xFF;
    }

    private static byte[] key(long inode, byte kind) {
        return buffer(inode, kind, 0).array();
    }

    private static ByteBuffer buffer(long inode, byte kind, int restBytes) {
        return ByteBuffer.allocate(REST_OFFSET + restBytes).putLong(inode).put(kind);
    }
}
