package io.dynamicfs.engine.hash;

import static java.lang.Integer.rotateRight;

/** The compression function of BLAKE3 (section 2.2 of its paper) and the constants its kernels share. */
final class Compression {
    static final int BLOCK_BYTES = 64;
    static final int CHUNK_BYTES = 1024;
    static final int VALUE_WORDS = 8;
    static final int BLOCK_WORDS = 16;

    static final int CHUNK_START = 1;
    static final int CHUNK_END = 2;
    static final int PARENT = 4;
    static final int ROOT = 8;

    static final int IV0 = 0x6A09E667;
    static final int IV1 = 0xBB67AE85;
    static final int IV2 = 0x3C6EF372;
    static final int IV3 = 0xA54FF53A;
    static final int IV4 = 0x510E527F;
    static final int IV5 = 0x9B05688C;
    static final int IV6 = 0x1F83D9AB;
    static final int IV7 = 0x5BE0CD19;

    private static final int ROUNDS = 7;
    private static final int[] PERMUTATION = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    private static final int[] SCHEDULE = schedule(1);

    private Compression() {}

    /** Index of the message word for each of the 7 x 16 uses, times {@code scale}. */
    static int[] schedule(int scale) {
        int[] schedule = new int[ROUNDS * BLOCK_WORDS];
        for (int i = 0; i < BLOCK_WORDS; i++) {
            schedule[i] = i * scale;
        }
        for (int i = BLOCK_WORDS; i < schedule.length; i++) {
            int row = i - i % BLOCK_WORDS;
            schedule[i] = schedule[row - BLOCK_WORDS + PERMUTATION[i % BLOCK_WORDS]];
        }
        return schedule;
    }

    /** Sets {@code value} (8 words) to the initial value of chunks and parents. */
    static void initialise(int[] value) {
        value[0] = IV0;
        value[1] = IV1;
        value[2] = IV2;
        value[3] = IV3;
        value[4] = IV4;
        value[5] = IV5;
        value[6] = IV6;
        value[7] = IV7;
    }

    /** Replaces {@code value} (8 words) by the first 8 output words for the 16 words of {@code block}. */
    static void compress(int[] value, int[] block, long counter, int blockBytes, int flags) {
        int v0 = value[0];
        int v1 = value[1];
        int v2 = value[2];
        int v3 = value[3];
        int v4 = value[4];
        int v5 = value[5];
        int v6 = value[6];
        int v7 = value[7];
        int v8 = IV0;
        int v9 = IV1;
        int v10 = IV2;
        int v11 = IV3;
        int v12 = (int) counter;
        int v13 = (int) (counter >>> 32);
        int v14 = blockBytes;
        int v15 = flags;
        for (int r = 0; r < ROUNDS * BLOCK_WORDS; r += BLOCK_WORDS) {
            v0 += v4 + block[SCHEDULE[r]];
            v12 = rotateRight(v12 ^ v0, 16);
            v8 += v12;
            v4 = rotateRight(v4 ^ v8, 12);
            v0 += v4 + block[SCHEDULE[r + 1]];
            v12 = rotateRight(v12 ^ v0, 8);
            v8 += v12;
            v4 = rotateRight(v4 ^ v8, 7);
            v1 += v5 + block[SCHEDULE[r + 2]];
            v13 = rotateRight(v13 ^ v1, 16);
            v9 += v13;
            v5 = rotateRight(v5 ^ v9, 12);
            v1 += v5 + block[SCHEDULE[r + 3]];
            v13 = rotateRight(v13 ^ v1, 8);
            v9 += v13;
            v5 = rotateRight(v5 ^ v9, 7);
            v2 += v6 + block[SCHEDULE[r + 4]];
            v14 = rotateRight(v14 ^ v2, 16);
            v10 += v14;
            v6 = rotateRight(v6 ^ v10, 12);
            v2 += v6 + block[SCHEDULE[r + 5]];
            v14 = rotateRight(v14 ^ v2, 8);
            v10 += v14;
            v6 = rotateRight(v6 ^ v10, 7);
            v3 += v7 + block[SCHEDULE[r + 6]];
            v15 = rotateRight(v15 ^ v3, 16);
            v11 += v15;
            v7 = rotateRight(v7 ^ v11, 12);
            v3 += v7 + block[SCHEDULE[r + 7]];
            v15 = rotateRight(v15 ^ v3, 8);
            v11 += v15;
            v7 = rotateRight(v7 ^ v11, 7);
            v0 += v5 + block[SCHEDULE[r + 8]];
            v15 = rotateRight(v15 ^ v0, 16);
            v10 += v15;
            v5 = rotateRight(v5 ^ v10, 12);
            v0 += v5 + block[SCHEDULE[r + 9]];
            v15 = rotateRight(v15 ^ v0, 8);
            v10 += v15;
            v5 = rotateRight(v5 ^ v10, 7);
            v1 += v6 + block[SCHEDULE[r + 10]];
            v12 = rotateRight(v12 ^ v1, 16);
            v11 += v12;
            v6 = rotateRight(v6 ^ v11, 12);
            v1 += v6 + block[SCHEDULE[r + 11]];
            v12 = rotateRight(v12 ^ v1, 8);
            v11 += v12;
            v6 = rotateRight(v6 ^ v11, 7);
            v2 += v7 + block[SCHEDULE[r + 12]];
            v13 = rotateRight(v13 ^ v2, 16);
            v8 += v13;
            v7 = rotateRight(v7 ^ v8, 12);
            v2 += v7 + block[SCHEDULE[r + 13]];
            v13 = rotateRight(v13 ^ v2, 8);
            v8 += v13;
            v7 = rotateRight(v7 ^ v8, 7);
            v3 += v4 + block[SCHEDULE[r + 14]];
            v14 = rotateRight(v14 ^ v3, 16);
            v9 += v14;
            v4 = rotateRight(v4 ^ v9, 12);
            v3 += v4 + block[SCHEDULE[r + 15]];
            v14 = rotateRight(v14 ^ v3, 8);
            v9 += v14;
            v4 = rotateRight(v4 ^ v9, 7);
        }
        value[0] = v0 ^ v8;
        value[1] = v1 ^ v9;
        value[2] = v2 ^ v10;
        value[3] = v3 ^ v11;
        value[4] = v4 ^ v12;
        value[5] = v5 ^ v13;
        value[6] = v6 ^ v14;
        value[7] = v7 ^ v15;
    }
}
