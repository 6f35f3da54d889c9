package io.dynamicfs.engine.hash;

import static io.dynamicfs.engine.hash.Compression.BLOCK_BYTES;
import static io.dynamicfs.engine.hash.Compression.BLOCK_WORDS;
import static io.dynamicfs.engine.hash.Compression.CHUNK_BYTES;
import static io.dynamicfs.engine.hash.Compression.CHUNK_END;
import static io.dynamicfs.engine.hash.Compression.CHUNK_START;
import static io.dynamicfs.engine.hash.Compression.VALUE_WORDS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Eight compressions side by side, lane i of every vector belonging to compression i. Written out by hand where a helper
 * method would be tidier: the compiler keeps vectors in registers only within one method of moderate size.
 */
final class VectorKernel implements Blake3Kernel {
    private static final int LANES = 8;
    private static final VectorSpecies<Integer> S = IntVector.SPECIES_256;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final VectorOperators.Associative XOR = VectorOperators.XOR;
    private static final VectorOperators.Binary ROR = VectorOperators.ROR;
    private static final VectorOperators.Binary SHL = VectorOperators.LSHL;
    private static final VectorOperators.Binary SHR = VectorOperators.LSHR;

    private static final VectorMask<Integer> ODD_WORDS = VectorMask.fromLong(S, 0xAA);
    private static final VectorMask<Integer> ODD_PAIRS = VectorMask.fromLong(S, 0xCC);
    private static final VectorMask<Integer> UPPER_HALF = VectorMask.fromLong(S, 0xF0);
    private static final VectorShuffle<Integer> SWAP_PAIRS = VectorShuffle.fromValues(S, 2, 3, 0, 1, 6, 7, 4, 5);
    private static final VectorShuffle<Integer> SWAP_HALVES = VectorShuffle.fromValues(S, 4, 5, 6, 7, 0, 1, 2, 3);
    private static final VectorShuffle<Integer> EVEN = VectorShuffle.fromValues(S, 0, 2, 4, 6, 0, 2, 4, 6);
    private static final VectorShuffle<Integer> ODD = VectorShuffle.fromValues(S, 1, 3, 5, 7, 1, 3, 5, 7);

    private static final int[] SCHEDULE = Compression.schedule(LANES);
    private static final int[] INITIAL = initial();
    private static final int[] SAME_COUNTER = new int[LANES];
    private static final int[] NEXT_COUNTERS = {0, 1, 2, 3, 4, 5, 6, 7};

    private final int[] state = new int[VALUE_WORDS * LANES];
    private final int[] block = new int[BLOCK_WORDS * LANES];
    private final MemorySegment lastChunks = Arena.ofAuto().allocate((long) LANES * CHUNK_BYTES, BLOCK_BYTES);

    /** False where 256-bit vectors are not native: the library would emulate them object by object. */
    static boolean isSupported() {
        return IntVector.SPECIES_PREFERRED.vectorBitSize() >= S.vectorBitSize();
    }

    private static int[] initial() {
        int[] words = new int[VALUE_WORDS];
        Compression.initialise(words);
        int[] lanes = new int[VALUE_WORDS * LANES];
        for (int word = 0; word < VALUE_WORDS; word++) {
            Arrays.fill(lanes, word * LANES, (word + 1) * LANES, words[word]);
        }
        return lanes;
    }

    @Override
    public String name() {
        return "vector-256";
    }

