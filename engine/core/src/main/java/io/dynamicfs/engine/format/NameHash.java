package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where a name stands in its directory. A value is a multiple of {@link #STEP} in (0, 2^63): the bits below are left to
 * tell names with equal values apart, so that every entry has a directory position of its own.
 */
public interface NameHash {
    /** Names of one directory that may share a value. */
    int STEP = 256;

    int KEY_BYTES = 16;

    long of(byte[] name);

    /** SipHash-2-4 under the volume's key, so that nobody can prepare names that collide. */
    static NameHash keyed(ByteString key) {
        if (key.length() != KEY_BYTES) {
            throw new IllegalArgumentException("a name key has " + KEY_BYTES + " bytes, not " + key.length());
        }
        ByteBuffer words = ByteBuffer.wrap(key.toBytes()).order(ByteOrder.LITTLE_ENDIAN);
        long key0 = words.getLong();
        long key1 = words.getLong();
        return name -> position(SipHash.hash(key0, key1, name));
    }

    /** Clears the top bit and the bits below {@link #STEP}; 0 becomes {@link #STEP}: the positions below it are "." and "..". */
    private static long position(long hash) {
        long position = hash & Long.MAX_VALUE & -STEP;
        return position == 0 ? STEP : position;
    }
}
