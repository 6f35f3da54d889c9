package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.alloc.MetadataSlots;
import io.dynamicfs.engine.alloc.StripeSpace;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.BatchArena;
import io.dynamicfs.engine.extent.ExtentGeometry;
import io.dynamicfs.engine.extent.ExtentPlacement;
import io.dynamicfs.engine.extent.ExtentReader;
import io.dynamicfs.engine.extent.FragmentWriter;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.DiskRecord;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.PendingFrees;
import io.dynamicfs.engine.format.PoolKeys;
import io.dynamicfs.engine.format.PoolRecord;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.RootRecordLayout;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.hash.Digest;
import io.dynamicfs.engine.tree.BoundedCache;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeCache;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeContext;
import io.dynamicfs.engine.tree.TreeEditor;
import io.dynamicfs.engine.tree.TreeReader;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open pool on its disks: the last durable root, the pool tree, what is free, and the means to read, to log and to commit.
 * Invariants: only the thread that commits changes anything here; readers see {@link #poolTree()} as one immutable version; space
 * that a kept root refers to is never written.
 */
public final class PoolStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PoolStore.class);

    /** Roots that stay complete on the disks, the newest included. */
    private static final int KEPT_ROOTS = 3;

    /** Heap for the records and checksums of extents that were read, about 2000 of the largest. */
    private static final long EXTENT_CACHE_BYTES = 16L << 20;

    private static final int LOG_BLOCKS_MIN = 256;
    private static final int LOG_BLOCKS_MAX = DiskSpace.REGION_BLOCKS;

    /** The share of a disk that data leaves to metadata: 1/32, about 3 %. */
    private static final int RESERVE_FRACTION = 32;

    /** What that share is at least, so that small disks can go on after another one has failed. */
    private static final long RESERVE_BLOCKS_MIN = 3L * MetadataStore.CHUNK_BLOCKS;

    /** Runs for metadata chunks that are kept whole on each disk, at most: what a commit of a gigabyte of nodes needs. */
    private static final long KEPT_RUNS_MAX = 1024;

    /** Blocks of each disk that data is not admitted to beyond the reserve: what the commit under way may take for metadata. */
    private static final long ADMISSION_MARGIN_BLOCKS = MetadataStore.CHUNK_BLOCKS;

    /** A disk with some bad sectors still reads others; one that is dead reads none. */
    private static final int FAILED_READS_IN_A_ROW_MAX = 16;

    /** A fragment takes at most this part of the room that is left. */
    private static final int PIECES_OF_ROOM_MIN = 8;

    /** Free slots that stay when an empty metadata chunk is given back: the next commits need some. */
    private static final long FREE_SLOTS_KEPT = MetadataSlots.SLOTS_PER_CHUNK;

    private static final long NODE_CACHE_BYTES = 128L << 20;

    private final EngineContext context;
    private final Identity pool;
    private final DiskSet disks;
    private final Map<Integer, RootRing> rings = new TreeMap<>();
    private final TreeMap<Integer, DiskSpace> spaces = new TreeMap<>();
    private final MetadataSlots slots = new MetadataSlots();
    private final MetadataStore metadata;
    private final TreeContext trees;
    private final Repairs repairs = new Repairs();
    private final ExtentReader extents;
    private final FragmentWriter writer;
    private final ExtentPlacement placement;
    private final GenerationPins pins = new GenerationPins();
    /** Two, so that one batch can be made while another is on its way. */
    private final List<BatchArena> dataArenas = List.of(new BatchArena(), new BatchArena());

    private final BatchArena nodeArena = new BatchArena();
    private final BatchArena logArena = new BatchArena();
    private final Deque<Long> keptLogStarts = new ArrayDeque<>();
    private final long incarnation;

    /** Disks that were handed in and are not used; closed with the pool. */
    private final List<PoolDisk> strangers = new ArrayList<>();

    private long highestEpoch;
    private final BoundedCache<Long, ExtentReader.Extent> cachedExtents =
            new BoundedCache<>(EXTENT_CACHE_BYTES, ExtentReader.Extent::heapBytes);
    private volatile PoolRecord record;
    private volatile Map<String, String> notes = Map.of();
    private boolean settingsChanged;
    private volatile Capacity capacity = new Capacity(List.of(), 0, 0);
    private volatile Tree poolTree;
    private volatile RootRecord root;
    private @Nullable IntentLog log;
    private boolean chunkMapWritten;
    private boolean newIncarnation = true;
    private boolean closing;
    private long nextExtentId;
    private long nextVolumeId;
    private final AtomicLong bytesRead = new AtomicLong();
    private final AtomicLong bytesWritten = new AtomicLong();
    private final AtomicLong commits = new AtomicLong();
    private final AtomicLong logRecords = new AtomicLong();

    /** {@code root} is the state to go on from; {@code chunks} its chunk map; missing disks are members without a device. */
    PoolStore(
            EngineContext context,
            Identity pool,
            Collection<PoolMember> members,
            RootRecord root,
            TreeMap<Long, List<BlockAddress>> chunks) {
        this.context = context;
        this.pool = pool;
        this.disks = new DiskSet(members.stream().map(PoolMember::disk).toList());
        this.root = root;
        this.metadata = new MetadataStore(disks, chunks);
        this.trees = new TreeContext(metadata, new NodeCache(NODE_CACHE_BYTES));
        this.poolTree = Tree.at(trees, 0, root.poolTree());
        this.extents = new ExtentReader(disks, context.io(), repairs);
        this.writer = new FragmentWriter(disks, context.io());
        this.placement = new ExtentPlacement(disks, spaces);
        this.incarnation = context.random().nextLong() | 1;
        this.nextExtentId = root.nextExtentId();
        this.nextVolumeId = root.nextVolumeId();
        this.chunkMapWritten = !chunks.isEmpty();
        this.record = new PoolRecord(Redundancy.replicas(1), true, pool.createdMillis());
        members.forEach(this::addRing);
    }

    /** A member disk with the identity on its label. */
    record PoolMember(PoolDisk disk, Identity identity) {}

    private void addRing(PoolMember member) {
        if (member.disk().device() != null) {
            rings.put(member.disk().index(), new RootRing(member.disk().device(), member.identity()));
        }
    }

    // Opening

    /** Makes the state of a pool that does not exist yet; the first commit writes it. */
    void initialize(PoolRecord poolRecord) {
        record = poolRecord;
        Tree empty = poolTree;
        var editor = empty.edit();
        editor.put(PoolKeys.pool(), poolRecord.encode());
        for (PoolDisk disk : disks.all()) {
            addSpace(disk, dataBlocks(disk));
        }
        poolTree = editor.build().tree();
    }

    /**
     * Reads what an existing pool says of itself: the pool record, free space, metadata slots. Roots of the disks have epochs up
     * to {@code seenEpoch}, which may be higher than that of the root to go on from.
     */
    void load(long seenEpoch) {
        highestEpoch = seenEpoch;
        byte[] value = poolTree.get(PoolKeys.pool());
        if (value == null) {
            throw new IllegalStateException("generation " + root.generation() + " has no pool record");
        }
        record = PoolRecord.decode(value);
        for (DiskRecord disk : readDiskRecords(poolTree)) {
            PoolDisk member = disks.find(disk.index());
            if (member != null && !member.uuid().equals(disk.uuid())) {
                LOG.warn(
                        "disk has the place of another and is not used: pool={} device={} disk={} expected={} found={}",
                        pool.poolName(),
                        member.name(),
                        disk.index(),
                        disk.uuid(),
                        member.uuid());
                strangers.add(member);
                rings.remove(disk.index());
                member = null;
            }
            if (member == null) {
                member = new PoolDisk(
                        disk.index(),
                        disk.uuid(),
                        null,
                        disk.blocks() * DiskGeometry.BLOCK_BYTES,
                        disk.serial(),
                        missingState(disk));
                disks.add(member);
            } else if (disk.health() != DiskHealth.FAILED) {
                member.setState(new PoolDisk.State(disk.health(), disk.reason(), disk.sinceMillis()));
            }
            addSpace(member, disk.freeBlocks());
        }
        for (PoolDisk disk : disks.all()) {
            // It was labelled, but the commit that would have made it a member did not happen: now it does.
            if (!spaces.containsKey(disk.index())) {
                addSpace(disk, dataBlocks(disk));
            }
        }
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.SLOTS), PoolKeys.first(PoolKeys.SLOTS + 1));
        while (cursor.next()) {
            slots.add(ByteBuffer.wrap(cursor.key()).getLong(1), decodeLong(cursor.value()));
        }
        keptLogStarts.add(root.log().startBlock());
        notes = readNotes();
        refreshCapacity();
    }

    private Map<String, String> readNotes() {
        Map<String, ByteArrayOutputStream> parts = new TreeMap<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.NOTE), PoolKeys.first(PoolKeys.NOTE + 1));
        while (cursor.next()) {
            parts.computeIfAbsent(PoolKeys.noteName(cursor.key()), name -> new ByteArrayOutputStream())
                    .writeBytes(cursor.value());
        }
        Map<String, String> texts = new TreeMap<>();
        parts.forEach((name, text) -> texts.put(name, text.toString(StandardCharsets.UTF_8)));
        return Collections.unmodifiableMap(texts);
    }

    private PoolDisk.State missingState(DiskRecord disk) {
        return disk.health() == DiskHealth.FAILED
                ? new PoolDisk.State(DiskHealth.FAILED, disk.reason(), disk.sinceMillis())
                : new PoolDisk.State(
                        DiskHealth.FAILED,
                        "missing when the pool was opened",
                        context.clock().millis());
    }

    /** The disk records of a root, before the pool is open. */
    static List<DiskRecord> readDiskRecords(
            DiskSet present, TreeMap<Long, List<BlockAddress>> chunks, RootRecord root) {
        TreeContext context = new TreeContext(new MetadataStore(present, chunks), new NodeCache(1 << 20));
        return readDiskRecords(Tree.at(context, 0, root.poolTree()));
    }

    private static List<DiskRecord> readDiskRecords(Tree poolTree) {
        List<DiskRecord> records = new ArrayList<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.DISK), PoolKeys.first(PoolKeys.DISK + 1));
        while (cursor.next()) {
            records.add(DiskRecord.decode(cursor.value()));
        }
        return records;
    }

    private void addSpace(PoolDisk disk, long freeBlocks) {
        DiskGeometry geometry = new DiskGeometry(disk.sizeBytes());
        spaces.put(
                disk.index(),
                new DiskSpace(
                        disk.index(),
                        geometry.dataStart() / DiskGeometry.BLOCK_BYTES,
                        geometry.tail() / DiskGeometry.BLOCK_BYTES,
                        freeBlocks,
                        (index, region) -> {
                            byte[] bitmap = poolTree.get(PoolKeys.space(index, region));
                            return bitmap == null ? null : decodeBitmap(bitmap);
                        }));
    }

    private static long dataBlocks(PoolDisk disk) {
        DiskGeometry geometry = new DiskGeometry(disk.sizeBytes());
        return (geometry.tail() - geometry.dataStart()) / DiskGeometry.BLOCK_BYTES;
    }

    /** Takes a formatted disk in; part of the pool with the next commit. */
    void addMember(PoolMember member) {
        disks.add(member.disk());
        addRing(member);
        addSpace(member.disk(), dataBlocks(member.disk()));
    }

    // What readers need

    public Identity identity() {
        return pool;
    }

    public EngineContext context() {
        return context;
    }

    public DiskSet disks() {
        return disks;
    }

    public PoolRecord record() {
        return record;
    }

    /** Small texts that travel with the pool. */
    public Map<String, String> notes() {
        return notes;
    }

    /** What holds for the whole pool from the next commit on. No commit may be under way. */
    public void change(PoolRecord newRecord, Map<String, String> newNotes) {
        record = newRecord;
        notes = Collections.unmodifiableMap(new TreeMap<>(newNotes));
        settingsChanged = true;
    }

    /** Writes changed settings into the pool tree of a commit. */
    void recordSettings(TreeEditor editor) {
        if (!settingsChanged) {
            return;
        }
        settingsChanged = false;
        editor.put(PoolKeys.pool(), record.encode());
        List<byte[]> old = new ArrayList<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.NOTE), PoolKeys.first(PoolKeys.NOTE + 1));
        while (cursor.next()) {
            old.add(cursor.key());
        }
        old.forEach(editor::remove);
        notes.forEach((name, text) -> {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            for (int part = 0; part * PoolKeys.NOTE_PART_BYTES < bytes.length; part++) {
                int from = part * PoolKeys.NOTE_PART_BYTES;
                int to = Math.min(bytes.length, from + PoolKeys.NOTE_PART_BYTES);
                editor.put(PoolKeys.note(name, part), Arrays.copyOfRange(bytes, from, to));
            }
        });
    }

    /** The last durable root. */
    public RootRecord root() {
        return root;
    }

    /** The pool's records, at least as new as the slices of any volume tree that was read before. */
    public Tree poolTree() {
        return poolTree;
    }

    public TreeContext trees() {
        return trees;
    }

    public GenerationPins pins() {
        return pins;
    }

    public List<VolumeRecord> readVolumes() {
        List<VolumeRecord> records = new ArrayList<>();
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.VOLUME), PoolKeys.first(PoolKeys.VOLUME + 1));
        while (cursor.next()) {
            records.add(VolumeRecord.decode(cursor.value()));
        }
        return records;
    }

    /** Fills {@code target} with bytes of an extent as {@code tree}, a version of the pool tree, describes it. */
    public void read(Tree tree, long extent, int offset, MemorySegment target) throws LostDataException {
        ExtentReader.Extent stored = extent(tree, extent);
        if (offset + target.byteSize() > stored.record().length()) {
            throw new LostDataException("extent " + extent + " has "
                    + stored.record().length() + " bytes, not " + (offset + target.byteSize()));
        }
        bytesRead.addAndGet(target.byteSize());
        extents.read(stored, offset, target);
    }

    /** An extent never changes, and its number is never used again. */
    private ExtentReader.Extent extent(Tree tree, long id) throws LostDataException {
        ExtentReader.Extent cached = cachedExtents.get(id);
        if (cached != null) {
            return cached;
        }
        byte[] value = tree.get(PoolKeys.extent(id));
        if (value == null) {
            throw new LostDataException("extent " + id + " has no record");
        }
        ExtentRecord extentRecord = ExtentRecord.decode(value);
        return cachedExtents.put(id, new ExtentReader.Extent(extentRecord, checksums(tree, extentRecord)));
    }

    /** The checksum area of an extent, from its record or its own keys. */
    byte[] checksums(TreeReader tree, ExtentRecord extent) {
        int bytes = new ExtentGeometry(extent.length(), extent.redundancy()).checksumBytes();
        if (bytes == extent.checksums().length) {
            return extent.checksums();
        }
        ByteArrayOutputStream area = new ByteArrayOutputStream(bytes);
        Cursor cursor = tree.scan(PoolKeys.checksums(extent.id(), 0), PoolKeys.checksums(extent.id() + 1, 0));
        while (cursor.next()) {
            area.writeBytes(cursor.value());
        }
        return area.toByteArray();
    }

    // Capacity

    /** Blocks of a disk that are not for data: metadata, log and repair must always find room. */
    long dataReserveBlocks(int disk) {
        return dataReserveBlocks(space(disk).totalBlocks());
    }

    private static long dataReserveBlocks(long totalBlocks) {
        return Math.max(totalBlocks / RESERVE_FRACTION, RESERVE_BLOCKS_MIN);
    }

    /** What one disk has, in blocks. {@code looseRuns} are free as a whole and not kept for metadata. */
    private record DiskCapacity(
            int disk, boolean writable, long totalBlocks, long freeBlocks, long keptRuns, long looseRuns) {}

    /** What was free when the last commit ended. Other threads look at this, never at the maps that a commit changes. */
    private record Capacity(List<DiskCapacity> disks, long freeSlots, long usedSlots) {
        List<DiskCapacity> writable() {
            return disks.stream().filter(DiskCapacity::writable).toList();
        }
    }

    /** Keeps free space whole for metadata, before data is placed. */
    void keepRuns() {
        for (DiskSpace space : spaces.values()) {
            space.keepRuns(
                    (int) Math.min(KEPT_RUNS_MAX, dataReserveBlocks(space.totalBlocks()) / DiskSpace.RUN_BLOCKS));
        }
    }

    private void refreshCapacity() {
        List<DiskCapacity> now = new ArrayList<>();
        for (DiskSpace space : spaces.values()) {
            boolean writable = disks.get(space.disk()).isWritable();
            now.add(new DiskCapacity(
                    space.disk(),
                    writable,
                    space.totalBlocks(),
                    space.freeBlocks(),
                    space.keptRuns(),
                    space.freeRuns() - space.keptRuns()));
        }
        capacity = new Capacity(now, slots.freeSlots(metadata::isWritable), slots.usedSlots());
    }

    /** Bytes of file data that still fit under a policy, on the disks that take writes. */
    public long availableBytes(Redundancy policy) {
        return capacityBytes(policy, DiskCapacity::freeBlocks);
    }

    /** Bytes of file data that fit under a policy when nothing is stored. */
    public long usableBytes(Redundancy policy) {
        return capacityBytes(policy, DiskCapacity::totalBlocks);
    }

    private long capacityBytes(Redundancy policy, ToLongFunction<DiskCapacity> room) {
        Redundancy achievable =
                ExtentPlacement.achievable(policy, capacity.writable().size());
        return stripes(room, achievable.fragments()) * achievable.dataFragments() * DiskGeometry.BLOCK_BYTES;
    }

    private long stripes(ToLongFunction<DiskCapacity> room, int width) {
        long[] blocks = capacity.writable().stream()
                .mapToLong(disk -> Math.max(
                        0, room.applyAsLong(disk) - dataReserveBlocks(disk.totalBlocks) - ADMISSION_MARGIN_BLOCKS))
                .toArray();
        return width == 0 ? 0 : StripeSpace.stripes(blocks, width);
    }

    /**
     * Blocks of data that fit with {@code copies} copies each, whatever pieces the free space is in: single blocks can always be
     * placed. Data with fewer copies, and coded data, takes no more.
     */
    public long availableBlocks(int copies) {
        return stripes(
                DiskCapacity::freeBlocks, Math.min(copies, capacity.writable().size()));
    }

    /** Whether at least {@code disks} disks have whole runs left when {@code blocks} more blocks of data are stored. */
    public boolean hasWholeRuns(int disks, long blocks) {
        return capacity.writable().stream()
                        .filter(disk -> disk.looseRuns > runs(blocks))
                        .count()
                >= Math.min(disks, capacity.writable().size());
    }

    /** Runs that so many blocks of data break on each disk, of those that are whole. */
    private long runs(long blocks) {
        int disks = Math.max(1, capacity.writable().size());
        int copies = Math.min(root.metadataLosses() + 1, disks);
        return blocks == 0 ? 0 : blocks * copies / disks / DiskSpace.RUN_BLOCKS + 2;
    }

    /** Nodes that can still be written when {@code dataBlocks} blocks of data come first: free slots, and room for chunks. */
    public long metadataRoomNodes(long dataBlocks) {
        Capacity now = capacity;
        long[] chunks = now.writable().stream()
                .mapToLong(disk -> disk.keptRuns + Math.max(0, disk.looseRuns - 1 - dataBlocks / DiskSpace.RUN_BLOCKS))
                .toArray();
        int copies = Math.min(root.metadataCopies(), chunks.length);
        long room = copies == 0 ? 0 : StripeSpace.stripes(chunks, copies);
        return now.freeSlots + room * MetadataSlots.SLOTS_PER_CHUNK;
    }

    /** Nodes that are in use, of the kept generations, too: no commit touches more. */
    public long usedNodes() {
        return capacity.usedSlots;
    }

    public long usedBytes(int disk) {
        return capacity.disks.stream()
                .filter(known -> known.disk == disk)
                .mapToLong(known -> (known.totalBlocks - known.freeBlocks) * DiskGeometry.BLOCK_BYTES)
                .sum();
    }

    /** Blocks that earlier generations freed and that the next commits give back, on all disks. */
    public long pendingBlocks() {
        long blocks = 0;
        Cursor cursor = poolTree.scan(PoolKeys.first(PoolKeys.PENDING), PoolKeys.first(PoolKeys.PENDING + 1));
        while (cursor.next()) {
            for (PendingFrees.Entry entry : PendingFrees.decode(cursor.value())) {
                blocks += entry.isSlot() ? 0 : entry.count();
            }
        }
        return blocks;
    }

    // Committing

    /** Starts a commit. The one before must be done. */
    public CommitRun beginCommit(CommitContent content) {
        return new CommitRun(this, content);
    }

    /** The state that the next commit writes is the last one before the pool is closed. */
    public void markClosing() {
        closing = true;
    }

    /** Appends to the intent log; false when a commit must do it instead: no room, or a disk of the log failed. */
    public boolean appendToLog(List<MemorySegment> payload) {
        long bytes = payload.stream().mapToLong(MemorySegment::byteSize).sum();
        if (log == null || !log.isIntact() || !log.hasRoomFor(bytes, oldestLogStart())) {
            return false;
        }
        boolean appended = log.append(payload);
        if (appended) {
            logRecords.incrementAndGet();
        } else {
            LOG.warn("intent log cannot be written any more, the next commit moves it: pool={}", pool.poolName());
        }
        return appended;
    }

    private long oldestLogStart() {
        Long first = keptLogStarts.peekFirst();
        return first == null ? 0 : first;
    }

    /** The volume identity for a new volume. */
    public long takeVolumeId() {
        return nextVolumeId++;
    }

    public boolean hasRepairsWaiting() {
        return repairs.isWaiting();
    }

    /** Counters for the status. */
    public record Statistics(
            long commits,
            long logRecords,
            long bytesRead,
            long bytesWritten,
            long badFragments,
            long reconstructedReads,
            long reconstructedBytes,
            long repairedFragments,
            long repairedNodes) {}

    public Statistics statistics() {
        return new Statistics(
                commits.get(),
                logRecords.get(),
                bytesRead.get(),
                bytesWritten.get(),
                repairs.badFragments(),
                repairs.reconstructedReads(),
                repairs.reconstructedBytes(),
                repairs.repairedFragments(),
                metadata.repairedCopies());
    }

    @Override
    public void close() {
        List<PoolDisk> handedIn = new ArrayList<>(disks.all());
        handedIn.addAll(strangers);
        for (PoolDisk disk : handedIn) {
            if (disk.device() != null) {
                disk.device().close();
            }
        }
    }

    // What a commit needs of the pool

    Logger logger() {
        return LOG;
    }

    MetadataSlots slots() {
        return slots;
    }

    MetadataStore metadata() {
        return metadata;
    }

    ExtentReader extents() {
        return extents;
    }

    ExtentPlacement placement() {
        return placement;
    }

    FragmentWriter writer() {
        return writer;
    }

    Repairs repairs() {
        return repairs;
    }

    List<BatchArena> dataArenas() {
        return dataArenas;
    }

    BatchArena nodeArena() {
        return nodeArena;
    }

    Optional<IntentLog> log() {
        return Optional.ofNullable(log);
    }

    RootRing ring(int disk) {
        RootRing ring = rings.get(disk);
        if (ring == null) {
            throw new IllegalStateException("disk " + disk + " is missing and has no root ring");
        }
        return ring;
    }

    DiskSpace space(int disk) {
        DiskSpace space = spaces.get(disk);
        if (space == null) {
            throw new IllegalStateException("disk " + disk + " is not a member of the pool");
        }
        return space;
    }

    Collection<DiskSpace> spaces() {
        return spaces.values();
    }

    void setPoolTree(Tree tree) {
        poolTree = tree;
    }

    boolean verifyWrites() {
        return record.verifyWrites();
    }

    boolean isClosing() {
        return closing;
    }

    long incarnation() {
        return incarnation;
    }

    long nextExtentId() {
        return nextExtentId;
    }

    long takeExtentId() {
        return nextExtentId++;
    }

    long nextVolumeId() {
        return nextVolumeId;
    }

    /** An opener's first root, and every change of the root disks, starts an epoch of its own. */
    long nextEpoch(boolean newMembership) {
        if (newIncarnation) {
            // Roots that are given up, of later openers than the one that wrote this root, must not win later.
            return (Long.compareUnsigned(highestEpoch, root.epoch()) > 0 ? highestEpoch : root.epoch()) + 1;
        }
        return newMembership ? root.epoch() + 1 : root.epoch();
    }

    Digest rootDigest() {
        return root.generation() == 0 ? Digest.ZERO : RootRecordLayout.sharedDigest(root);
    }

    /** Copies that new metadata gets: what the root promises, as far as the disks go. */
    int metadataCopies() {
        return Math.min(root.metadataCopies(), disks.writable().size());
    }

    /** Extents below 64 KiB are replicated: a code over them would waste what it saves. */
    Redundancy extentRedundancy(Redundancy policy, int length) {
        boolean small = length < ExtentGeometry.ERASURE_BYTES_MIN;
        return small && !policy.isReplicas() ? Redundancy.replicas(policy.losses() + 1) : policy;
    }

    /**
     * How long fragments may be now. Long ones fill disks unevenly, and the last room of some disks is of no use when the others
     * have none: the less is free, the shorter they get, so that what single blocks were admitted for is there.
     */
    long pieceBlocksMax(int fragments) {
        long[] free = spaces.values().stream()
                .filter(space -> disks.get(space.disk()).isWritable())
                .mapToLong(space -> Math.max(0, space.freeBlocks() - dataReserveBlocks(space.totalBlocks())))
                .toArray();
        return Math.max(1, StripeSpace.stripes(free, fragments) / PIECES_OF_ROOM_MIN);
    }

    int logBlocks() {
        long smallest =
                spaces.values().stream().mapToLong(DiskSpace::totalBlocks).min().orElse(0);
        return Math.clamp(smallest / 64, LOG_BLOCKS_MIN, LOG_BLOCKS_MAX);
    }

    boolean chunkMapIsWritten() {
        return chunkMapWritten;
    }

    void addMetadataChunk() {
        List<BlockAddress> copies = placement.placeCopies(metadataCopies(), MetadataStore.CHUNK_BLOCKS);
        if (copies.isEmpty() || copies.size() < metadataCopies()) {
            throw new NoRoomException("no room for metadata on " + metadataCopies() + " disks");
        }
        long chunk = metadata.nextChunk();
        metadata.addChunk(chunk, copies);
        slots.addNew(chunk);
        chunkMapWritten = false;
    }

    /**
     * Takes a metadata chunk out of use that no kept generation has a node in: one of those that take no new nodes, or one that
     * leaves enough room in the others. Returns its number, or -1.
     */
    long emptyChunk() {
        long stale = slots.emptyChunk(chunk -> !metadata.isWritable(chunk));
        if (stale >= 0) {
            return stale;
        }
        boolean enough = slots.freeSlots(metadata::isWritable) >= FREE_SLOTS_KEPT + MetadataSlots.SLOTS_PER_CHUNK;
        return enough ? slots.emptyChunk(metadata::isWritable) : -1;
    }

    /** Forgets an empty chunk; returns the space that its copies had. */
    List<PendingFrees.Entry> removeMetadataChunk(long chunk) {
        slots.remove(chunk);
        chunkMapWritten = false;
        return metadata.removeChunk(chunk).stream()
                .map(copy -> new PendingFrees.Entry(copy.disk(), copy.block(), MetadataStore.CHUNK_BLOCKS))
                .toList();
    }

    List<DiskRecord> diskRecords() {
        List<DiskRecord> records = new ArrayList<>();
        for (PoolDisk disk : disks.all()) {
            PoolDisk.State state = disk.state();
            records.add(new DiskRecord(
                    disk.index(),
                    disk.uuid(),
                    disk.sizeBytes() / DiskGeometry.BLOCK_BYTES,
                    space(disk.index()).freeBlocks(),
                    state.health(),
                    state.sinceMillis(),
                    state.reason(),
                    disk.serial()));
        }
        return records;
    }

    /** Takes disks that failed out of use; returns which they are. */
    Set<Integer> markFailures(List<FragmentWriter.Failure> failures) {
        Set<Integer> failed = new HashSet<>();
        for (FragmentWriter.Failure failure : failures) {
            PoolDisk disk = disks.get(failure.disk());
            failed.add(failure.disk());
            if (disk.state().health() == DiskHealth.HEALTHY) {
                DiskHealth health = failure.mismatch() ? DiskHealth.SUSPECT : DiskHealth.FAILED;
                disk.setState(new PoolDisk.State(
                        health, failure.reason(), context.clock().millis()));
                LOG.warn(
                        "disk taken out of use: pool={} disk={} device={} health={} reason=\"{}\"",
                        pool.poolName(),
                        disk.index(),
                        disk.name(),
                        health,
                        failure.reason());
            }
        }
        return failed;
    }

    /** Takes disks out of use that answer no read any more: no write may come to tell so. */
    void markUnreadable() {
        for (PoolDisk disk : disks.writable()) {
            if (disk.failedReadsInARow() >= FAILED_READS_IN_A_ROW_MAX) {
                markFailures(List.of(new FragmentWriter.Failure(
                        disk.index(), false, disk.failedReadsInARow() + " reads in a row failed")));
            }
        }
    }

    void countWritten(long bytes) {
        bytesWritten.addAndGet(bytes);
    }

    /** The root is durable: from now on it is the last one; {@code movedLog} is the log that it brings, if any. */
    void published(RootRecord newRoot, @Nullable IntentLog movedLog) {
        boolean firstOfIncarnation = newIncarnation;
        root = newRoot;
        newIncarnation = false;
        chunkMapWritten = true;
        commits.incrementAndGet();
        spaces.values().forEach(DiskSpace::dropStored);
        if (movedLog != null || firstOfIncarnation) {
            keptLogStarts.clear();
        }
        keptLogStarts.addLast(newRoot.log().startBlock());
        while (keptLogStarts.size() > KEPT_ROOTS) {
            keptLogStarts.removeFirst();
        }
        if (movedLog != null) {
            log = movedLog;
        } else if (log == null) {
            log = openLog(newRoot.log());
        }
        keepRuns();
        refreshCapacity();
    }

    /** The log at a place, empty of records of this incarnation. */
    IntentLog openLog(RootRecord.Log layout) {
        return new IntentLog(
                disks, context.io(), layout, incarnation, logArena, layout.startBlock(), layout.startSequence());
    }

    static byte[] encodeOwner(long extent, int fragment) {
        return ByteBuffer.allocate(9)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(extent)
                .put((byte) fragment)
                .array();
    }

    static byte[] encodeLong(long value) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }

    static long decodeLong(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    static byte[] encodeBitmap(long[] words) {
        ByteBuffer buffer = ByteBuffer.allocate(words.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asLongBuffer().put(words);
        return buffer.array();
    }

    static long[] decodeBitmap(byte[] value) {
        long[] words = new long[value.length / Long.BYTES];
        ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(words);
        return words;
    }
}
