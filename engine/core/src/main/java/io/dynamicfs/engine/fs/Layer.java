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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Changes to the content of one file that are not part of its stored slices yet: first the content below is cut at
 * {@link #cutAt}, then the runs lie over it. A run is zeros, or bytes that are in the survivor log. Guarded by the pool's lock; a layer
 * that is being flushed does not change any more.
 */
final class Layer {
    /** A stretch of the file that this layer decides. */
    private sealed interface Run {
        long length();

        /** From {@code from} to {@code to}, counted from the start of the run. */
        Run part(long from, long to);

        /** Puts bytes from {@code from} on, as many as there is room for, into {@code target}. */
        void copyTo(MemorySegment target, long from);
    }

    private record Data(MemorySegment bytes) implements Run {
        @Override
        public long length() {
            return bytes.byteSize();
        }

        @Override
        public Run part(long from, long to) {
            return new Data(bytes.asSlice(from, to - from));
        }

        @Override
        public void copyTo(MemorySegment target, long from) {
            MemorySegment.copy(bytes, from, target, 0, target.byteSize());
        }
    }

    private record Zeros(long length) implements Run {
        @Override
        public Run part(long from, long to) {
            return new Zeros(to - from);
        }

        @Override
        public void copyTo(MemorySegment target, long from) {
            target.fill((byte) 0);
        }
    }

    private final TreeMap<Long, Run> runs = new TreeMap<>();
    private long cutAt = Long.MAX_VALUE;
    private long size;
    private Admission.Cost cost = Admission.Cost.NONE;
    private boolean cutBitByBit;
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
        put(offset, new Data(data));
        size = Math.max(size, offset + data.byteSize());
        touched(entry, time);
    }

    /** Makes bytes zero; what lies behind the end of a file that does not grow is left out. */
    void zero(SurvivorLog.Entry entry, long offset, long length, boolean grows, Timestamp time) {
        long end = offset + length;
        if (grows) {
            size = Math.max(size, end);
        }
        put(offset, new Zeros(Math.max(0, Math.min(end, size) - offset)));
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
        later.runs.forEach(this::put);
        size = later.size;
        cost = cost.plus(later.cost);
        cutBitByBit |= later.cutBitByBit;
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

    /** What this layer makes holes has many slices: its cost is that of giving them to an inode without a name. */
    void cutBitByBit() {
        cutBitByBit = true;
    }

    boolean isCutBitByBit() {
        return cutBitByBit;
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

    private void put(long offset, Run run) {
        if (run.length() > 0) {
            clear(offset, offset + run.length());
            runs.put(offset, run);
        }
    }

    private void clear(long from, long to) {
        Map.Entry<Long, Run> before = runs.lowerEntry(from);
        if (before != null && end(before) > from) {
            long offset = before.getKey();
            Run run = before.getValue();
            runs.put(offset, run.part(0, from - offset));
            if (offset + run.length() > to) {
                runs.put(to, run.part(to - offset, run.length()));
            }
        }
        NavigableMap<Long, Run> inside = runs.subMap(from, true, to, false);
        Map.Entry<Long, Run> last = inside.lastEntry();
        Run rest = last != null && end(last) > to
                ? last.getValue().part(to - last.getKey(), last.getValue().length())
                : null;
        inside.clear();
        if (rest != null) {
            runs.put(to, rest);
        }
    }

    private static long end(Map.Entry<Long, Run> run) {
        return run.getKey() + run.getValue().length();
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
            Map.Entry<Long, Run> before = runs.lowerEntry(gap.from);
            NavigableMap<Long, Run> rest = runs.subMap(gap.from, true, gap.to, false);
            if (before != null && end(before) > gap.from) {
                at = copyRun(before, at, gap.to, base, target);
            }
            for (Map.Entry<Long, Run> run : rest.entrySet()) {
                below(at, run.getKey(), base, target, left);
                at = copyRun(run, run.getKey(), gap.to, base, target);
            }
            below(at, gap.to, base, target, left);
        }
        return left;
    }

    private static long copyRun(Map.Entry<Long, Run> run, long from, long to, long base, MemorySegment target) {
        long end = Math.min(to, end(run));
        run.getValue().copyTo(target.asSlice(from - base, end - from), from - run.getKey());
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

    /** Whether something was written there. */
    boolean isWritten(long from, long to) {
        for (Map.Entry<Long, Run> run : runs.headMap(to, false).descendingMap().entrySet()) {
            if (end(run) <= from) {
                return false;
            }
            if (run.getValue() instanceof Data) {
                return true;
            }
        }
        return false;
    }

    /** The written bytes as ranges, neighbours joined. */
    List<Gap> ranges() {
        return ranges(Data.class::isInstance);
    }

    /** What was made zero and not written since, neighbours joined. */
    List<Gap> zeros() {
        return ranges(Zeros.class::isInstance);
    }

    /** What of the content below is not there any more and was not written since. */
    List<Gap> emptied() {
        List<Gap> emptied = new ArrayList<>(zeros());
        if (cutAt != Long.MAX_VALUE) {
            emptied.add(new Gap(cutAt, Long.MAX_VALUE));
        }
        return emptied;
    }

    private List<Gap> ranges(Predicate<Run> wanted) {
        List<Gap> ranges = new ArrayList<>();
        for (Map.Entry<Long, Run> run : runs.entrySet()) {
            if (!wanted.test(run.getValue())) {
                continue;
            }
            if (!ranges.isEmpty() && ranges.getLast().to == run.getKey()) {
                ranges.set(ranges.size() - 1, new Gap(ranges.getLast().from, end(run)));
            } else {
                ranges.add(new Gap(run.getKey(), end(run)));
            }
        }
        return ranges;
    }

    /** Who decides what is at {@code offset}, and up to where at the least. */
    Stretch at(long offset) {
        Map.Entry<Long, Run> run = runs.floorEntry(offset);
        if (run != null && end(run) > offset) {
            return new Stretch(run.getValue() instanceof Data ? Stretch.Content.DATA : Stretch.Content.HOLE, end(run));
        }
        Long next = runs.higherKey(offset);
        long end = next == null ? Long.MAX_VALUE : next;
        return offset >= cutAt
                ? new Stretch(Stretch.Content.HOLE, end)
                : new Stretch(Stretch.Content.BELOW, Math.min(end, cutAt));
    }

    /** What a file has up to {@code to}, seen from a layer. */
    record Stretch(Content content, long to) {
        enum Content {
            DATA,
            HOLE,
            /** What the content below has. */
            BELOW
        }
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
