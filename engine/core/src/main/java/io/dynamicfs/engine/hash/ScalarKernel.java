package io.dynamicfs.engine.hash;

import static io.dynamicfs.engine.hash.Compression.BLOCK_BYTES;
import static io.dynamicfs.engine.hash.Compression.BLOCK_WORDS;
import static io.dynamicfs.engine.hash.Compression.CHUNK_BYTES;
import static io.dynamicfs.engine.hash.Compression.VALUE_WORDS;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** One compression after the other in plain Java; runs everywhere. */
final class ScalarKernel implements Blake3Kernel {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int[] value = new int[VALUE_WORDS];
    private final int[] block = new int[BLOCK_WORDS];

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void chunks(long address, int count, long firstChunk, int[] values) {
        for (int i = 0; i < count; i++) {
            chunk(address + (long) i * CHUNK_BYTES, CHUNK_BYTES, firstChunk + i, 0, values, i);
        }
    }

    /** Value {@code index} becomes that of one chunk of 0..1024 bytes; {@code flags} is 0 or ROOT. */
    void chunk(long address, int bytes, long counter, int flags, int[] values, int index) {
        Compression.initialise(value);
        int start = Compression.CHUNK_START;
        int position = 0;
        for (; bytes - position > BLOCK_BYTES; position += BLOCK_BYTES) {
            load(address + position, BLOCK_BYTES);
            Compression.compress(value, block, counter, BLOCK_BYTES, start);
            start = 0;
        }
        load(address + position, bytes - position);
        Compression.compress(value, block, counter, bytes - position, start | Compression.CHUNK_END | flags);
        for (int word = 0; word < VALUE_WORDS; word++) {
            values[word * STRIDE + index] = value[word];
        }
    }

    private void load(long address, int bytes) {
        if (bytes == BLOCK_BYTES) {
            for (int word = 0; word < BLOCK_WORDS; word++) {
                block[word] = Memory.ALL.get(WORD, address + word * 4L);
            }
            return;
        }
        for (int word = 0; word < BLOCK_WORDS; word++) {
            int bits = 0;
            for (int i = Math.min(bytes - word * 4, 4) - 1; i >= 0; i--) {
                bits = (bits << 8) | (Memory.ALL.get(ValueLayout.JAVA_BYTE, address + word * 4L + i) & 0xFF);
            }
            block[word] = bits;
        }
    }

    @Override
    public void parents(int[] values, int pairs, int flags) {
        for (int i = 0; i < pairs; i++) {
            for (int word = 0; word < VALUE_WORDS; word++) {
                block[word] = values[word * STRIDE + 2 * i];
                block[VALUE_WORDS + word] = values[word * STRIDE + 2 * i + 1];
            }
            Compression.initialise(value);
            Compression.compress(value, block, 0, BLOCK_BYTES, flags);
            for (int word = 0; word < VALUE_WORDS; word++) {
                values[word * STRIDE + i] = value[word];
            }
        }
    }
}
