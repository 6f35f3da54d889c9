package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.alloc.MetadataSlots;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.ExtentGeometry;
import io.dynamicfs.engine.extent.ExtentReader;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.extent.ReadObserver;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.CorruptRecordException;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskRecord;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.format.PendingFrees;
import io.dynamicfs.engine.format.PoolKeys;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.tree.CorruptNodeException;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeCache;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeContext;
import io.dynamicfs.engine.tree.TreeWalker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads everything that one durable root of a pool refers to, every copy of it, and compares what the records say of each other:
 * reachable + free + pending frees = everything. Changes and repairs nothing. Works on a pool that serves, because what a root
 * refers to does not change while its generation is pinned.
 */
public final class PoolAudit {
    private static final long NODE_CACHE_BYTES = 32L << 20;

    /** Hears what is wrong. */
    public interface Findings {
        /** Something that the pool can do without or put right: {@code disk} is empty when it is about no disk in particular. */
        void repairable(String disk, String message);

        /** Something that is gone. */
        void lost(String disk, String message);
    }

    /** Counts what was read. */
    public record Totals(long nodes, long nodeCopies, long extents, long fragments, long bytesRead) {}

    /** Hears how far the audit is. */
    public interface Progress {
        void at(String step, long done, long total);
    }

    /** The bytes of an extent that cannot be given back, in checksum groups. */
    public record LostRanges(int length, BitSet groups) {
        public boolean isLost(int from, int to) {
            int next = groups.nextSetBit(from / ExtentGeometry.GROUP_BYTES);
            return next >= 0 && (long) next * ExtentGeometry.GROUP_BYTES < to;
        }
    }

    private final PoolStore store;
    private final RootRecord root;
    private final DiskSet disks;
    private final MetadataStore metadata;
    private final TreeContext trees;
    private final Tree poolTree;
    private final Findings findings;
    private final Progress progress;
    private final Map<Long, Long> slotsInUse = new HashMap<>();
    private final Map<Long, LostRanges> lostExtents = new HashMap<>();
    private long nodes;
    private long nodeCopies;
    private long extents;
    private long fragments;
    private long bytesRead;

    /** The state is taken now: no commit may be under way, and its generation must stay pinned until the audit is over. */
    public PoolAudit(PoolStore store, Findings findings, Progress progress) {
        this.store = store;
        this.root = store.root();
        this.disks = store.disks();
        this.metadata = new MetadataStore(disks, new TreeMap<>(store.metadata().chunks()));
        this.trees = new TreeContext(metadata, new NodeCache(NODE_CACHE_BYTES));
        this.poolTree = Tree.at(trees, 0, root.poolTree());
        this.findings = findings;
        this.progress = progress;
    }

    public long generation() {
        return root.generation();
    }

    public Totals totals() {
        return new Totals(nodes, nodeCopies, extents, fragments, bytesRead);
    }

