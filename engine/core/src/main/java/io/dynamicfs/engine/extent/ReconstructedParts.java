package io.dynamicfs.engine.extent;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Verified parts of fragments that no disk has and that came out of a reconstruction for somebody else: who reads a file in order
 * with disks missing needs them soon, and would read all the others again for them. Each is given out once. Safe for several threads.
 */
final class ReconstructedParts {
    /** Smaller reads are not in order, or so small that keeping more than they asked for costs more than it brings. */
    private static final int PART_BYTES = 128 << 10;

    private static final int PARTS_MAX = 128;

    private record Key(long extent, int fragment, int offset) {}

    private final LinkedHashMap<Key, byte[]> parts = new LinkedHashMap<>(); // guarded by itself

    /** Whether a range of a fragment is one that would be kept. */
    boolean keeps(int offset, int length) {
        return offset % PART_BYTES == 0 && length % PART_BYTES == 0;
    }

    void keep(long extent, int fragment, int offset, MemorySegment bytes) {
        for (int at = 0; at < bytes.byteSize(); at += PART_BYTES) {
            byte[] part = bytes.asSlice(at, PART_BYTES).toArray(JAVA_BYTE);
            synchronized (parts) {
                parts.putLast(new Key(extent, fragment, offset + at), part);
                if (parts.size() > PARTS_MAX) {
                    parts.pollFirstEntry();
                }
            }
        }
    }

    /** Fills {@code target}; false, and the target is not to be used, when a part of it is not here. */
    boolean copy(long extent, int fragment, int offset, MemorySegment target) {
        if (!keeps(offset, (int) target.byteSize())) {
            return false;
        }
        for (int at = 0; at < target.byteSize(); at += PART_BYTES) {
            byte @Nullable [] part;
            synchronized (parts) {
                part = parts.remove(new Key(extent, fragment, offset + at));
            }
            if (part == null) {
                return false;
            }
            MemorySegment.copy(part, 0, target, JAVA_BYTE, at, PART_BYTES);
        }
        return true;
    }
}
