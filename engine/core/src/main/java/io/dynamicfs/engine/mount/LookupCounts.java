package io.dynamicfs.engine.mount;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

/**
 * How many references of each inode the kernel holds. At the end of a mount the kernel forgets without saying so; what is
 * counted here is then given back to the volume, so that unlinked files are freed.
 */
final class LookupCounts {
    private final Map<Long, Long> counts = new ConcurrentHashMap<>();

    void add(long inode) {
        counts.merge(inode, 1L, Long::sum);
    }

    void remove(long inode, long count) {
        counts.computeIfPresent(inode, (key, held) -> held > count ? held - count : null);
    }

    /** Empties the counts into {@code taker}: inode and references. */
    void drain(BiConsumer<Long, Long> taker) {
        for (Long inode : List.copyOf(counts.keySet())) {
            Long held = counts.remove(inode);
            if (held != null) {
                taker.accept(inode, held);
            }
        }
    }
}
