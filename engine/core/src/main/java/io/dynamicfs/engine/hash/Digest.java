package io.dynamicfs.engine.hash;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** A BLAKE3 value of 32 bytes, held as four little-endian words. */
public record Digest(long word0, long word1, long word2, long word3) {
    public static final int BYTES = 32;
    public static final Digest ZERO = new Digest(0, 0, 0, 0);

    /** Reads {@link #BYTES} bytes at {@code offset}. */
    public static Digest read(ByteBuffer source, int offset) {
        ByteBuffer little = source.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        return new Digest(
                little.getLong(offset),
                little.getLong(offset + 8),
                little.getLong(offset + 16),
                little.getLong(offset + 24));
    }

    public static Digest of(byte[] bytes) {
        return read(ByteBuffer.wrap(bytes), 0);
    }

    /** Writes {@link #BYTES} bytes at {@code offset}. */
    public void write(ByteBuffer target, int offset) {
        ByteBuffer little = target.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        little.putLong(offset, word0);
        little.putLong(offset + 8, word1);
        little.putLong(offset + 16, word2);
        little.putLong(offset + 24, word3);
    }

    public byte[] toBytes() {
        byte[] bytes = new byte[BYTES];
        write(ByteBuffer.wrap(bytes), 0);
        return bytes;
    }

    /** The usual lower-case hexadecimal form, as {@code b3sum} prints it. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(toBytes());
    }
}
