package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodePointer;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Clean nodes by pointer, up to about {@code bytesMax} of heap, replaced by the second-chance (CLOCK) rule. A hit takes no
 * lock. The key is the whole pointer, so a reused address never finds the node that was there before.
 */
public final class NodeCache {
    private final long bytesMax;
    private final ConcurrentHashMap<NodePointer, Entry> entries = new ConcurrentHashMap<>();
    private final ArrayDeque<Entry> clock = new ArrayDeque<>(); // guarded by itself
    private long bytes; // guarded by clock
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();

    public NodeCache(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Counters since the start, and the size in bytes now. */
    public record Statistics(long hits, long misses, long nodes, long bytes) {}

    public Statistics statistics() {
        synchronized (clock) {
            return new Statistics(hits.sum(), misses.sum(), clock.size(), bytes);
        }
    }

    /** Forgets everything. */
    public void clear() {
        synchronized (clock) {
            entries.clear();
            clock.clear();
            bytes = 0;
        }
    }

    @Nullable
    Node get(NodePointer pointer) {
        Entry entry = entries.get(pointer);
        if (entry == null) {
            misses.increment();
            return null;
        }
        hits.increment();
        if (!entry.used) {
            entry.used = true;
        }
        return entry.node;
    }

    /** Adds the node and returns it, or the one that another thread has added before. */
    Node put(NodePointer pointer, Node node) {
        Entry added = new Entry(pointer, node, node.heapBytes());
        synchronized (clock) {
            Entry before = entries.putIfAbsent(pointer, added);
            if (before != null) {
                return before.node;
            }
            clock.add(added);
            bytes += added.heapBytes;
            evict();
        }
        return node;
    }

    private void evict() {
        // Readers may mark entries as fast as they are passed over: after one round the oldest goes all the same.
        int chances = clock.size();
        while (bytes > bytesMax && !clock.isEmpty()) {
            Entry oldest = clock.remove();
            if (oldest.used && chances-- > 0) {
                oldest.used = false;
                clock.add(oldest);
            } else {
                entries.remove(oldest.pointer);
                bytes -= oldest.heapBytes;
            }
        }
    }

    private static final class Entry {
        final NodePointer pointer;
        final Node node;
        final long heapBytes;
        volatile boolean used;

        Entry(NodePointer pointer, Node node, long heapBytes) {
            this.pointer = pointer;
            this.node = node;
            this.heapBytes = heapBytes;
        }
    }
}
