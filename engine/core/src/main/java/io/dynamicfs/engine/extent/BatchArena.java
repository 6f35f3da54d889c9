package io.dynamicfs.engine.extent;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Native, block-aligned memory that is handed out piece by piece and taken back all at once. For one thread at a time. */
public final class BatchArena {
    private static final long CHUNK_BYTES = 1 << 20;
    private static final long ALIGNMENT = 4096;

    private final Arena arena = Arena.ofAuto();
    private final List<MemorySegment> chunks = new ArrayList<>();
    private int chunk;
    private long used;

    /** Memory with undefined content, valid until {@link #reset}. */
    public MemorySegment allocate(long bytes) {
        long rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        while (true) {
            if (chunk == chunks.size()) {
                chunks.add(arena.allocate(Math.max(CHUNK_BYTES, rounded), ALIGNMENT));
            }
            MemorySegment current = chunks.get(chunk);
            if (used + rounded <= current.byteSize()) {
                MemorySegment piece = current.asSlice(used, bytes);
                used += rounded;
                return piece;
            }
            chunk++;
            used = 0;
        }
    }

    /** Takes everything back; the memory stays allocated for the next batch. */
    public void reset() {
        chunk = 0;
        used = 0;
    }
}
