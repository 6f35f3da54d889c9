package io.dynamicfs.engine.hash;

/**
 * Many compressions at a time over chaining values that are stored word by word: word w of value i is
 * {@code values[w * STRIDE + i]}. A kernel owns scratch memory and serves one thread.
 */
interface Blake3Kernel {
    int VALUES_MAX = 128;

    /** A kernel may fill up to this many values beyond the ones asked for. */
    int SPARE_VALUES = 8;

    int STRIDE = VALUES_MAX + SPARE_VALUES;
    int VALUES_WORDS = Compression.VALUE_WORDS * STRIDE;

    String name();

    /** Values 0..count-1 become those of {@code count} whole chunks at {@code address}, none of them a root. */
    void chunks(long address, int count, long firstChunk, int[] values);

    /** Values 0..pairs-1 become the parents of values 0..2*pairs-1; values from there on may be overwritten. */
    void parents(int[] values, int pairs, int flags);
}
