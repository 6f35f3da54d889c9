package io.dynamicfs.bench.micro;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** The same random bytes in every run. */
final class Data {
    static final long SEED = 20260101;
    private static final int ALIGNMENT = 4096;

    private Data() {}

    /** {@code bytes} must be a multiple of 8. */
    static MemorySegment random(Arena arena, long bytes) {
        MemorySegment segment = arena.allocate(bytes, ALIGNMENT);
        SplittableRandom random = new SplittableRandom(SEED);
        for (long at = 0; at < bytes; at += Long.BYTES) {
            segment.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
        return segment;
    }
}