    @Override
    public void chunks(long address, int count, long firstChunk, int[] values) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            eightChunks(address + (long) done * CHUNK_BYTES, firstChunk + done, values, done);
        }
        if (done < count) {
            // The idle lanes hash what an earlier call left in the buffer; reading past the caller's data could fault.
            long bytes = (long) (count - done) * CHUNK_BYTES;
            MemorySegment.copy(Memory.ALL, address + (long) done * CHUNK_BYTES, lastChunks, 0, bytes);
            eightChunks(lastChunks.address(), firstChunk + done, values, done);
        }
    }

    private void eightChunks(long address, long firstChunk, int[] values, int index) {
        for (int position = 0; position < CHUNK_BYTES; position += BLOCK_BYTES) {
            transpose(address + position, block, 0);
            transpose(address + position + BLOCK_BYTES / 2, block, block.length / 2);
            boolean first = position == 0;
            boolean last = position == CHUNK_BYTES - BLOCK_BYTES;
            compress(
                    first ? INITIAL : state,
                    block,
                    firstChunk,
                    NEXT_COUNTERS,
                    BLOCK_BYTES,
                    (first ? CHUNK_START : 0) | (last ? CHUNK_END : 0),
                    last ? values : state,
                    last ? index : 0,
                    last ? STRIDE : LANES);
        }
    }

    @Override
    public void parents(int[] values, int pairs, int flags) {
        for (int i = 0; i < pairs; i += LANES) {
            for (int word = 0; word < VALUE_WORDS; word++) {
                IntVector low = IntVector.fromArray(S, values, word * STRIDE + 2 * i);
                IntVector high = IntVector.fromArray(S, values, word * STRIDE + 2 * i + LANES);
                low.rearrange(EVEN).blend(high.rearrange(EVEN), UPPER_HALF).intoArray(block, word * LANES);
                low.rearrange(ODD)
                        .blend(high.rearrange(ODD), UPPER_HALF)
                        .intoArray(block, (VALUE_WORDS + word) * LANES);
            }
            compress(INITIAL, block, 0, SAME_COUNTER, BLOCK_BYTES, flags, values, i, STRIDE);
        }
    }

    /** Eight words from each of eight chunks become eight vectors of one word each, in three exchange steps. */
    private static void transpose(long address, int[] block, int at) {
        IntVector a0 = IntVector.fromMemorySegment(S, Memory.ALL, address, LE);
        IntVector a1 = IntVector.fromMemorySegment(S, Memory.ALL, address + CHUNK_BYTES, LE);
        IntVector a2 = IntVector.fromMemorySegment(S, Memory.ALL, address + 2 * CHUNK_BYTES, LE);
        IntVector a3 = IntVector.fromMemorySegment(S, Memory.ALL, address + 3 * CHUNK_BYTES, LE);
        IntVector a4 = IntVector.fromMemorySegment(S, Memory.ALL, address + 4 * CHUNK_BYTES, LE);
        IntVector a5 = IntVector.fromMemorySegment(S, Memory.ALL, address + 5 * CHUNK_BYTES, LE);
        IntVector a6 = IntVector.fromMemorySegment(S, Memory.ALL, address + 6 * CHUNK_BYTES, LE);
        IntVector a7 = IntVector.fromMemorySegment(S, Memory.ALL, address + 7 * CHUNK_BYTES, LE);
        IntVector b0 = a0.blend(a1.reinterpretAsLongs().lanewise(SHL, 32).reinterpretAsInts(), ODD_WORDS);
        IntVector b1 =
                a0.reinterpretAsLongs().lanewise(SHR, 32).reinterpretAsInts().blend(a1, ODD_WORDS);
        IntVector b2 = a2.blend(a3.reinterpretAsLongs().lanewise(SHL, 32).reinterpretAsInts(), ODD_WORDS);
        IntVector b3 =
                a2.reinterpretAsLongs().lanewise(SHR, 32).reinterpretAsInts().blend(a3, ODD_WORDS);
        IntVector b4 = a4.blend(a5.reinterpretAsLongs().lanewise(SHL, 32).reinterpretAsInts(), ODD_WORDS);
        IntVector b5 =
                a4.reinterpretAsLongs().lanewise(SHR, 32).reinterpretAsInts().blend(a5, ODD_WORDS);
        IntVector b6 = a6.blend(a7.reinterpretAsLongs().lanewise(SHL, 32).reinterpretAsInts(), ODD_WORDS);
        IntVector b7 =
                a6.reinterpretAsLongs().lanewise(SHR, 32).reinterpretAsInts().blend(a7, ODD_WORDS);
        IntVector c0 = b0.blend(b2.rearrange(SWAP_PAIRS), ODD_PAIRS);
        IntVector c2 = b0.rearrange(SWAP_PAIRS).blend(b2, ODD_PAIRS);
        IntVector c1 = b1.blend(b3.rearrange(SWAP_PAIRS), ODD_PAIRS);
        IntVector c3 = b1.rearrange(SWAP_PAIRS).blend(b3, ODD_PAIRS);
        IntVector c4 = b4.blend(b6.rearrange(SWAP_PAIRS), ODD_PAIRS);
        IntVector c6 = b4.rearrange(SWAP_PAIRS).blend(b6, ODD_PAIRS);
        IntVector c5 = b5.blend(b7.rearrange(SWAP_PAIRS), ODD_PAIRS);
        IntVector c7 = b5.rearrange(SWAP_PAIRS).blend(b7, ODD_PAIRS);
        c0.blend(c4.rearrange(SWAP_HALVES), UPPER_HALF).intoArray(block, at);
        c1.blend(c5.rearrange(SWAP_HALVES), UPPER_HALF).intoArray(block, at + LANES);
        c2.blend(c6.rearrange(SWAP_HALVES), UPPER_HALF).intoArray(block, at + 2 * LANES);
        c3.blend(c7.rearrange(SWAP_HALVES), UPPER_HALF).intoArray(block, at + 3 * LANES);
        c0.rearrange(SWAP_HALVES).blend(c4, UPPER_HALF).intoArray(block, at + 4 * LANES);
        c1.rearrange(SWAP_HALVES).blend(c5, UPPER_HALF).intoArray(block, at + 5 * LANES);
        c2.rearrange(SWAP_HALVES).blend(c6, UPPER_HALF).intoArray(block, at + 6 * LANES);
        c3.rearrange(SWAP_HALVES).blend(c7, UPPER_HALF).intoArray(block, at + 7 * LANES);
    }

    private static void compress(
            int[] state,
            int[] block,
            long counter,
            int[] counterSteps,
            int blockBytes,
            int flags,
            int[] target,
            int at,
            int stride) {
        IntVector v0 = IntVector.fromArray(S, state, 0);
        IntVector v1 = IntVector.fromArray(S, state, LANES);
        IntVector v2 = IntVector.fromArray(S, state, 2 * LANES);
        IntVector v3 = IntVector.fromArray(S, state, 3 * LANES);
        IntVector v4 = IntVector.fromArray(S, state, 4 * LANES);
        IntVector v5 = IntVector.fromArray(S, state, 5 * LANES);
        IntVector v6 = IntVector.fromArray(S, state, 6 * LANES);
        IntVector v7 = IntVector.fromArray(S, state, 7 * LANES);
        IntVector v8 = IntVector.fromArray(S, INITIAL, 0);
        IntVector v9 = IntVector.fromArray(S, INITIAL, LANES);
        IntVector v10 = IntVector.fromArray(S, INITIAL, 2 * LANES);
        IntVector v11 = IntVector.fromArray(S, INITIAL, 3 * LANES);
        IntVector v12 = IntVector.fromArray(S, counterSteps, 0).add((int) counter);
        IntVector v13 = IntVector.broadcast(S, (int) (counter >>> 32));
        IntVector v14 = IntVector.broadcast(S, blockBytes);
        IntVector v15 = IntVector.broadcast(S, flags);
        for (int r = 0; r < SCHEDULE.length; r += BLOCK_WORDS) {
            v0 = v0.add(v4).add(IntVector.fromArray(S, block, SCHEDULE[r]));
            v1 = v1.add(v5).add(IntVector.fromArray(S, block, SCHEDULE[r + 2]));
            v2 = v2.add(v6).add(IntVector.fromArray(S, block, SCHEDULE[r + 4]));
            v3 = v3.add(v7).add(IntVector.fromArray(S, block, SCHEDULE[r + 6]));
            v12 = v12.lanewise(XOR, v0).lanewise(ROR, 16);
            v13 = v13.lanewise(XOR, v1).lanewise(ROR, 16);
            v14 = v14.lanewise(XOR, v2).lanewise(ROR, 16);
            v15 = v15.lanewise(XOR, v3).lanewise(ROR, 16);
            v8 = v8.add(v12);
            v9 = v9.add(v13);
            v10 = v10.add(v14);
            v11 = v11.add(v15);
            v4 = v4.lanewise(XOR, v8).lanewise(ROR, 12);
            v5 = v5.lanewise(XOR, v9).lanewise(ROR, 12);
            v6 = v6.lanewise(XOR, v10).lanewise(ROR, 12);
            v7 = v7.lanewise(XOR, v11).lanewise(ROR, 12);
            v0 = v0.add(v4).add(IntVector.fromArray(S, block, SCHEDULE[r + 1]));
            v1 = v1.add(v5).add(IntVector.fromArray(S, block, SCHEDULE[r + 3]));
            v2 = v2.add(v6).add(IntVector.fromArray(S, block, SCHEDULE[r + 5]));
            v3 = v3.add(v7).add(IntVector.fromArray(S, block, SCHEDULE[r + 7]));
            v12 = v12.lanewise(XOR, v0).lanewise(ROR, 8);
            v13 = v13.lanewise(XOR, v1).lanewise(ROR, 8);
            v14 = v14.lanewise(XOR, v2).lanewise(ROR, 8);
            v15 = v15.lanewise(XOR, v3).lanewise(ROR, 8);
            v8 = v8.add(v12);
            v9 = v9.add(v13);
            v10 = v10.add(v14);
            v11 = v11.add(v15);
            v4 = v4.lanewise(XOR, v8).lanewise(ROR, 7);
            v5 = v5.lanewise(XOR, v9).lanewise(ROR, 7);
            v6 = v6.lanewise(XOR, v10).lanewise(ROR, 7);
            v7 = v7.lanewise(XOR, v11).lanewise(ROR, 7);
            v0 = v0.add(v5).add(IntVector.fromArray(S, block, SCHEDULE[r + 8]));
            v1 = v1.add(v6).add(IntVector.fromArray(S, block, SCHEDULE[r + 10]));
            v2 = v2.add(v7).add(IntVector.fromArray(S, block, SCHEDULE[r + 12]));
            v3 = v3.add(v4).add(IntVector.fromArray(S, block, SCHEDULE[r + 14]));
            v15 = v15.lanewise(XOR, v0).lanewise(ROR, 16);
            v12 = v12.lanewise(XOR, v1).lanewise(ROR, 16);
            v13 = v13.lanewise(XOR, v2).lanewise(ROR, 16);
            v14 = v14.lanewise(XOR, v3).lanewise(ROR, 16);
            v10 = v10.add(v15);
            v11 = v11.add(v12);
            v8 = v8.add(v13);
            v9 = v9.add(v14);
            v5 = v5.lanewise(XOR, v10).lanewise(ROR, 12);
            v6 = v6.lanewise(XOR, v11).lanewise(ROR, 12);
            v7 = v7.lanewise(XOR, v8).lanewise(ROR, 12);
            v4 = v4.lanewise(XOR, v9).lanewise(ROR, 12);
            v0 = v0.add(v5).add(IntVector.fromArray(S, block, SCHEDULE[r + 9]));
            v1 = v1.add(v6).add(IntVector.fromArray(S, block, SCHEDULE[r + 11]));
            v2 = v2.add(v7).add(IntVector.fromArray(S, block, SCHEDULE[r + 13]));
            v3 = v3.add(v4).add(IntVector.fromArray(S, block, SCHEDULE[r + 15]));
            v15 = v15.lanewise(XOR, v0).lanewise(ROR, 8);
            v12 = v12.lanewise(XOR, v1).lanewise(ROR, 8);
            v13 = v13.lanewise(XOR, v2).lanewise(ROR, 8);
            v14 = v14.lanewise(XOR, v3).lanewise(ROR, 8);
            v10 = v10.add(v15);
            v11 = v11.add(v12);
            v8 = v8.add(v13);
            v9 = v9.add(v14);
            v5 = v5.lanewise(XOR, v10).lanewise(ROR, 7);
            v6 = v6.lanewise(XOR, v11).lanewise(ROR, 7);
            v7 = v7.lanewise(XOR, v8).lanewise(ROR, 7);
            v4 = v4.lanewise(XOR, v9).lanewise(ROR, 7);
        }
        v0.lanewise(XOR, v8).intoArray(target, at);
        v1.lanewise(XOR, v9).intoArray(target, at + stride);
        v2.lanewise(XOR, v10).intoArray(target, at + 2 * stride);
        v3.lanewise(XOR, v11).intoArray(target, at + 3 * stride);
        v4.lanewise(XOR, v12).intoArray(target, at + 4 * stride);
        v5.lanewise(XOR, v13).intoArray(target, at + 5 * stride);
        v6.lanewise(XOR, v14).intoArray(target, at + 6 * stride);
        v7.lanewise(XOR, v15).intoArray(target, at + 7 * stride);
    }
}
