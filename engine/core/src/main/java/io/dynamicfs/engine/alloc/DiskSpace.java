package io.dynamicfs.engine.alloc;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The free blocks (4 KiB) of one disk, in regions of {@link #REGION_BLOCKS} with a bitmap each; a set bit is a block in use.
 * Bitmaps are read from their source when they are first needed and handed back when they have changed. For one thread.
 *
 * <p>Free space in small pieces is of no use to metadata, which comes in chunks of {@link #RUN_BLOCKS}: some runs of that size
 * are kept whole, and only {@link #allocateFromKept} takes them.
 */
public final class DiskSpace {
    public static final int REGION_BLOCKS = 4096;
    public static final int REGION_WORDS = REGION_BLOCKS / Long.SIZE;

    /** Blocks of a run that is kept whole. Runs start at multiples of it. */
    public static final int RUN_BLOCKS = 256;

    /** Free runs that are remembered: 16 GiB of them are more than one commit can write. */
    private static final int RUNS_MAX = 16384;

    /** Regions whose bitmaps one search for free runs looks at. */
    private static final int REGIONS_PER_SEARCH = 1024;

    /** Clean bitmaps beyond this many are dropped again: 2 MiB of them. */
    private static final int CACHED_REGIONS_MAX = 4096;

    /** Where bitmaps are kept. */
    public interface RegionSource {
        /** The bitmap of a region, or null when nothing in it was ever used. */
        long @Nullable [] load(int disk, int region);
    }

    private final int disk;
    private final long firstBlock;
    private final long endBlock;
    private final RegionSource source;
    private final Map<Integer, long[]> bitmaps = new HashMap<>();
    private final Set<Integer> changed = new TreeSet<>();

    /** No run longer than this is free in the region, as far as a failed search has shown. */
    private final short[] runHints;

    /** First blocks of runs that are wholly free, as far as they were looked for. */
    private final TreeSet<Long> freeRuns = new TreeSet<>();

    private final TreeSet<Long> keptRuns = new TreeSet<>();

    /** Regions that have no free runs but those that are known. */
    private final BitSet searched = new BitSet();

    private long freeBlocks;
    private int cursorRegion;

    /** Blocks {@code firstBlock} to {@code endBlock} (exclusive) may be used, {@code freeBlocks} of them are free. */
    public DiskSpace(int disk, long firstBlock, long endBlock, long freeBlocks, RegionSource source) {
        this.disk = disk;
        this.firstBlock = firstBlock;
        this.endBlock = endBlock;
        this.freeBlocks = freeBlocks;
        this.source = source;
        this.runHints = new short[(int) ((endBlock + REGION_BLOCKS - 1) / REGION_BLOCKS)];
        java.util.Arrays.fill(runHints, (short) REGION_BLOCKS);
        this.cursorRegion = (int) (firstBlock / REGION_BLOCKS);
    }

    public int disk() {
        return disk;
    }

    public long freeBlocks() {
        return freeBlocks;
    }

    public long totalBlocks() {
        return endBlock - firstBlock;
    }

    /** Takes {@code blocks} (1..{@link #REGION_BLOCKS}) consecutive blocks; returns the first, or -1 when there is no such run. */
    public long allocate(int blocks) {
        if (blocks > freeBlocks) {
            return -1;
        }
        int first = (int) (firstBlock / REGION_BLOCKS);
        int regions = runHints.length - first;
        for (int i = 0; i < regions; i++) {
            int region = first + (cursorRegion - first + i) % regions;
            if (runHints[region] < blocks) {
                continue;
            }
            int at = findRun(region, bitmap(region), blocks);
            if (at >= 0) {
                cursorRegion = region;
                long block = (long) region * REGION_BLOCKS + at;
                mark(block, blocks, true);
                return block;
            }
            runHints[region] = (short) (blocks - 1);
        }
        return -1;
    }

    /** As {@link #allocate}, but where that finds nothing the runs that are kept are used. */
    public long allocateFromKept(int blocks) {
        long block = allocate(blocks);
        if (block >= 0) {
            return block;
        }
        int runs = (blocks + RUN_BLOCKS - 1) / RUN_BLOCKS;
        for (long start : keptRuns) {
            int length = 1;
            while (length < runs && keptRuns.contains(start + (long) length * RUN_BLOCKS)) {
                length++;
            }
            if (length == runs) {
                mark(start, blocks, true);
                return start;
            }
        }
        return -1;
    }

    /** Looks for free runs and keeps up to {@code count} of them, the last ones of the disk, for {@link #allocateFromKept}. */
    public void keepRuns(int count) {
        int looked = 0;
        int first = (int) (firstBlock / REGION_BLOCKS);
        int region = searched.previousClearBit(runHints.length - 1);
        while (region >= first && freeRuns.size() < RUNS_MAX && looked < REGIONS_PER_SEARCH) {
            findRuns(region);
            searched.set(region);
            looked++;
            region = searched.previousClearBit(region);
        }
        for (long run : freeRuns.descendingSet()) {
            if (keptRuns.size() >= count) {
                break;
            }
            keptRuns.add(run);
        }
    }

    private void findRuns(int region) {
        long base = (long) region * REGION_BLOCKS;
        long[] bitmap = bitmap(region);
        for (int at = 0; at < REGION_BLOCKS; at += RUN_BLOCKS) {
            boolean inside = base + at >= firstBlock && base + at + RUN_BLOCKS <= endBlock;
            if (inside && nextUsed(bitmap, at, at + RUN_BLOCKS) < 0) {
                freeRuns.add(base + at);
            }
        }
    }

    /** Free runs that are known, the kept ones included. */
    public int freeRuns() {
        return freeRuns.size();
    }

    public int keptRuns() {
        return keptRuns.size();
    }

    /** Gives blocks back. Blocks that are free already are a fault of the caller. */
    public void free(long block, int blocks) {
        mark(block, blocks, false);
        for (int region = region(block); region <= region(block + blocks - 1); region++) {
            runHints[region] = (short) REGION_BLOCKS;
        }
    }

    /** Takes exactly these blocks, which must be free. */
    public void reserve(long block, int blocks) {
        mark(block, blocks, true);
    }

    /** Hands every bitmap that changed since the last call to {@code sink}. It stays here until {@link #dropStored}. */
    public void drainChanged(BiConsumer<Integer, long[]> sink) {
        for (int region : changed) {
            sink.accept(region, bitmap(region).clone());
        }
        changed.clear();
    }

    /** Lets go of bitmaps beyond what is cached, now that their source has all that was drained. */
    public void dropStored() {
        for (Iterator<Integer> it = bitmaps.keySet().iterator();
                bitmaps.size() > CACHED_REGIONS_MAX && it.hasNext(); ) {
            if (!changed.contains(it.next())) {
                it.remove();
            }
        }
    }

    int cachedRegions() {
        return bitmaps.size();
    }

    private static int region(long block) {
        return (int) (block / REGION_BLOCKS);
    }

    private long[] bitmap(int region) {
        return bitmaps.computeIfAbsent(region, r -> {
            long[] stored = source.load(disk, r);
            return stored == null ? new long[REGION_WORDS] : stored.clone();
        });
    }

    private int findRun(int region, long[] bitmap, int blocks) {
        long base = (long) region * REGION_BLOCKS;
        int from = (int) Math.max(0, firstBlock - base);
        int to = (int) Math.min(REGION_BLOCKS, endBlock - base);
        int at = from;
        while (at + blocks <= to) {
            int used = nextUsed(bitmap, at, at + blocks);
            if (used < 0) {
                Long kept = keptRuns.lower(base + at + blocks);
                if (kept == null || kept + RUN_BLOCKS <= base + at) {
                    return at;
                }
                used = (int) (kept - base) + RUN_BLOCKS - 1;
            }
            at = nextFree(bitmap, used + 1, to);
        }
        return -1;
    }

    private static int nextUsed(long[] bitmap, int from, int to) {
        int word = from >>> 6;
        long bits = bitmap[word] & (-1L << from);
        while (true) {
            if (bits != 0) {
                int found = (word << 6) + Long.numberOfTrailingZeros(bits);
                return found < to ? found : -1;
            }
            word++;
            if (word << 6 >= to) {
                return -1;
            }
            bits = bitmap[word];
        }
    }

    private static int nextFree(long[] bitmap, int from, int to) {
        if (from >= to) {
            return to;
        }
        int word = from >>> 6;
        long bits = ~bitmap[word] & (-1L << from);
        while (true) {
            if (bits != 0) {
                return (word << 6) + Long.numberOfTrailingZeros(bits);
            }
            word++;
            if (word << 6 >= to) {
                return to;
            }
            bits = ~bitmap[word];
        }
    }

    private void mark(long block, int blocks, boolean used) {
        if (block < firstBlock || block + blocks > endBlock) {
            throw new IllegalStateException("blocks " + block + "+" + blocks + " of disk " + disk + " are outside "
                    + firstBlock + ".." + endBlock);
        }
        for (long b = block; b < block + blocks; ) {
            int region = (int) (b / REGION_BLOCKS);
            int from = (int) (b % REGION_BLOCKS);
            int to = (int) Math.min(REGION_BLOCKS, from + block + blocks - b);
            markRegion(region, from, to, used);
            b += to - from;
        }
        freeBlocks += used ? -blocks : blocks;
    }

    private void markRegion(int region, int from, int to, boolean used) {
        long[] bitmap = bitmap(region);
        for (int bit = from; bit < to; ) {
            int end = Math.min(to, (bit | 63) + 1);
            long mask = (-1L << bit) & (-1L >>> -end);
            long inUse = bitmap[bit >>> 6] & mask;
            if (inUse != (used ? 0 : mask)) {
                throw new IllegalStateException("blocks of disk " + disk + ", region " + region + ", " + from + " to "
                        + to + " are not all " + (used ? "free" : "in use"));
            }
            bitmap[bit >>> 6] ^= mask;
            bit = end;
        }
        changed.add(region);
        if (used) {
            dropRuns(region, from, to);
        } else {
            searched.clear(region);
        }
    }

    private void dropRuns(int region, int from, int to) {
        long base = (long) region * REGION_BLOCKS;
        for (long run = (base + from) / RUN_BLOCKS * RUN_BLOCKS; run < base + to; run += RUN_BLOCKS) {
            freeRuns.remove(run);
            if (keptRuns.remove(run)) {
                // What is left of it is for everybody.
                runHints[region] = (short) REGION_BLOCKS;
            }
        }
    }
}
