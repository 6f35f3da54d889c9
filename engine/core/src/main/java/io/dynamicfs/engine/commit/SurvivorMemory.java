package io.dynamicfs.engine.commit;

import java.lang.foreign.MemorySegment;

/**
 * Memory that outlives the process when its owner arranges it (a file on tmpfs, a memfd somebody else holds too), and never the
 * machine. Its size bounds what is answered but not yet durable; at least {@link #BYTES_MIN}.
 */
public record SurvivorMemory(MemorySegment memory) {
    public static final long BYTES_MIN = 8L << 20;

    public SurvivorMemory {
        if (memory.byteSize() < BYTES_MIN) {
            throw new IllegalArgumentException(
                    "survivor memory needs at least " + BYTES_MIN + " bytes, not " + memory.byteSize());
        }
    }
}
