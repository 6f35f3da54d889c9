package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.EncodedExtent;
import io.dynamicfs.engine.extent.ExtentGeometry;
import io.dynamicfs.engine.extent.ExtentReader;
import io.dynamicfs.engine.extent.FragmentWriter;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.ChunkMapLayout;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskRecord;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.format.PendingFrees;
import io.dynamicfs.engine.format.PoolKeys;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.tree.CorruptNodeException;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeRef;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeEdit;
import io.dynamicfs.engine.tree.TreeEditor;
import io.dynamicfs.engine.tree.TreeWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One commit: makes one moment of all volumes the next generation of the pool. {@link #step()} runs the next of its steps, so
 * that whoever owns the thread (or the simulator) decides what happens between them. Until the root record is durable nothing
 * that the last root refers to is touched; a disk that fails on the way is left out and its share is written elsewhere.
 */
public final class CommitRun {
    static final int CHECKSUM_PART_BYTES = 3200;
    private static final int REPAIRS_PER_COMMIT = 256;
    private static final int PENDING_KEYS_PER_COMMIT = 200;
    private static final int ROOT_WRITE_TRIES = 3;

    /** Records that a log takes over from another are joined up to this size. */
    private static final long CARRIED_BYTES_MAX = 256 << 10;

    private enum Step {
        GATHER,
        STORE,
        FREEZE,
        RECORD,
        WRITE_TREES,
        WRITE_ROOT,
        PUBLISH,
        DONE
    }

    private final PoolStore store;
    private final CommitContent content;
    private final long generation;
    private final ExtentStorer extents;
    private final List<PendingFrees.Entry> freed = new ArrayList<>();
    private final List<NodeRef> replacedPoolNodes = new ArrayList<>();
    private Step next = Step.GATHER;
    private TreeEditor editor;
    private RootRecord.Log logStart;
    private CommitContent.@Nullable Frozen frozen;
    private RootRecord.@Nullable Log movedLog;
    private @Nullable IntentLog newLog;
    private RootRecord.ChunkMap chunkMap;
    private @Nullable MemorySegment chunkMapBlob;

    /** Chunks that the placed chunk map has. While nodes are written they are only added. */
    private int placedChunks;

    private @Nullable TreeWriter treeWriter;
    private NodePointer poolRoot = NodePointer.NONE;
    private @Nullable RootRecord root;

    CommitRun(PoolStore store, CommitContent content) {
        this.store = store;
        this.content = content;
        this.extents = new ExtentStorer(store, this::addExtent);
        this.generation = store.root().generation() + 1;
        this.editor = store.poolTree().edit();
        this.logStart = store.root().log();
        this.chunkMap = store.root().chunkMap();
    }

    /** Runs the next step; false when the commit is done. Any exception means that the pool cannot go on. */
    public boolean step() {
        switch (next) {
            case GATHER -> {
                gatherDirtyContent();
                next = Step.STORE;
            }
            case STORE -> {
                next = extents.step() ? Step.STORE : Step.FREEZE;
            }
            case FREEZE -> {
                freezeVolumes();
                next = Step.RECORD;
            }
            case RECORD -> {
                repairWhatReadsFound();
                recordReleasedExtents();
                giveEmptyChunkBack();
                moveLogWhenBroken();
                next = Step.WRITE_TREES;
            }
            case WRITE_TREES -> {
                writeTrees();
                next = Step.WRITE_ROOT;
            }
            case WRITE_ROOT -> {
                writeRoot();
                next = Step.PUBLISH;
            }
            case PUBLISH -> {
                publish();
                next = Step.DONE;
            }
            case DONE -> throw new IllegalStateException("the commit is done");
        }
        return next != Step.DONE;
    }

    /** Whether the intent log must not be appended to before this commit is done: it is moving to other disks. */
    public boolean isMovingLog() {
        return movedLog != null;
    }

    // Step 1: what is dirty now

    private void gatherDirtyContent() {
        store.log().ifPresent(log -> logStart = log.described());
        store.markUnreadable();
        store.recordSettings(editor);
        extents.add(content.gather());
        reuseWhatOldGenerationsFreed();
        store.keepRuns();
    }

    /** Space that generation g freed is free again when g + 3 is durable and no reader looks at a generation before g. */
    private void reuseWhatOldGenerationsFreed() {
        long newest = Math.min(store.root().generation() - 3, store.pins().oldest());
        if (newest < 1) {
            return;
        }
        List<byte[]> keys = new ArrayList<>();
        Map<Integer, List<PendingFrees.Entry>> discards = new HashMap<>();
        Cursor cursor = store.poolTree().scan(PoolKeys.first(PoolKeys.PENDING), PoolKeys.pending(newest + 1, 0));
        while (keys.size() < PENDING_KEYS_PER_COMMIT && cursor.next()) {
            keys.add(cursor.key());
            for (PendingFrees.Entry entry : PendingFrees.decode(cursor.value())) {
                if (entry.isSlot()) {
                    store.slots().free(entry.start());
                } else {
                    store.space(entry.disk()).free(entry.start(), entry.count());
                    discards.computeIfAbsent(entry.disk(), disk -> new ArrayList<>())
                            .add(entry);
                }
            }
        }
        keys.forEach(editor::remove);
        discard(discards);
    }

    /** Before the space is used again, so that no discard can meet new data. */
    private void discard(Map<Integer, List<PendingFrees.Entry>> entries) {
        List<IoRunner.Task> tasks = new ArrayList<>();
        entries.forEach((index, ranges) -> {
            BlockDevice device = store.disks().get(index).device();
            if (device != null) {
                tasks.add(new IoRunner.Task(index, () -> {
                    for (PendingFrees.Entry range : ranges) {
                        device.discard(
                                range.start() * DiskGeometry.BLOCK_BYTES,
                                (long) range.count() * DiskGeometry.BLOCK_BYTES);
                    }
                }));
            }
        });
        // A discard is a hint: that it failed changes nothing for us.
        store.context().io().runAll(tasks);
    }

    // Step 2: file bytes become extents

    private void addExtent(EncodedExtent extent, CommitContent.Piece piece, long id, List<BlockAddress> places) {
        ExtentGeometry geometry = extent.geometry();
        byte[] checksums = extent.checksums();
        boolean inline = checksums.length <= ExtentRecord.INLINE_CHECKSUM_BYTES_MAX;
        ExtentRecord record = new ExtentRecord(
                id,
                generation,
                piece.volume(),
                piece.inode(),
                geometry.length(),
                geometry.length(),
                geometry.redundancy(),
                extent.digest(),
                places,
                inline ? checksums : new byte[0]);
        editor.put(PoolKeys.extent(id), record.encode());
        for (int part = 0; !inline && part * CHECKSUM_PART_BYTES < checksums.length; part++) {
            int from = part * CHECKSUM_PART_BYTES;
            int to = Math.min(checksums.length, from + CHECKSUM_PART_BYTES);
            editor.put(PoolKeys.checksums(id, part), java.util.Arrays.copyOfRange(checksums, from, to));
        }
        for (int i = 0; i < places.size(); i++) {
            BlockAddress place = places.get(i);
            if (!place.equals(ExtentRecord.NOT_STORED)) {
                editor.put(PoolKeys.reverse(place.disk(), place.block()), PoolStore.encodeOwner(id, i));
            }
        }
    }

    // Step 3: the volumes of this moment

    private void freezeVolumes() {
        publishPoolTree();
        frozen = content.freeze(pieces -> {
            extents.add(pieces);
            while (extents.step()) {
                // Until all of them are stored.
            }
            publishPoolTree();
        });
    }

    /** Readers find an extent in the pool tree as soon as a slice shows it. */
    private void publishPoolTree() {
        TreeEdit edit = editor.build();
        replacedPoolNodes.addAll(edit.replaced());
        store.setPoolTree(edit.tree());
        editor = edit.tree().edit();
    }

    private CommitContent.Frozen frozen() {
        if (frozen == null) {
            throw new IllegalStateException("nothing is frozen");
        }
        return frozen;
    }

    // Step 4: what the pool tree has to say about it

    private void repairWhatReadsFound() {
        store.dataArenas().getFirst().reset();
        List<FragmentWriter.Piece> pieces = new ArrayList<>();
        for (Repairs.Request request : store.repairs().take(REPAIRS_PER_COMMIT)) {
            byte[] value = editor.get(PoolKeys.extent(request.extent()));
            if (value != null) {
                addRepair(ExtentRecord.decode(value), request.fragment(), pieces);
            }
        }
        for (NodePointer pointer : store.metadata().takeRepairs()) {
            if (store.slots().isUsed(pointer.address())) {
                addRepair(pointer, pieces);
            }
        }
        store.markFailures(store.writer().write(pieces, true));
    }

    private void addRepair(NodePointer pointer, List<FragmentWriter.Piece> pieces) {
        try {
            pieces.addAll(
                    store.metadata().repairPieces(pointer, store.dataArenas().getFirst()));
        } catch (CorruptNodeException e) {
            // Its last good copy went bad meanwhile. Who needs it is told so; the rest of the pool goes on.
            store.logger().warn("a metadata node cannot be repaired: reason=\"{}\"", e.getMessage());
        }
    }

    /** The bad fragment is written again where it is: nothing is lost by it, its bytes were wrong already. */
    private void addRepair(ExtentRecord record, int fragment, List<FragmentWriter.Piece> pieces) {
        PoolDisk disk = store.disks().find(record.fragments().get(fragment).disk());
        if (disk == null || !disk.isWritable()) {
            return;
        }
        ExtentReader.Extent extent = new ExtentReader.Extent(record, store.checksums(editor, record));
        int bytes = new ExtentGeometry(record.length(), record.redundancy()).storedBytes(fragment);
        MemorySegment right = store.dataArenas().getFirst().allocate(bytes);
        try {
            store.extents().rebuild(extent, fragment, right);
        } catch (LostDataException e) {
            store.logger()
                    .warn(
                            "a fragment cannot be repaired: extent={} fragment={} reason=\"{}\"",
                            record.id(),
                            fragment,
                            e.getMessage());
            return;
        }
        pieces.add(new FragmentWriter.Piece(record.fragments().get(fragment), right));
        store.repairs().repaired();
        disk.countRepair();
    }

    private void recordReleasedExtents() {
        frozen().releasedBytes().forEach((id, bytes) -> {
            byte[] value = editor.get(PoolKeys.extent(id));
            if (value == null) {
                throw new IllegalStateException("extent " + id + " is released, but it does not exist");
            }
            ExtentRecord record = ExtentRecord.decode(value);
            if (bytes > record.liveBytes()) {
                throw new IllegalStateException(
                        "extent " + id + " has " + record.liveBytes() + " live bytes, " + bytes + " are released");
            }
            if (bytes == 0) {
                return;
            }
            if (bytes < record.liveBytes()) {
                editor.put(
                        PoolKeys.extent(id),
                        record.withLiveBytes(Math.subtractExact(record.liveBytes(), bytes))
                                .encode());
            } else {
                removeExtent(record);
            }
        });
    }

    private void removeExtent(ExtentRecord record) {
        ExtentGeometry geometry = new ExtentGeometry(record.length(), record.redundancy());
        editor.remove(PoolKeys.extent(record.id()));
        for (int part = 0; editor.remove(PoolKeys.checksums(record.id(), part)); part++) {
            // The loop's condition removes.
        }
        for (int i = 0; i < record.fragments().size(); i++) {
            BlockAddress place = record.fragments().get(i);
            if (!place.equals(ExtentRecord.NOT_STORED)) {
                editor.remove(PoolKeys.reverse(place.disk(), place.block()));
                freed.add(new PendingFrees.Entry(place.disk(), place.block(), geometry.storedBlocks(i)));
            }
        }
    }

    /** One a commit: metadata that has shrunk leaves its space to data. */
    private void giveEmptyChunkBack() {
        long chunk = store.emptyChunk();
        if (chunk >= 0) {
            freed.addAll(store.removeMetadataChunk(chunk));
            editor.remove(PoolKeys.slots(chunk));
        }
    }

    private void moveLogWhenBroken() {
        boolean intact = store.log().map(IntentLog::isIntact).orElse(false);
        int wanted =
                Math.min(store.root().metadataCopies(), store.disks().writable().size());
        boolean first = store.log().isEmpty();
        // What is left out stays in the log that has it, unless that is the log of an earlier incarnation.
        boolean mustStay = extents.isIncomplete() && !first;
        if (mustStay || (intact && store.root().log().copies().size() >= wanted)) {
            return;
        }
        List<BlockAddress> copies = store.placement().placeCopies(wanted, store.logBlocks());
        RootRecord.Log layout = new RootRecord.Log(copies, store.logBlocks(), 0, logStart.startSequence());
        IntentLog moved = store.openLog(layout);
        if (copies.size() < Math.min(wanted, store.root().metadataLosses() + 1) || !carryOver(moved)) {
            for (BlockAddress copy : copies) {
                store.space(copy.disk()).free(copy.block(), store.logBlocks());
            }
            if (extents.isIncomplete() && first) {
                throw new NoRoomException("what was answered before can neither be stored nor logged");
            }
            return;
        }
        for (BlockAddress old : store.root().log().copies()) {
            freed.add(new PendingFrees.Entry(
                    old.disk(), old.block(), store.root().log().blocks()));
        }
        movedLog = layout;
        newLog = moved;
    }

    /**
     * The new log starts with what is acknowledged and not in this commit's root: what was logged since the commit gathered, or,
     * after opening, what was recovered and could not be stored.
     */
    private boolean carryOver(IntentLog moved) {
        IntentLog old = store.log().orElse(null);
        if (old == null) {
            return !extents.isIncomplete() || appendAll(content.unstored(), moved);
        }
        if (old.described().startSequence() == logStart.startSequence()) {
            return true;
        }
        try (Arena arena = Arena.ofShared()) {
            IntentLog.Replay records = IntentLog.replay(store.disks(), logStart, store.incarnation(), arena);
            boolean complete = records.nextSequence() >= old.described().startSequence();
            return complete && appendAll(records.payloads(), moved);
        }
    }

    private static boolean appendAll(List<MemorySegment> records, IntentLog log) {
        List<MemorySegment> together = new ArrayList<>();
        long bytes = 0;
        for (int i = 0; i < records.size(); i++) {
            together.add(records.get(i));
            bytes += records.get(i).byteSize();
            boolean last = i + 1 == records.size();
            if (last || bytes + records.get(i + 1).byteSize() > CARRIED_BYTES_MAX) {
                if (!log.hasRoomFor(bytes, 0) || !log.append(together)) {
                    return false;
                }
                together.clear();
                bytes = 0;
            }
        }
        return true;
    }

    // Step 5: tree nodes

    private void writeTrees() {
        while (!tryWriteTrees()) {
            // A disk failed and is left out now; the next try writes elsewhere.
        }
    }

    private boolean tryWriteTrees() {
        store.nodeArena().reset();
        List<Long> taken = new ArrayList<>();
        MetadataStore.Sink sink = store.metadata().new Sink(store.nodeArena());
        Deque<Long> reserved = new ArrayDeque<>();
        treeWriter =
                new TreeWriter(generation, () -> reserved.isEmpty() ? takeSlot(taken) : reserved.removeFirst(), sink);

        chunkMapBlob = null;
        writeVolumeTrees(treeWriter);
        Tree poolTree = settlePoolTree(reserved, taken);
        poolRoot = treeWriter.write(poolTree);
        if (!reserved.isEmpty()) {
            throw new IllegalStateException(reserved.size() + " metadata slots were reserved and not used");
        }
        List<FragmentWriter.Piece> pieces = new ArrayList<>(sink.pieces());
        MemorySegment blob = chunkMapBlob;
        if (blob != null) {
            chunkMap.copies().forEach(copy -> pieces.add(new FragmentWriter.Piece(copy, blob)));
        }
        Set<Integer> failed = store.markFailures(store.writer().write(pieces, store.verifyWrites()));
        if (failed.isEmpty()) {
            store.setPoolTree(poolTree);
            return true;
        }
        treeWriter.abandon();
        taken.forEach(store.slots()::free);
        editor = poolTree.edit();
        return false;
    }

    private long takeSlot(List<Long> taken) {
        long address = store.slots().allocate(store.metadata()::isWritable);
        if (address < 0) {
            store.addMetadataChunk();
            address = store.slots().allocate(store.metadata()::isWritable);
        }
        taken.add(address);
        return address;
    }

    /** The chunk map is small and gets a new place as a whole when chunks were added or a disk failed. */
    private void placeChunkMap() {
        SortedMap<Long, List<BlockAddress>> chunks = store.metadata().chunks();
        boolean isOld = chunkMap.equals(store.root().chunkMap());
        boolean isPlaced = chunkMapBlob != null && chunks.size() == placedChunks;
        if (isPlaced || (chunkMapBlob == null && isOld && store.chunkMapIsWritten() && isWritable(chunkMap))) {
            return;
        }
        for (BlockAddress copy : chunkMap.copies()) {
            if (isOld) {
                freed.add(new PendingFrees.Entry(copy.disk(), copy.block(), blocks(chunkMap.bytes())));
            } else {
                store.space(copy.disk()).free(copy.block(), blocks(chunkMap.bytes()));
            }
        }
        byte[] bytes = ChunkMapLayout.encode(chunks);
        MemorySegment blob = store.nodeArena().allocate((long) blocks(bytes.length) * DiskGeometry.BLOCK_BYTES);
        blob.fill((byte) 0);
        blob.asByteBuffer().put(bytes);
        List<BlockAddress> copies = store.placement().placeCopies(store.metadataCopies(), blocks(bytes.length));
        if (copies.size() < store.metadataCopies()) {
            throw new NoRoomException("no room for the chunk map on " + store.metadataCopies() + " disks");
        }
        chunkMap = new RootRecord.ChunkMap(bytes.length, Blake3.hash(blob.asSlice(0, bytes.length)), copies);
        chunkMapBlob = blob;
        placedChunks = chunks.size();
    }

    private boolean isWritable(RootRecord.ChunkMap map) {
        return !map.copies().isEmpty()
                && map.copies().stream()
                        .allMatch(copy -> store.disks().get(copy.disk()).isWritable());
    }

    private static int blocks(int bytes) {
        return (bytes + DiskGeometry.BLOCK_BYTES - 1) / DiskGeometry.BLOCK_BYTES;
    }

    private void writeVolumeTrees(TreeWriter writer) {
        for (CommitContent.FrozenVolume volume : frozen().volumes()) {
            if (volume.removed()) {
                editor.remove(PoolKeys.volume(volume.record().id()));
            } else {
                NodePointer pointer = writer.write(volume.tree());
                VolumeRecord old = volume.record();
                VolumeRecord record = old.withContent(old.nextInode(), old.storedBytes(), old.inodes(), pointer);
                editor.put(PoolKeys.volume(record.id()), record.encode());
            }
        }
    }

    private void recordDisksAndSpace() {
        for (DiskRecord record : store.diskRecords()) {
            byte[] key = PoolKeys.disk(record.index());
            byte[] value = record.encode();
            if (!java.util.Arrays.equals(editor.get(key), value)) {
                editor.put(key, value);
            }
        }
        for (DiskSpace space : store.spaces()) {
            space.drainChanged((region, bitmap) ->
                    editor.put(PoolKeys.space(space.disk(), region), PoolStore.encodeBitmap(bitmap)));
        }
    }

    /**
     * The pool tree records the slots of its own nodes, the chunks and the space they need, and what it frees, which changes it:
     * repeated until nothing more changes. Only a few leaves hold these records, so that a handful of rounds is enough.
     */
    private Tree settlePoolTree(Deque<Long> reserved, List<Long> taken) {
        int pendingParts = 0;
        int recordedFrees = -1;
        while (true) {
            placeChunkMap();
            recordDisksAndSpace();
            store.slots().drainChanged((chunk, bits) -> editor.put(PoolKeys.slots(chunk), PoolStore.encodeLong(bits)));
            List<PendingFrees.Entry> frees = allFrees();
            if (frees.size() != recordedFrees) {
                pendingParts = recordFrees(frees, pendingParts);
                recordedFrees = frees.size();
            }
            TreeEdit edit = editor.build();
            replacedPoolNodes.addAll(edit.replaced());
            editor = edit.tree().edit();
            int dirty = edit.tree().dirtyNodes();
            if (reserved.size() == dirty && allFrees().size() == recordedFrees) {
                return edit.tree();
            }
            while (reserved.size() < dirty) {
                reserved.add(takeSlot(taken));
            }
            if (reserved.size() > dirty) {
                long spare = reserved.removeLast();
                taken.remove(spare);
                store.slots().free(spare);
            }
        }
    }

    private List<PendingFrees.Entry> allFrees() {
        List<PendingFrees.Entry> frees = new ArrayList<>(freed);
        for (NodeRef ref : frozen().replaced()) {
            addFreed(ref, frees);
        }
        for (NodeRef ref : replacedPoolNodes) {
            addFreed(ref, frees);
        }
        return frees;
    }

    private void addFreed(NodeRef ref, List<PendingFrees.Entry> frees) {
        NodePointer pointer = ref.pointer();
        if (pointer != null && pointer.birth() != generation) {
            frees.add(PendingFrees.Entry.slot(pointer.address()));
        }
    }

    private int recordFrees(List<PendingFrees.Entry> frees, int oldParts) {
        int parts = 0;
        for (int from = 0; from < frees.size(); from += PendingFrees.ENTRIES_MAX) {
            List<PendingFrees.Entry> part =
                    frees.subList(from, Math.min(frees.size(), from + PendingFrees.ENTRIES_MAX));
            editor.put(PoolKeys.pending(generation, parts++), PendingFrees.encode(part));
        }
        for (int part = parts; part < oldParts; part++) {
            editor.remove(PoolKeys.pending(generation, part));
        }
        return parts;
    }

    // Step 6: the root

    private void writeRoot() {
        RootRecord old = store.root();
        List<Integer> rootDisks = RootQuorum.choose(store.disks(), old.rootDisks(), old.metadataLosses());
        if (rootDisks.isEmpty()) {
            throw new NoRoomException("no disk takes writes any more");
        }
        boolean newMembership = !new HashSet<>(rootDisks).equals(new HashSet<>(old.rootDisks()));
        root = new RootRecord(
                generation,
                store.nextEpoch(newMembership),
                store.incarnation(),
                store.rootDigest(),
                store.isClosing() && !extents.isIncomplete(),
                store.context().clock().millis(),
                old.metadataLosses(),
                old.metadataCopies(),
                rootDisks,
                poolRoot,
                chunkMap,
                movedLog != null ? movedLog : extents.isIncomplete() ? old.log() : logStart,
                frozen().operationSequence(),
                store.nextExtentId(),
                store.nextVolumeId());
        Set<Integer> targets = new TreeSet<>(rootDisks);
        for (int index : old.rootDisks()) {
            PoolDisk disk = store.disks().find(index);
            if (disk != null && disk.isWritable()) {
                targets.add(index);
            }
        }
        Set<Integer> holders = new HashSet<>();
        for (int i = 0; i < ROOT_WRITE_TRIES; i++) {
            holders.addAll(writeRootTo(targets, root));
            if (isDurable(holders, old) && isDurable(holders, root)) {
                failThoseWithout(targets, holders);
                return;
            }
            targets.removeAll(holders);
        }
        failThoseWithout(targets, holders);
        if (!isDurable(holders, old) || !isDurable(holders, root)) {
            throw new StoppedException("generation " + generation + " reached only disks " + holders
                    + " of the root disks " + rootDisks + ": whether it is durable is not known");
        }
    }

    private Set<Integer> writeRootTo(Set<Integer> targets, RootRecord record) {
        List<Integer> order = List.copyOf(targets);
        List<IoRunner.Task> tasks = new ArrayList<>();
        for (int index : order) {
            PoolDisk disk = store.disks().get(index);
            tasks.add(new IoRunner.Task(index, () -> {
                store.ring(index).write(record);
                disk.flush();
            }));
        }
        List<@Nullable DeviceException> results = store.context().io().runAll(tasks);
        Set<Integer> holders = new HashSet<>();
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i) == null) {
                holders.add(order.get(i));
            }
        }
        return holders;
    }

    private boolean isDurable(Set<Integer> holders, RootRecord membership) {
        Set<Integer> alive = new HashSet<>();
        store.disks().writable().forEach(disk -> alive.add(disk.index()));
        long having = membership.rootDisks().stream().filter(holders::contains).count();
        return having >= RootQuorum.needed(membership.rootDisks(), membership.metadataLosses(), alive);
    }

    private void failThoseWithout(Set<Integer> targets, Set<Integer> holders) {
        for (int index : targets) {
            if (!holders.contains(index)) {
                store.markFailures(
                        List.of(new FragmentWriter.Failure(index, false, "it did not take the root record")));
            }
        }
    }

    // Step 7

    private void publish() {
        if (treeWriter == null || root == null) {
            throw new IllegalStateException("nothing was written");
        }
        treeWriter.complete();
        store.published(root, newLog);
        content.published(generation);
    }
}
