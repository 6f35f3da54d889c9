package io.dynamicfs.engine.tree;

import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Immutable values by key, up to about {@code bytesMax} of heap, replaced by the second-chance (CLOCK) rule. A hit takes no lock.
 * What it holds depends on the calls alone, never on chance or time, so that a simulated run can be repeated.
 */
public final class BoundedCache<K, V> {
    private final long bytesMax;
    private final ToLongFunction<? super V> heapBytes;
    private final ConcurrentHashMap<K, Entry<K, V>> entries = new ConcurrentHashMap<>();
    private final ArrayDeque<Entry<K, V>> clock = new ArrayDeque<>(); // guarded by itself
    private long bytes; // guarded by clock
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();

    /** {@code heapBytes} says what a value takes. */
    public BoundedCache(long bytesMax, ToLongFunction<? super V> heapBytes) {
        this.bytesMax = bytesMax;
        this.heapBytes = heapBytes;
    }

    /** Counters since the start, and the number and size in bytes of the values now. */
    public record Statistics(long hits, long misses, long values, long bytes) {}

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

    public @Nullable V get(K key) {
        Entry<K, V> entry = entries.get(key);
        if (entry == null) {
            misses.increment();
            return null;
        }
        hits.increment();
        if (!entry.used) {
            entry.used = true;
        }
        return entry.value;
    }

    /** Adds the value and returns it, or the one that another thread has added before. */
    public V put(K key, V value) {
        Entry<K, V> added = new Entry<>(key, value, heapBytes.applyAsLong(value));
        synchronized (clock) {
            Entry<K, V> before = entries.putIfAbsent(key, added);
            if (before != null) {
                return before.value;
            }
            clock.add(added);
            bytes += added.heapBytes;
            evict();
        }
        return value;
    }

    private void evict() {
        // Readers may mark entries as fast as they are passed over: after one round the oldest goes all the same.
        int chances = clock.size();
        while (bytes > bytesMax && !clock.isEmpty()) {
            Entry<K, V> oldest = clock.remove();
            if (oldest.used && chances-- > 0) {
                oldest.used = false;
                clock.add(oldest);
            } else {
                entries.remove(oldest.key);
                bytes -= oldest.heapBytes;
            }
        }
    }

    private static final class Entry<K, V> {
        final K key;
        final V value;
        final long heapBytes;
        volatile boolean used;

        Entry(K key, V value, long heapBytes) {
            this.key = key;
            this.value = value;
            this.heapBytes = heapBytes;
        }
    }
}