    /** The volumes of the audited state. */
    public List<VolumeRecord> volumes() {
        List<VolumeRecord> records = new ArrayList<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.VOLUME), PoolKeys.first(PoolKeys.VOLUME + 1));
        while (cursor.next()) {
            records.add(VolumeRecord.decode(cursor.value()));
        }
        return records;
    }

    /** A volume's tree in the audited state. */
    public Tree tree(VolumeRecord volume) {
        return Tree.at(trees, volume.id(), volume.root());
    }

    /** Labels and rings of the disks that are here. */
    public void checkLabels() {
        for (PoolDisk disk : disks.all()) {
            BlockDevice device = disk.device();
            if (device == null) {
                findings.repairable(disk.name(), "the disk is missing");
                continue;
            }
            switch (DiskLabels.read(device)) {
                case DiskLabelReading.Labelled(var identity, var damaged) ->
                    damaged.forEach(copy -> findings.repairable(disk.name(), "identity block at " + copy));
                case DiskLabelReading other ->
                    findings.repairable(disk.name(), "the label is damaged: " + other.describe());
            }
            if (root.rootDisks().contains(disk.index())
                    && store.ring(disk.index()).read().roots().stream().noneMatch(root::equals)) {
                findings.repairable(disk.name(), "root record of generation " + root.generation() + " is not on it");
            }
        }
    }

    /** Every copy of every node of a tree. Returns whether all nodes could be read. */
    public boolean checkNodes(Tree tree, String what) {
        boolean[] complete = {true};
        TreeWalker.walk(tree, new TreeWalker.Visitor() {
            @Override
            public boolean reached(NodePointer pointer, int level, byte[] lower, byte @Nullable [] upper) {
                checkCopies(pointer, what);
                return true;
            }

            @Override
            public void unreadable(
                    NodePointer pointer, byte[] lower, byte @Nullable [] upper, CorruptNodeException reason) {
                complete[0] = false;
                findings.lost("", "a node of " + what + " is lost: " + reason.getMessage());
            }
        });
        return complete[0];
    }

    public boolean checkPoolNodes() {
        return checkNodes(poolTree, "the pool tree");
    }

    private void checkCopies(NodePointer pointer, String what) {
        nodes++;
        slotsInUse.merge(pointer.chunk(), 1L << pointer.slot(), (old, added) -> old | added);
        for (BlockAddress place : metadata.places(pointer)) {
            nodeCopies++;
            PoolDisk disk = disks.find(place.disk());
            if (disk != null && disk.isPresent() && !metadata.isGood(pointer, place)) {
                findings.repairable(
                        disk.name(),
                        "copy of node " + pointer.address() + " of " + what + " at " + place.offsetBytes());
            }
        }
        progress.at("metadata nodes", nodes, 0);
    }

    /** Every extent: its record, with {@code data} every fragment. {@code liveBytes} is what the slices of all volumes show of each. */
    public void checkExtents(boolean data, Map<Long, Long> liveBytes) {
        long total = liveBytes.size();
        Set<Long> known = new HashSet<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.EXTENT), PoolKeys.first(PoolKeys.EXTENT + 1));
        while (cursor.next()) {
            ExtentRecord record = ExtentRecord.decode(cursor.value());
            known.add(record.id());
            extents++;
            checkRecord(record, liveBytes.getOrDefault(record.id(), 0L));
            if (data) {
                checkFragments(record);
            }
            progress.at("extents", extents, total);
        }
        for (long id : liveBytes.keySet()) {
            if (!known.contains(id)) {
                findings.lost("", "extent " + id + " is shown by files, but has no record");
            }
        }
    }

    private void checkRecord(ExtentRecord record, long shown) {
        if (shown != record.liveBytes()) {
            findings.repairable(
                    "",
                    "extent " + record.id() + " says that " + record.liveBytes()
                            + " of its bytes are in use, files show " + shown);
        }
        Set<Integer> used = new HashSet<>();
        ExtentGeometry geometry = new ExtentGeometry(record.length(), record.redundancy());
        for (int i = 0; i < record.fragments().size(); i++) {
            BlockAddress place = record.fragments().get(i);
            if (place.equals(ExtentRecord.NOT_STORED) != (geometry.storedBytes(i) == 0)) {
                findings.lost("", "extent " + record.id() + " does not say where fragment " + i + " is");
            } else if (!place.equals(ExtentRecord.NOT_STORED)) {
                fragments++;
                if (!used.add(place.disk())) {
                    findings.repairable("", "extent " + record.id() + " has two fragments on disk " + place.disk());
                }
                byte[] owner = poolTree.get(PoolKeys.reverse(place.disk(), place.block()));
                if (owner == null || !Arrays.equals(owner, PoolStore.encodeOwner(record.id(), i))) {
                    findings.repairable(
                            "", "fragment " + i + " of extent " + record.id() + " is not in the reverse map");
                }
            }
        }
    }

    private void checkFragments(ExtentRecord record) {
        ExtentReader reader = new ExtentReader(disks, store.context().io(), new Silent());
        ExtentReader.Extent extent = new ExtentReader.Extent(record, store.checksums(poolTree, record));
        boolean[] good = reader.probe(extent);
        int readable = 0;
        for (int i = 0; i < good.length; i++) {
            readable += good[i] ? 1 : 0;
            PoolDisk disk = disks.find(record.fragments().get(i).disk());
            if (!good[i] && disk != null && disk.isPresent()) {
                findings.repairable(
                        disk.name(),
                        "fragment " + i + " of extent " + record.id() + " at "
                                + record.fragments().get(i).offsetBytes());
            }
        }
        ExtentGeometry geometry = new ExtentGeometry(record.length(), record.redundancy());
        for (int i = 0; i < good.length; i++) {
            bytesRead += geometry.storedBytes(i);
        }
        if (readable < record.redundancy().dataFragments()) {
            findLostGroups(reader, extent);
        }
    }

    /** Fragments that are bad in different places may still give every byte back: only reading tells. */
    private void findLostGroups(ExtentReader reader, ExtentReader.Extent extent) {
        int length = extent.record().length();
        BitSet lost = new BitSet();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment group = arena.allocate(ExtentGeometry.GROUP_BYTES, DiskGeometry.BLOCK_BYTES);
            for (int at = 0; at < length; at += ExtentGeometry.GROUP_BYTES) {
                try {
                    reader.read(extent, at, group.asSlice(0, Math.min(ExtentGeometry.GROUP_BYTES, length - at)));
                } catch (LostDataException e) {
                    lost.set(at / ExtentGeometry.GROUP_BYTES);
                }
            }
        }
        if (!lost.isEmpty()) {
            lostExtents.put(extent.record().id(), new LostRanges(length, lost));
        }
    }

    private static final class Silent implements ReadObserver {
        @Override
        public void fragmentIsBad(long extent, int fragment) {
            // The audit reports what it finds itself.
        }

        @Override
        public void reconstructed(long bytes) {
            // Nobody asked for these bytes.
        }
    }

    /** The extents with bytes that are lost, by number; known after {@link #checkExtents} with data. */
    public Map<Long, LostRanges> lostExtents() {
        return lostExtents;
    }

    /** Compares the space that is in use with what the bitmaps say, disk by disk; all nodes must have been checked before. */
    public void checkSpace() {
        Map<Integer, List<Run>> others = runsOutsideExtents();
        Cursor records = poolTree.scan(PoolKeys.first(PoolKeys.DISK), PoolKeys.first(PoolKeys.DISK + 1));
        while (records.next()) {
            DiskRecord disk = DiskRecord.decode(records.value());
            checkDiskSpace(disk, others.getOrDefault(disk.index(), new ArrayList<>()));
        }
        checkSlots();
    }

    private record Run(long block, int blocks, String what) {}

    private Map<Integer, List<Run>> runsOutsideExtents() {
        Map<Integer, List<Run>> runs = new HashMap<>();
        metadata.chunks().forEach((chunk, copies) -> {
            for (BlockAddress copy : copies) {
                add(runs, copy.disk(), copy.block(), MetadataStore.CHUNK_BLOCKS, "metadata chunk " + chunk);
            }
        });
        int mapBlocks = (root.chunkMap().bytes() + DiskGeometry.BLOCK_BYTES - 1) / DiskGeometry.BLOCK_BYTES;
        root.chunkMap().copies().forEach(copy -> add(runs, copy.disk(), copy.block(), mapBlocks, "the chunk map"));
        root.log()
                .copies()
                .forEach(copy -> add(runs, copy.disk(), copy.block(), root.log().blocks(), "the intent log"));
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.PENDING), PoolKeys.first(PoolKeys.PENDING + 1));
        while (cursor.next()) {
            for (PendingFrees.Entry entry : PendingFrees.decode(cursor.value())) {
                if (!entry.isSlot()) {
                    add(runs, entry.disk(), entry.start(), entry.count(), "a pending free");
                } else {
                    markPendingSlot(entry.start());
                }
            }
        }
        return runs;
    }

    private static void add(Map<Integer, List<Run>> runs, int disk, long block, int blocks, String what) {
        runs.computeIfAbsent(disk, d -> new ArrayList<>()).add(new Run(block, blocks, what));
    }

    private void markPendingSlot(long address) {
        long chunk = address / MetadataSlots.SLOTS_PER_CHUNK;
        long bit = 1L << (address % MetadataSlots.SLOTS_PER_CHUNK);
        long before = slotsInUse.getOrDefault(chunk, 0L);
        if ((before & bit) != 0) {
            findings.repairable("", "metadata slot " + address + " is in use and pending to be freed");
        }
        slotsInUse.put(chunk, before | bit);
    }

    private void checkDiskSpace(DiskRecord disk, List<Run> runs) {
        Cursor reverse = poolTree.scan(PoolKeys.reverse(disk.index(), 0), PoolKeys.reverse(disk.index() + 1, 0));
        while (reverse.next()) {
            long block = ByteBuffer.wrap(reverse.key()).getLong(3);
            long extent = PoolStore.decodeLong(Arrays.copyOf(reverse.value(), Long.BYTES));
            byte[] value = poolTree.get(PoolKeys.extent(extent));
            int fragment = reverse.value()[Long.BYTES];
            if (value == null) {
                findings.repairable("", "the reverse map names extent " + extent + ", which does not exist");
            } else {
                ExtentRecord record = ExtentRecord.decode(value);
                int blocks = new ExtentGeometry(record.length(), record.redundancy()).storedBlocks(fragment);
                runs.add(new Run(block, blocks, "fragment " + fragment + " of extent " + extent));
            }
        }
        runs.sort(Comparator.comparingLong(Run::block));
        DiskGeometry geometry = new DiskGeometry(disk.blocks() * DiskGeometry.BLOCK_BYTES);
        long used = compareWithBitmaps(disk, runs);
        long total = (geometry.tail() - geometry.dataStart()) / DiskGeometry.BLOCK_BYTES;
        if (total - used != disk.freeBlocks()) {
            findings.repairable(
                    "",
                    "disk " + disk.index() + " says that " + disk.freeBlocks() + " blocks are free, its bitmaps "
                            + (total - used));
        }
    }

    /** Streams over bitmaps and runs side by side; returns the blocks in use. */
    private long compareWithBitmaps(DiskRecord disk, List<Run> runs) {
        Map<Integer, long[]> expected = new TreeMap<>();
        long end = 0;
        for (Run run : runs) {
            if (run.block < end) {
                findings.lost(
                        "", run.what + " overlaps its predecessor at block " + run.block + " of disk " + disk.index());
            }
            end = run.block + run.blocks;
            for (long block = run.block; block < end; block++) {
                long[] words = expected.computeIfAbsent(
                        (int) (block / DiskSpace.REGION_BLOCKS), region -> new long[DiskSpace.REGION_WORDS]);
                int bit = (int) (block % DiskSpace.REGION_BLOCKS);
                words[bit >>> 6] |= 1L << bit;
            }
        }
        long used = 0;
        Cursor cursor = poolTree.scan(PoolKeys.space(disk.index(), 0), PoolKeys.space(disk.index() + 1, 0));
        while (cursor.next()) {
            int region = ByteBuffer.wrap(cursor.key()).getInt(3);
            long[] bitmap = PoolStore.decodeBitmap(cursor.value());
            long[] wanted = expected.getOrDefault(region, new long[DiskSpace.REGION_WORDS]);
            expected.remove(region);
            reportDifferences(disk, region, bitmap, wanted);
            used += Arrays.stream(bitmap).map(Long::bitCount).sum();
        }
        expected.forEach((region, wanted) -> reportDifferences(disk, region, new long[DiskSpace.REGION_WORDS], wanted));
        return used;
    }

    private void reportDifferences(DiskRecord disk, int region, long[] bitmap, long[] wanted) {
        int leaked = 0;
        int unmarked = 0;
        for (int i = 0; i < wanted.length; i++) {
            leaked += Long.bitCount(bitmap[i] & ~wanted[i]);
            unmarked += Long.bitCount(wanted[i] & ~bitmap[i]);
        }
        if (leaked > 0) {
            findings.repairable(
                    "",
                    leaked + " blocks of disk " + disk.index() + ", region " + region
                            + ", are allocated but belong to nothing");
        }
        if (unmarked > 0) {
            findings.lost(
                    "",
                    unmarked + " blocks of disk " + disk.index() + ", region " + region
                            + ", are in use but marked as free");
        }
    }

    private void checkSlots() {
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.SLOTS), PoolKeys.first(PoolKeys.SLOTS + 1));
        while (cursor.next()) {
            long chunk = ByteBuffer.wrap(cursor.key()).getLong(1);
            long recorded = PoolStore.decodeLong(cursor.value());
            long found = slotsInUse.getOrDefault(chunk, 0L);
            slotsInUse.remove(chunk);
            if ((recorded & ~found) != 0) {
                findings.repairable(
                        "",
                        Long.bitCount(recorded & ~found) + " slots of metadata chunk " + chunk
                                + " are allocated but belong to nothing");
            }
            if ((found & ~recorded) != 0) {
                findings.lost(
                        "",
                        Long.bitCount(found & ~recorded) + " slots of metadata chunk " + chunk
                                + " are in use but marked as free");
            }
        }
        slotsInUse.forEach((chunk, bits) -> {
            if (bits != 0) {
                findings.lost("", "metadata chunk " + chunk + " has nodes, but no record of its slots");
            }
        });
    }

    /** What stops a part of the audit; the rest goes on. */
    public static boolean isDamage(RuntimeException e) {
        return e instanceof CorruptNodeException || e instanceof CorruptRecordException;
    }
}
