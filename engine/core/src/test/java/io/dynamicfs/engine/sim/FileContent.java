package io.dynamicfs.engine.sim;

import java.io.Serializable;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** The bytes of a file at one moment. Immutable; versions of one file share what did not change. */
final class FileContent implements Serializable {
    private static final long serialVersionUID = 1L;
    static final int CHUNK_BYTES = 16384;

    /** Grain of what a reader may report as unreadable. */
    static final int BLOCK_BYTES = 4096;

    static final FileContent EMPTY = new FileContent(0, new byte[0][]);
    private static final byte[] ZEROS = new byte[CHUNK_BYTES];

    private final long size;
    private final byte[] @Nullable [] chunks;
    private final long storedBytes;

    private FileContent(long size, byte[] @Nullable [] chunks) {
        this.size = size;
        this.chunks = chunks;
        long stored = 0;
        for (byte[] chunk : chunks) {
            stored += chunk == null ? 0 : CHUNK_BYTES;
        }
        this.storedBytes = stored;
    }

    long size() {
        return size;
    }

    FileContent write(long offset, byte[] data) {
        if (data.length == 0) {
            return this;
        }
        long end = offset + data.length;
        long newSize = Math.max(size, end);
        byte[][] next = Arrays.copyOf(chunks, chunksFor(newSize));
        long at = offset;
        while (at < end) {
            int index = (int) (at / CHUNK_BYTES);
            int within = (int) (at % CHUNK_BYTES);
            int length = (int) Math.min(CHUNK_BYTES - within, end - at);
            byte[] chunk = next[index] == null ? new byte[CHUNK_BYTES] : next[index].clone();
            System.arraycopy(data, (int) (at - offset), chunk, within, length);
            next[index] = chunk;
            at += length;
        }
        return new FileContent(newSize, next);
    }

    FileContent resize(long newSize) {
        byte[][] next = Arrays.copyOf(chunks, chunksFor(newSize));
        int within = (int) (newSize % CHUNK_BYTES);
        if (newSize < size && within != 0 && next[next.length - 1] != null) {
            byte[] last = next[next.length - 1].clone();
            Arrays.fill(last, within, CHUNK_BYTES, (byte) 0);
            next[next.length - 1] = last;
        }
        return new FileContent(newSize, next);
    }

    FileContent zero(long from, long to) {
        byte[][] next = chunks.clone();
        for (long at = from; at < to; ) {
            int index = (int) (at / CHUNK_BYTES);
            int within = (int) (at % CHUNK_BYTES);
            int length = (int) Math.min(CHUNK_BYTES - within, to - at);
            if (length == CHUNK_BYTES) {
                next[index] = null;
            } else if (next[index] != null) {
                next[index] = next[index].clone();
                Arrays.fill(next[index], within, within + length, (byte) 0);
            }
            at += length;
        }
        return new FileContent(size, next);
    }

    boolean isZero(long from, long to) {
        for (long at = from; at < to; ) {
            byte[] chunk = chunks[(int) (at / CHUNK_BYTES)];
            int within = (int) (at % CHUNK_BYTES);
            int length = (int) Math.min(CHUNK_BYTES - within, to - at);
            if (chunk != null && !Arrays.equals(chunk, within, within + length, ZEROS, 0, length)) {
                return false;
            }
            at += length;
        }
        return true;
    }

    /** Up to {@code length} bytes from {@code offset}; fewer at the end of the file. */
    byte[] read(long offset, int length) {
        int available = (int) Math.max(0, Math.min(length, size - offset));
        byte[] result = new byte[available];
        int done = 0;
        while (done < available) {
            long at = offset + done;
            int within = (int) (at % CHUNK_BYTES);
            int part = Math.min(CHUNK_BYTES - within, available - done);
            System.arraycopy(chunk((int) (at / CHUNK_BYTES)), within, result, done, part);
            done += part;
        }
        return result;
    }

    /** Offset of the first byte that differs, the smaller size when only the sizes do, or -1. Blocks in {@code ignored} match. */
    long firstDifference(FileContent other, @Nullable BitSet ignored) {
        long common = Math.min(size, other.size);
        for (long at = 0; at < common; at += CHUNK_BYTES) {
            byte[] mine = chunk((int) (at / CHUNK_BYTES));
            byte[] theirs = other.chunk((int) (at / CHUNK_BYTES));
            if (isSame(mine, theirs)) {
                continue;
            }
            int length = (int) Math.min(CHUNK_BYTES, common - at);
            for (int within = 0; within < length; within += BLOCK_BYTES) {
                int end = Math.min(within + BLOCK_BYTES, length);
                int difference = Arrays.mismatch(mine, within, end, theirs, within, end);
                if (difference >= 0 && (ignored == null || !ignored.get((int) ((at + within) / BLOCK_BYTES)))) {
                    return at + within + difference;
                }
            }
        }
        return size == other.size ? -1 : common;
    }

    /** Bytes of memory blocks that are not holes, a rough measure of what a file takes. */
    long storedBytes() {
        return storedBytes;
    }

    /** One and the same array, which saves comparing it. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(byte[] one, byte[] other) {
        return one == other;
    }

    private byte[] chunk(int index) {
        byte[] chunk = chunks[index];
        return chunk == null ? ZEROS : chunk;
    }

    private static int chunksFor(long size) {
        return Math.toIntExact((size + CHUNK_BYTES - 1) / CHUNK_BYTES);
    }

    @Override
    public String toString() {
        return size + " bytes";
    }
}
