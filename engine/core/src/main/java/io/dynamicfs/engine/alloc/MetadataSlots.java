package io.dynamicfs.engine.alloc;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import java.util.function.ObjLongConsumer;

/** Which of the 64 node slots of each metadata chunk are in use. For one thread. */
public final class MetadataSlots {
    public static final int SLOTS_PER_CHUNK = 64;

    private final TreeMap<Long, Long> used = new TreeMap<>();
    private final Set<Long> changed = new TreeSet<>();
    private final TreeSet<Long> withFree = new TreeSet<>();

    /** A chunk with the slots in use as bits. */
    public void add(long chunk, long usedBits) {
        used.put(chunk, usedBits);
        if (usedBits != -1L) {
            withFree.add(chunk);
        }
    }

    /** A chunk that did not exist before. */
    public void addNew(long chunk) {
        add(chunk, 0);
        changed.add(chunk);
    }

    /** Takes a slot in a chunk that {@code usable} accepts; returns its address (chunk times 64 plus slot), or -1. */
    public long allocate(LongPredicate usable) {
        for (long chunk : withFree) {
            if (usable.test(chunk)) {
                long bits = used.getOrDefault(chunk, -1L);
                int slot = Long.numberOfTrailingZeros(~bits);
                set(chunk, bits | 1L << slot);
                return chunk * SLOTS_PER_CHUNK + slot;
            }
        }
        return -1;
    }

    public void free(long address) {
        long chunk = address / SLOTS_PER_CHUNK;
        long mask = 1L << (address % SLOTS_PER_CHUNK);
        long bits = used.getOrDefault(chunk, 0L);
        if ((bits & mask) == 0) {
            throw new IllegalStateException("metadata slot " + address + " is already free");
        }
        set(chunk, bits & ~mask);
    }

    public boolean isUsed(long address) {
        return (used.getOrDefault(address / SLOTS_PER_CHUNK, 0L) & 1L << (address % SLOTS_PER_CHUNK)) != 0;
    }

    /** Free slots in chunks that {@code usable} accepts. */
    public long freeSlots(LongPredicate usable) {
        long free = 0;
        for (long chunk : withFree) {
            if (usable.test(chunk)) {
                free += Long.bitCount(~used.getOrDefault(chunk, -1L));
            }
        }
        return free;
    }

    /** The last chunk without a slot in use that {@code wanted} accepts, or -1. */
    public long emptyChunk(LongPredicate wanted) {
        for (long chunk : withFree.descendingSet()) {
            if (used.getOrDefault(chunk, -1L) == 0 && wanted.test(chunk)) {
                return chunk;
            }
        }
        return -1;
    }

    /** Forgets a chunk without a slot in use. */
    public void remove(long chunk) {
        if (used.getOrDefault(chunk, -1L) != 0) {
            throw new IllegalStateException("metadata chunk " + chunk + " is in use, or does not exist");
        }
        used.remove(chunk);
        withFree.remove(chunk);
        changed.remove(chunk);
    }

    public long usedSlots() {
        return used.values().stream().mapToLong(Long::bitCount).sum();
    }

    /** Hands the bits of every chunk that changed since the last call to {@code sink}. */
    public void drainChanged(ObjLongConsumer<Long> sink) {
        for (long chunk : changed) {
            sink.accept(chunk, used.getOrDefault(chunk, 0L));
        }
        changed.clear();
    }

    public Map<Long, Long> usedBits() {
        return Map.copyOf(used);
    }

    private void set(long chunk, long bits) {
        used.put(chunk, bits);
        changed.add(chunk);
        if (bits == -1L) {
            withFree.remove(chunk);
        } else {
            withFree.add(chunk);
        }
    }
}
