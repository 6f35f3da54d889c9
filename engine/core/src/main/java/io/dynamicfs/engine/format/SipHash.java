package io.dynamicfs.engine.format;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** SipHash-2-4 as in "SipHash: a fast short-input PRF" (Aumasson and Bernstein, 2012): 64 bits under a key of 128. */
final class SipHash {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private long v0;
    private long v1;
    private long v2;
    private long v3;

    private SipHash(long key0, long key1) {
        v0 = key0 ^ 0x736f6d6570736575L;
        v1 = key1 ^ 0x646f72616e646f6dL;
        v2 = key0 ^ 0x6c7967656e657261L;
        v3 = key1 ^ 0x7465646279746573L;
    }

    static long hash(long key0, long key1, byte[] data) {
        SipHash state = new SipHash(key0, key1);
        int whole = data.length & -8;
        for (int at = 0; at < whole; at += 8) {
            state.absorb((long) LONG.get(data, at));
        }
        state.absorb(lastWord(data, whole));
        return state.finish();
    }

    /** The bytes after the last whole word, and the length modulo 256 in the top byte. */
    private static long lastWord(byte[] data, int whole) {
        long word = (long) data.length << 56;
        for (int at = whole; at < data.length; at++) {
            word |= (data[at] & 0xFFL) << (8 * (at - whole));
        }
        return word;
    }

    private void absorb(long word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }

    private long finish() {
        v2 ^= 0xFF;
        for (int i = 0; i < 4; i++) {
            round();
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private void round() {
        v0 += v1;
        v2 += v3;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 = Long.rotateLeft(v2, 32);
    }
}
