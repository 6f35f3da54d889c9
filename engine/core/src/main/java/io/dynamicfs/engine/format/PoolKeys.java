package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Keys of the pool tree: one byte that says what it is, then big-endian numbers, so that keys sort by kind and then by
 * number.
 *
 * <pre>
 *   1                                  pool record
 *   2  disk u16                        disk record
 *   3  volume u64                      volume record
 *   4  extent u64                      extent record
 *   5  extent u64, part u16            checksums of a large extent
 *   6  disk u16, block u64             which fragment lies there
 *   7  disk u16, region u32            free-space bitmap of 4096 blocks
 *   8  chunk u64                       used slots of a metadata chunk
 *   9  generation u64, part u32        space freed by that generation
 *  10  name, zero byte, part u16       a part of a note's text
 * </pre>
 */
public final class PoolKeys {
    public static final byte POOL = 1;
    public static final byte DISK = 2;
    public static final byte VOLUME = 3;
    public static final byte EXTENT = 4;
    public static final byte CHECKSUMS = 5;
    public static final byte REVERSE = 6;
    public static final byte SPACE = 7;
    public static final byte SLOTS = 8;
    public static final byte PENDING = 9;
    public static final byte NOTE = 10;

    /** Longest name of a note, in bytes of UTF-8. */
    public static final int NOTE_NAME_BYTES_MAX = 128;

    /** Bytes of a note's UTF-8 text in one part; all parts but the last have as many. */
    public static final int NOTE_PART_BYTES = 3200;

    private static final int NOTE_PART_NUMBER_BYTES = 3;

    private PoolKeys() {}

    public static byte[] pool() {
        return new byte[] {POOL};
    }

    public static byte[] disk(int disk) {
        return ByteBuffer.allocate(3).put(DISK).putShort((short) disk).array();
    }

    public static byte[] volume(long volume) {
        return number(VOLUME, volume);
    }

    public static byte[] extent(long extent) {
        return number(EXTENT, extent);
    }

    public static byte[] checksums(long extent, int part) {
        return ByteBuffer.allocate(11)
                .put(CHECKSUMS)
                .putLong(extent)
                .putShort((short) part)
                .array();
    }

    public static byte[] reverse(int disk, long block) {
        return ByteBuffer.allocate(11)
                .put(REVERSE)
                .putShort((short) disk)
                .putLong(block)
                .array();
    }

    public static byte[] space(int disk, int region) {
        return ByteBuffer.allocate(7)
                .put(SPACE)
                .putShort((short) disk)
                .putInt(region)
                .array();
    }

    public static byte[] slots(long chunk) {
        return number(SLOTS, chunk);
    }

    public static byte[] pending(long generation, int part) {
        return ByteBuffer.allocate(13)
                .put(PENDING)
                .putLong(generation)
                .putInt(part)
                .array();
    }

    /** {@code name} has 1 to {@link #NOTE_NAME_BYTES_MAX} bytes, none of them zero. */
    public static byte[] note(String name, int part) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(1 + bytes.length + NOTE_PART_NUMBER_BYTES)
                .put(NOTE)
                .put(bytes)
                .put((byte) 0)
                .putShort((short) part)
                .array();
    }

    public static String noteName(byte[] key) {
        return new String(key, 1, key.length - 1 - NOTE_PART_NUMBER_BYTES, StandardCharsets.UTF_8);
    }

    /** The first key of a kind; {@code kind + 1} is the exclusive end. */
    public static byte[] first(int kind) {
        return new byte[] {(byte) kind};
    }

    private static byte[] number(byte kind, long number) {
        return ByteBuffer.allocate(9).put(kind).putLong(number).array();
    }
}
