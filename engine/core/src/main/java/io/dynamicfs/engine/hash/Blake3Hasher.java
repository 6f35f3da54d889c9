package io.dynamicfs.engine.hash;

import static io.dynamicfs.engine.hash.Compression.BLOCK_BYTES;
import static io.dynamicfs.engine.hash.Compression.BLOCK_WORDS;
import static io.dynamicfs.engine.hash.Compression.CHUNK_BYTES;
import static io.dynamicfs.engine.hash.Compression.PARENT;
import static io.dynamicfs.engine.hash.Compression.ROOT;
import static io.dynamicfs.engine.hash.Compression.VALUE_WORDS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The tree of BLAKE3 over one kernel, with all scratch memory, for one thread. Callers keep the data reachable.
 *
 * <p>Data is taken in batches of 128 chunks, each a whole subtree. The values of finished subtrees wait on a stack as in
 * section 5.1.2 of the paper. The last batch holds at least one byte and is never pushed, so a merge on the stack is never
 * the root by accident.
 */
final class Blake3Hasher {
    private static final int GROUP_CHUNKS = Blake3.GROUP_BYTES / CHUNK_BYTES;
    private static final int BATCH_GROUPS = Blake3Kernel.VALUES_MAX / GROUP_CHUNKS;
    private static final int BATCH_BYTES = Blake3Kernel.VALUES_MAX * CHUNK_BYTES;
    private static final int STRIDE = Blake3Kernel.STRIDE;
    private static final int STACK_DEPTH = 64;
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN)
            .withInvokeExactBehavior();

    private final Blake3Kernel kernel;
    private final ScalarKernel scalar = new ScalarKernel();
    private final int[] values = new int[Blake3Kernel.VALUES_WORDS];
    private final int[] oddValue = new int[VALUE_WORDS];
    private final int[] stack = new int[STACK_DEPTH * VALUE_WORDS];
    private final int[] parent = new int[VALUE_WORDS];
    private final int[] children = new int[BLOCK_WORDS];
    private final MemorySegment heapCopy = Arena.ofAuto().allocate(BATCH_BYTES, BLOCK_BYTES);
    private int stackDepth;

    Blake3Hasher(Blake3Kernel kernel) {
        this.kernel = kernel;
    }

    Digest hash(MemorySegment data) {
        checkReadable(data);
        long length = data.byteSize();
        long position = 0;
        stackDepth = 0;
        for (long batch = 1; length - position > BATCH_BYTES; batch++) {
            subtree(address(data, position, BATCH_BYTES), BATCH_BYTES, position / CHUNK_BYTES, false);
            push(batch);
            position += BATCH_BYTES;
        }
        int rest = (int) (length - position);
        subtree(address(data, position, rest), rest, position / CHUNK_BYTES, stackDepth == 0);
        return finish();
    }

    void groupValues(MemorySegment data, long length, byte[] target) {
        requireNative(data, length);
        int groups = Blake3.groups(length);
        for (int group = 0; group < groups; group += BATCH_GROUPS) {
            int run = Math.min(groups - group, BATCH_GROUPS);
            groupRun(data.address() + (long) group * Blake3.GROUP_BYTES, group, run, length);
            for (int i = 0; i < run; i++) {
                store(i, target, (group + i) * Digest.BYTES);
            }
        }
    }

    /** Index of the first of the consecutive groups in {@code data} whose value is not the expected one, or -1. */
    int firstMismatch(MemorySegment data, int firstGroup, long extentLength, byte[] expected) {
        requireNative(data, data.byteSize());
        int groups = Blake3.groups(data.byteSize());
        for (int group = 0; group < groups; group += BATCH_GROUPS) {
            int run = Math.min(groups - group, BATCH_GROUPS);
            groupRun(data.address() + (long) group * Blake3.GROUP_BYTES, firstGroup + group, run, extentLength);
            for (int i = 0; i < run; i++) {
                int index = firstGroup + group + i;
                if (!matches(i, expected, index * Digest.BYTES)) {
                    return index;
                }
            }
        }
        return -1;
    }

    Digest root(byte[] groupValues, long length) {
        int groups = Blake3.groups(length);
        int position = 0;
        stackDepth = 0;
        for (long batch = 1; groups - position > Blake3Kernel.VALUES_MAX; batch++) {
            load(groupValues, position, Blake3Kernel.VALUES_MAX);
            reduce(Blake3Kernel.VALUES_MAX, false);
            push(batch);
            position += Blake3Kernel.VALUES_MAX;
        }
        load(groupValues, position, groups - position);
        reduce(groups - position, stackDepth == 0);
        return finish();
    }

    /** Values 0..run-1 become those of consecutive groups; only the last one of the extent may be short, and the only one is the root. */
    private void groupRun(long address, int firstGroup, int run, long extentLength) {
        long firstByte = (long) firstGroup * Blake3.GROUP_BYTES;
        if (extentLength <= Blake3.GROUP_BYTES) {
            subtree(address, (int) extentLength, 0, true);
            return;
        }
        int whole = (int) Math.min(run, (extentLength - firstByte) / Blake3.GROUP_BYTES);
        if (whole < run) {
            long tail = firstByte + (long) whole * Blake3.GROUP_BYTES;
            subtree(
                    address + (long) whole * Blake3.GROUP_BYTES,
                    (int) (extentLength - tail),
                    tail / CHUNK_BYTES,
                    false);
            copyValue(0, oddValue);
        }
        int chunks = whole * GROUP_CHUNKS;
        kernel.chunks(address, chunks, firstByte / CHUNK_BYTES, values);
        for (int count = chunks; count > whole; count /= 2) {
            kernel.parents(values, count / 2, PARENT);
        }
        if (whole < run) {
            setValue(whole, oddValue);
        }
    }

    /** Value 0 becomes that of 0..131072 bytes. */
    private void subtree(long address, int length, long firstChunk, boolean root) {
        if (length <= CHUNK_BYTES) {
            scalar.chunk(address, length, firstChunk, root ? ROOT : 0, values, 0);
            return;
        }
        int whole = length / CHUNK_BYTES;
        kernel.chunks(address, whole, firstChunk, values);
        int rest = length - whole * CHUNK_BYTES;
        if (rest > 0) {
            scalar.chunk(address + (long) whole * CHUNK_BYTES, rest, firstChunk + whole, 0, values, whole);
        }
        reduce(rest > 0 ? whole + 1 : whole, root);
    }

    /** Value 0 becomes the top of the tree over the first {@code count} values. */
    private void reduce(int count, boolean root) {
        for (int left = count; left > 1; left = (left + 1) / 2) {
            boolean odd = left % 2 == 1;
            if (odd) {
                copyValue(left - 1, oddValue);
            }
            kernel.parents(values, left / 2, left == 2 && root ? PARENT | ROOT : PARENT);
            if (odd) {
                setValue(left / 2, oddValue);
            }
        }
    }

    /** Puts value 0, the {@code number}th of equal subtrees, on the stack once it is merged with its left siblings. */
    private void push(long number) {
        for (long siblings = number; siblings % 2 == 0; siblings /= 2) {
            mergeTop(PARENT);
        }
        for (int word = 0; word < VALUE_WORDS; word++) {
            stack[stackDepth * VALUE_WORDS + word] = values[word * STRIDE];
        }
        stackDepth++;
    }

    private Digest finish() {
        while (stackDepth > 0) {
            mergeTop(stackDepth == 1 ? PARENT | ROOT : PARENT);
        }
        return new Digest(pair(0), pair(2), pair(4), pair(6));
    }

    private void mergeTop(int flags) {
        stackDepth--;
        for (int word = 0; word < VALUE_WORDS; word++) {
            children[word] = stack[stackDepth * VALUE_WORDS + word];
            children[VALUE_WORDS + word] = values[word * STRIDE];
        }
        Compression.initialise(parent);
        Compression.compress(parent, children, 0, BLOCK_BYTES, flags);
        setValue(0, parent);
    }

    private long pair(int word) {
        return (values[word * STRIDE] & 0xFFFF_FFFFL) | ((long) values[(word + 1) * STRIDE] << 32);
    }

    private void copyValue(int index, int[] target) {
        for (int word = 0; word < VALUE_WORDS; word++) {
            target[word] = values[word * STRIDE + index];
        }
    }

    private void setValue(int index, int[] source) {
        for (int word = 0; word < VALUE_WORDS; word++) {
            values[word * STRIDE + index] = source[word];
        }
    }

    private void load(byte[] source, int first, int count) {
        for (int i = 0; i < count; i++) {
            for (int word = 0; word < VALUE_WORDS; word++) {
                values[word * STRIDE + i] = (int) INT.get(source, (first + i) * Digest.BYTES + word * Integer.BYTES);
            }
        }
    }

    private void store(int index, byte[] target, int offset) {
        for (int word = 0; word < VALUE_WORDS; word++) {
            INT.set(target, offset + word * Integer.BYTES, values[word * STRIDE + index]);
        }
    }

    private boolean matches(int index, byte[] expected, int offset) {
        for (int word = 0; word < VALUE_WORDS; word++) {
            if ((int) INT.get(expected, offset + word * Integer.BYTES) != values[word * STRIDE + index]) {
                return false;
            }
        }
        return true;
    }

    private long address(MemorySegment data, long position, int bytes) {
        if (data.isNative()) {
            return data.address() + position;
        }
        MemorySegment.copy(data, position, heapCopy, 0, bytes);
        return heapCopy.address();
    }

    private static void requireNative(MemorySegment data, long length) {
        if (!data.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a heap segment");
        }
        if (length < 0 || length > data.byteSize()) {
            throw new IllegalArgumentException("expected at least " + length + " bytes, found " + data.byteSize());
        }
        checkReadable(data);
    }

    /** The kernels work on bare addresses; this one read makes a closed or foreign arena fail here instead. */
    private static void checkReadable(MemorySegment data) {
        if (data.byteSize() > 0) {
            data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
        }
    }
}
