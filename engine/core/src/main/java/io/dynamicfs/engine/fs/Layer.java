package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.Timestamp;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Changes to the content of one file that are not part of its stored slices yet: first the content below is cut at
 * {@link #cutAt}, then the runs lie over it. The bytes of a run are in the survivor log. Guarded by the pool's lock; a layer
 * that is being flushed does not change any more.
 */
final class Layer {
    private final TreeMap<Long, MemorySegment> runs = new TreeMap<>();
    private long cutAt = Long.MAX_VALUE;
    private long size;
    private Admission.Cost cost = Admission.Cost.NONE;
    private @Nullable Timestamp modified;
    private @Nullable Timestamp changed;
    private final long firstSequence;
    private final long firstPosition;
    private long lastSequence;

    /** An empty layer over content of {@code size} bytes; {@code first} is the record of the first change that comes. */
    Layer(long size, SurvivorLog.Entry first) {
        this.size = size;
        this.firstSequence = first.sequence();
        this.firstPosition = first.position();
    }

    void write(SurvivorLog.Entry entry, long offset, Timestamp time) {
        MemorySegment data = entry.data();
        long end = offset + data.byteSize();
        clear(offset, end);
        if (data.byteSize() > 0) {
            runs.put(offset, data);
        }
        size = Math.max(size, end);
        touched(entry, time);
    }

    void truncate(SurvivorLog.Entry entry, long newSize, Timestamp time) {
        clear(newSize, Long.MAX_VALUE);
        cutAt = Math.min(cutAt, newSize);
        size = newSize;
        touched(entry, time);
    }

    /** Puts a later layer on top of this one. */
    void add(Layer later) {
        if (later.cutAt != Long.MAX_VALUE) {
            clear(later.cutAt, Long.MAX_VALUE);
            cutAt = Math.min(cutAt, later.cutAt);
        }
        later.runs.forEach((offset, data) -> {
            clear(offset, offset + data.byteSize());
            runs.put(offset, data);
        });
        size = later.size;
        cost = cost.plus(later.cost);
        modified = later.modified;
        changed = later.changed;
        lastSequence = later.lastSequence;
    }

    /** What storing this layer needs at the most. */
    Admission.Cost cost() {
        return cost;
    }

    void addCost(Admission.Cost more) {
        cost = cost.plus(more);
    }

    /** Blocks that a range touches. */
    static long blocks(long offset, long length) {
        int block = DiskGeometry.BLOCK_BYTES;
        return length == 0 ? 0 : (offset + length - 1) / block - offset / block + 1;
    }

    private void touched(SurvivorLog.Entry entry, Timestamp time) {
        modified = time;
        changed = time;
        lastSequence = entry.sequence();
    }

    private void clear(long from, long to) {
        Map.Entry<Long, MemorySegment> before = runs.lowerEntry(from);
        if (before != null && before.getKey() + before.getValue().byteSize() > from) {
            long offset = before.getKey();
            MemorySegment data = before.getValue();
            runs.put(offset, data.asSlice(0, from - offset));
            if (offset + data.byteSize() > to) {
                runs.put(to, data.asSlice(to - offset));
            }
        }
        NavigableMap<Long, MemorySegment> inside = runs.subMap(from, true, to, false);
        Map.Entry<Long, MemorySegment> last = inside.lastEntry();
        MemorySegment rest = last != null && last.getKey() + last.getValue().byteSize() > to
                ? last.getValue().asSlice(to - last.getKey())
                : null;
        inside.clear();
        if (rest != null) {
            runs.put(to, rest);
        }
    }

    /** A part of a read that this layer does not answer: bytes {@code from} to {@code to} of the file. */
    record Gap(long from, long to) {}

    /**
     * Copies what this layer has of the gaps into {@code target}, whose first byte is file offset {@code base}, zeros where it
     * cut the content below; returns what is left for the content below.
     */
    List<Gap> answer(List<Gap> gaps, long base, MemorySegment target) {
        List<Gap> left = new ArrayList<>();
        for (Gap gap : gaps) {
            long at = gap.from;
            Map.Entry<Long, MemorySegment> before = runs.lowerEntry(gap.from);
            NavigableMap<Long, MemorySegment> rest = runs.subMap(gap.from, true, gap.to, false);
            if (before != null && before.getKey() + before.getValue().byteSize() > gap.from) {
                at = copyRun(before.getKey(), before.getValue(), at, gap.to, base, target);
            }
            for (Map.Entry<Long, MemorySegment> run : rest.entrySet()) {
                below(at, run.getKey(), base, target, left);
                at = copyRun(run.getKey(), run.getValue(), run.getKey(), gap.to, base, target);
            }
            below(at, gap.to, base, target, left);
        }
        return left;
    }

    private static long copyRun(long offset, MemorySegment data, long from, long to, long base, MemorySegment target) {
        long end = Math.min(to, offset + data.byteSize());
        MemorySegment.copy(data, from - offset, target, from - base, end - from);
        return end;
    }

    private void below(long from, long to, long base, MemorySegment target, List<Gap> left) {
        if (from < Math.min(to, cutAt)) {
            left.add(new Gap(from, Math.min(to, cutAt)));
        }
        long zeros = Math.max(from, cutAt);
        if (zeros < to) {
            target.asSlice(zeros - base, to - zeros).fill((byte) 0);
        }
    }

    boolean isDirty(long from, long to) {
        Map.Entry<Long, MemorySegment> last = runs.lowerEntry(to);
        return last != null && last.getKey() + last.getValue().byteSize() > from;
    }

    /** The dirty bytes as ranges, neighbours joined. */
    List<Gap> ranges() {
        List<Gap> ranges = new ArrayList<>();
        for (Map.Entry<Long, MemorySegment> run : runs.entrySet()) {
            long from = run.getKey();
            long to = from + run.getValue().byteSize();
            if (!ranges.isEmpty() && ranges.getLast().to == from) {
                ranges.set(ranges.size() - 1, new Gap(ranges.getLast().from, to));
            } else {
                ranges.add(new Gap(from, to));
            }
        }
        return ranges;
    }

    /** Where the content below ends at the most. */
    long cutAt() {
        return cutAt;
    }

    /** Size of the file with this layer. */
    long size() {
        return size;
    }

    @Nullable
    Timestamp modified() {
        return modified;
    }

    @Nullable
    Timestamp changed() {
        return changed;
    }

    /** A later utimensat has set the time of modification: this layer's no longer counts. */
    void forgetModified() {
        modified = null;
    }

    long firstSequence() {
        return firstSequence;
    }

    long firstPosition() {
        return firstPosition;
    }

    long lastSequence() {
        return lastSequence;
    }
}
