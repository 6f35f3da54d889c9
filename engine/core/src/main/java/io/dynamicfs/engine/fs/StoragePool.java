package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.AddOptions;
import io.dynamicfs.engine.commit.AnswerTable;
import io.dynamicfs.engine.commit.CommitContent;
import io.dynamicfs.engine.commit.CommitRun;
import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.NoRoomException;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.commit.PoolOpener;
import io.dynamicfs.engine.commit.PoolStore;
import io.dynamicfs.engine.commit.StoppedException;
import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.CorruptRecordException;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.OperationLayout;
import io.dynamicfs.engine.format.PoolKeys;
import io.dynamicfs.engine.format.PoolRecord;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeHeader;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.tree.CorruptNodeException;
import io.dynamicfs.engine.tree.NodeRef;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeEditor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open pool with its volumes: the engine as its surroundings see it. Whoever owns it calls {@link #commit} every few seconds and
 * when {@link #needsCommit} says so, and {@link #serveSyncs} when {@link #hasWaitingSyncs}; operations that find no room commit
 * by themselves.
 *
 * <p>Locks, outer first: the commit lock (one commit or log append at a time), then the lock of all file system state.
 */
public final class StoragePool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoragePool.class);

    /** What one sync appends to the intent log at most; more is a commit. */
    private static final long LOG_PAYLOAD_BYTES_MAX = 512 << 10;

    /** The share of the survivor memory that is in use when a commit begins: the rest takes what is written meanwhile. */
    private static final int COMMIT_AT_FRACTION = 4;

    /** The share of the usable space that is promised to nobody: old generations and rewriting need room. */
    private static final int UNPROMISED_FRACTION = 16;

    private final PoolStore store;
    private final SurvivorLog survivor;
    private final boolean readOnly;
    private final String readOnlyReason;

    /** The request that a thread serves, and what is noted of it. Each pool has threads of its own. */
    @SuppressWarnings("ThreadLocalUsage")
    private final ThreadLocal<@Nullable Served> served = new ThreadLocal<>();

    private boolean referencesKnown = true;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final ReentrantLock commitLock = new ReentrantLock();
    private final Map<String, Volume> volumes = new TreeMap<>();
    private final List<Volume> deleting = new ArrayList<>();
    private final List<SyncRequest> syncs = new ArrayList<>();
    private final Semaphore work = new Semaphore(0);
    private final Admission admission;
    private final AtomicLong unreadable = new AtomicLong();
    /** Sequences of what was acknowledged before this pool was opened, until a root or the log of its own has it. */
    private final Set<Long> recoveredFromLog = new HashSet<>();

    private volatile @Nullable String stopped;
    private volatile boolean closedCleanly;
    private volatile long filesNotStored;
    private @Nullable RunningCommit running;
    private final AtomicLong commitsBegun = new AtomicLong();

    /** The number of the last commit that is done; guarded by the commit lock. */
    private long lastCommit;

    private long syncsServed;
    private long operationsRecovered;

    /** {@code readOnlyReason} is empty for a pool that takes writes. */
    private StoragePool(PoolStore store, SurvivorMemory memory, String readOnlyReason) {
        this.store = store;
        this.survivor = new SurvivorLog(memory);
        this.admission = new Admission(this, store, survivor, lock.readLock());
        this.readOnly = !readOnlyReason.isEmpty();
        this.readOnlyReason = readOnlyReason;
    }

    // Making and opening

    /** Formats the disks and makes a pool of them. They belong to the pool until it is closed. */
    public static StoragePool create(
            EngineContext context, List<? extends BlockDevice> disks, PoolSpec spec, SurvivorMemory survivor)
            throws PoolException {
        return create(context, disks, spec, AddOptions.DEFAULT, survivor);
    }

    /** As above; {@code options} name foreign content that may be overwritten. */
    public static StoragePool create(
            EngineContext context,
            List<? extends BlockDevice> disks,
            PoolSpec spec,
            AddOptions options,
            SurvivorMemory survivor)
            throws PoolException {
        requireName("pool", spec.name());
        PoolRecord record = new PoolRecord(
                spec.redundancy(), spec.verifyWrites(), context.clock().millis());
        PoolStore store = PoolOpener.create(context, disks, spec.name(), record, options);
        StoragePool pool = new StoragePool(store, survivor, "");
        pool.survivor.reset(store.identity().poolId(), store.root().incarnation(), 0);
        return pool;
    }

    /**
     * Opens the pool that the disks belong to, goes back to its last durable state, applies what the survivor memory or the
     * intent log holds beyond it, and commits that before it serves.
     */
    public static StoragePool open(
            EngineContext context, List<? extends BlockDevice> disks, OpenOptions options, SurvivorMemory survivor)
            throws PoolException {
        PoolOpener.Opened opened = PoolOpener.open(context, disks, options);
        String readOnlyReason =
                options.readOnly() ? "opened read-only" : Objects.requireNonNullElse(opened.readOnlyReason(), "");
        StoragePool pool = new StoragePool(opened.store(), survivor, readOnlyReason);
        pool.referencesKnown = !options.mountsOutlive();
        try {
            pool.recover(opened, options);
            return pool;
        } catch (NoRoomException e) {
            return openToRead(context, disks, options, survivor, String.valueOf(e.getMessage()));
        } catch (StoppedException | FsException | CorruptNodeException | CorruptRecordException e) {
            throw new PoolException(
                    Reason.DAMAGED,
                    "generation " + opened.store().root().generation() + " cannot be served: " + e.getMessage(),
                    e);
        }
    }

    /**
     * Opens a pool again that has no room for what it recovered: everything that was answered can be read, from the disks, the
     * survivor memory and the intent log, and stays there for an opening with more room.
     */
    private static StoragePool openToRead(
            EngineContext context,
            List<? extends BlockDevice> disks,
            OpenOptions options,
            SurvivorMemory survivor,
            String reason)
            throws PoolException {
        PoolOpener.Opened opened = PoolOpener.open(context, disks, options);
        StoragePool pool = new StoragePool(
                opened.store(), survivor, reason + ": bring the missing disks, or copy what is needed to another pool");
        pool.referencesKnown = !options.mountsOutlive();
        try {
            pool.findVolumes();
            pool.replayAnswered(opened, options);
        } catch (StoppedException | FsException | CorruptNodeException | CorruptRecordException e) {
            throw new PoolException(
                    Reason.DAMAGED,
                    "generation " + opened.store().root().generation() + " cannot be served: " + e.getMessage(),
                    e);
        }
        LOG.error("pool opened read-only: pool={} reason=\"{}\"", pool.name(), pool.readOnlyReason);
        return pool;
    }

    private void recover(PoolOpener.Opened opened, OpenOptions options) throws PoolException, FsException {
        findVolumes();
        if (readOnly) {
            return;
        }
        replayAnswered(opened, options);
        commit();
        recoveredFromLog.clear();
        survivor.adopt(store.root().incarnation());
        // An opener before us may have died with its first root on a minority of the disks, some of which may be
        // missing here: it has the epoch and generation of our first one, but never of our second.
        commit();
        LOG.info(
                "pool opened: pool={} generation={} epoch={} volumes={} operations recovered={}",
                name(),
                store.root().generation(),
                store.root().epoch(),
                volumes.size(),
                operationsRecovered);
    }

    private void findVolumes() throws FsException {
        for (VolumeRecord record : store.readVolumes()) {
            Volume volume = new Volume(this, record, Tree.at(store.trees(), record.id(), record.root()));
            if (record.deleting()) {
                deleting.add(volume);
            } else {
                volume.setReferencesKnown(referencesKnown);
                volumes.put(record.name(), volume);
            }
        }
    }

    /** Makes again what was answered and is not in the root. */
    private void replayAnswered(PoolOpener.Opened opened, OpenOptions options) throws PoolException {
        UUID poolId = store.identity().poolId();
        if (survivor.belongsTo(poolId, store.root().incarnation())) {
            loggedOperations(opened.logPayloads()).forEach(operation -> recoveredFromLog.add(operation.sequence));
            replaySurvivor(survivor.recover());
        } else {
            if (opened.logDamage() != null && options.acceptRollback() == null) {
                throw new PoolException(
                        Reason.ROLLBACK_REFUSED,
                        opened.logDamage() + ": acknowledged operations are lost; bring the missing disks, or open with"
                                + " --accept-rollback " + store.root().generation() + " to go on without them");
            }
            survivor.reset(poolId, 0, store.root().operationSequence());
            replayLog(opened.logPayloads());
        }
    }

    private void replaySurvivor(List<SurvivorLog.Entry> entries) {
        for (SurvivorLog.Entry entry : entries) {
            replay(entry, entry.sequence());
        }
    }

    /** The log's records are in the order in which they were synced: they are made again in the order in which they happened. */
    private void replayLog(List<MemorySegment> payloads) {
        for (LoggedOperation operation : loggedOperations(payloads)) {
            SurvivorLog.Entry entry = survivor.append(operation.volume, 0, 0, operation.operation, operation.data);
            recoveredFromLog.add(entry.sequence());
            replay(entry, operation.sequence);
        }
    }

    private static List<LoggedOperation> loggedOperations(List<MemorySegment> payloads) {
        List<LoggedOperation> operations = new ArrayList<>();
        for (MemorySegment payload : payloads) {
            for (long at = 0; at < payload.byteSize(); ) {
                LoggedOperation operation = LoggedOperation.at(payload, at);
                operations.add(operation);
                at += operation.bytes;
            }
        }
        operations.sort(Comparator.comparingLong(operation -> operation.sequence));
        return operations;
    }

    /** A survivor record as the intent log keeps it. */
    private record LoggedOperation(
            long bytes, long sequence, long volume, MemorySegment operation, MemorySegment data) {
        static LoggedOperation at(MemorySegment payload, long offset) {
            SurvivorLog.Entry entry = SurvivorLog.parse(payload.asSlice(offset));
            return new LoggedOperation(
                    entry.bytes().byteSize(), entry.sequence(), entry.volume(), entry.operation(), entry.data());
        }
    }

    private void replay(SurvivorLog.Entry entry, long originalSequence) {
        Volume volume = findVolume(entry.volume());
        if (volume == null) {
            return;
        }
        ByteBuffer bytes = entry.operation().asByteBuffer();
        if (OperationLayout.decode(bytes) instanceof Decoded.Valid<Operation>(Operation operation)) {
            volume.replay(entry, operation, store.root().operationSequence(), originalSequence);
            operationsRecovered++;
        } else {
            throw new StoppedException("operation " + originalSequence + " was recorded, but cannot be understood");
        }
    }

    private @Nullable Volume findVolume(long id) {
        return volumes.values().stream()
                .filter(volume -> volume.id() == id)
                .findFirst()
                .orElse(null);
    }

    // What the pool is

    public UUID id() {
        return store.identity().poolId();
    }

    public String name() {
        return store.identity().poolName();
    }

    Redundancy redundancy() {
        return store.record().redundancy();
    }

    /** A moment of the pool for people and monitors. */
    public PoolStatus status() {
        List<DiskStatus> disks = new ArrayList<>();
        long raw = 0;
        long used = 0;
        for (PoolDisk disk : store.disks().all()) {
            PoolDisk.State state = disk.state();
            long usedOnDisk = store.usedBytes(disk.index());
            raw += disk.sizeBytes();
            used += usedOnDisk;
            disks.add(new DiskStatus(
                    disk.index(),
                    disk.name(),
                    disk.serial(),
                    disk.uuid(),
                    disk.sizeBytes(),
                    usedOnDisk,
                    state.health(),
                    state.reason(),
                    state.sinceMillis(),
                    disk.readErrors(),
                    disk.writeErrors(),
                    disk.checksumErrors(),
                    disk.repairs(),
                    disk.isPresent()));
        }
        PoolStore.Statistics counted = store.statistics();
        long checksumErrors =
                disks.stream().mapToLong(DiskStatus::checksumErrors).sum();
        PoolCounters counters = new PoolCounters(
                counted.commits(),
                syncsServed,
                counted.logRecords(),
                operationsRecovered,
                counted.bytesRead(),
                counted.bytesWritten(),
                checksumErrors,
                counted.reconstructedReads(),
                counted.reconstructedBytes(),
                counted.repairedFragments(),
                counted.repairedNodes(),
                unreadable.get());
        String reason = stopped;
        long usable = store.usableBytes(redundancy());
        return new PoolStatus(
                name(),
                id(),
                store.root().generation(),
                store.root().epoch(),
                redundancy(),
                store.record().verifyWrites(),
                reason != null ? reason : readOnlyReason,
                disks,
                raw,
                usable,
                used,
                promises(redundancy()).reserved,
                store.notes(),
                counters);
    }

    /** The room under {@code asked}, or under the pool's redundancy when that is null. */
    public PoolCapacity capacity(@Nullable Redundancy asked) throws PoolException {
        Redundancy policy = asked == null ? redundancy() : asked;
        requirePlaceable(policy);
        long raw = store.disks().all().stream().mapToLong(PoolDisk::sizeBytes).sum();
        Promises promises = promises(policy);
        return new PoolCapacity(
                raw, store.usableBytes(policy), promises.stored, promises.reserved, promisableBytes(policy, promises));
    }

    /** What volumes hold and may come to hold, in bytes of one redundancy. */
    private record Promises(long stored, long reserved) {}

    private Promises promises(Redundancy policy) {
        long stored = 0;
        long reserved = 0;
        lock.readLock().lock();
        try {
            for (Volume volume : volumes.values()) {
                Redundancy own = volume.redundancy();
                stored += converted(volume.storedBytes(), own, policy);
                reserved +=
                        converted(Math.max(volume.storedBytes(), volume.record().quotaBytes()), own, policy);
            }
        } finally {
            lock.readLock().unlock();
        }
        return new Promises(stored, reserved);
    }

    /** How many bytes under {@code to} take the space of {@code bytes} under {@code from}. */
    private static long converted(long bytes, Redundancy from, Redundancy to) {
        double raw = (double) bytes * from.fragments() / from.dataFragments();
        return (long) Math.ceil(raw * to.dataFragments() / to.fragments());
    }

    private long promisableBytes(Redundancy policy, Promises promises) {
        if (stopped != null || readOnly) {
            return 0;
        }
        long usable = store.usableBytes(policy);
        // Metadata and the log take their share too.
        long room = Math.min(usable, store.availableBytes(policy) - admission.dirtyBytes() + promises.stored);
        return Math.max(0, room - usable / UNPROMISED_FRACTION - promises.reserved);
    }

    /** The caller holds the lock, so that two volumes are never promised the same space. */
    private void requirePromisable(Reason refusal, String what, long bytes, Redundancy policy) throws PoolException {
        long available = promisableBytes(policy, promises(policy));
        if (bytes > available) {
            throw new PoolException(
                    refusal,
                    what + " needs " + bytes + " bytes under redundancy " + policy + ", pool " + name()
                            + " can promise " + available
                            + ": ask for less, add disks, or delete volumes that are not needed");
        }
    }

    /** Changes what holds for the whole pool; durable when this returns. */
    public void change(PoolChange change) throws PoolException {
        requireOpenForChanges();
        if (change.redundancy() != null) {
            requirePlaceable(change.redundancy());
        }
        commitLock.lock();
        try {
            finishRunning();
            Map<String, String> notes = new TreeMap<>(store.notes());
            change.notes().forEach((key, text) -> {
                if (text.isEmpty()) {
                    notes.remove(key);
                } else {
                    notes.put(key, text);
                }
            });
            requireNotes(notes);
            PoolRecord record = store.record();
            store.change(change.redundancy() == null ? record : record.withRedundancy(change.redundancy()), notes);
            commit();
        } catch (StoppedException e) {
            throw new PoolException(Reason.STOPPED, String.valueOf(e.getMessage()), e);
        } finally {
            commitLock.unlock();
        }
    }

    private static void requireNotes(Map<String, String> notes) throws PoolException {
        long bytes = 0;
        for (Map.Entry<String, String> note : notes.entrySet()) {
            int nameBytes = note.getKey().getBytes(StandardCharsets.UTF_8).length;
            if (nameBytes == 0
                    || nameBytes > PoolKeys.NOTE_NAME_BYTES_MAX
                    || note.getKey().indexOf(0) >= 0) {
                throw new PoolException(
                        Reason.INVALID_ARGUMENT,
                        "a note's name has 1 to " + PoolKeys.NOTE_NAME_BYTES_MAX + " bytes and no zero byte, not \""
                                + note.getKey() + "\"");
            }
            bytes += nameBytes + note.getValue().getBytes(StandardCharsets.UTF_8).length;
        }
        if (bytes > PoolChange.NOTES_BYTES_MAX) {
            throw new PoolException(
                    Reason.INVALID_ARGUMENT,
                    "all notes of a pool have " + PoolChange.NOTES_BYTES_MAX + " bytes at most, these would have "
                            + bytes + ": remove some, or make them shorter");
        }
    }

    // Volumes

    public Volume createVolume(VolumeSpec spec) throws PoolException {
        requireName("volume", spec.name());
        requireOpenForChanges();
        if (spec.redundancy() != null) {
            requirePlaceable(spec.redundancy());
        }
        requireNotNegative(spec.quotaBytes(), spec.quotaInodes());
        Volume volume;
        lock.writeLock().lock();
        try {
            if (volumes.containsKey(spec.name())) {
                throw new PoolException(
                        Reason.VOLUME_EXISTS,
                        "pool " + name() + " has a volume " + spec.name() + " already: choose another name");
            }
            if (spec.reserve()) {
                Redundancy policy = spec.redundancy() == null ? redundancy() : spec.redundancy();
                requirePromisable(Reason.POOL_FULL, "volume " + spec.name(), spec.quotaBytes(), policy);
            }
            VolumeRecord record = new VolumeRecord(
                    store.takeVolumeId(),
                    spec.name(),
                    spec.quotaBytes(),
                    spec.quotaInodes(),
                    spec.redundancy(),
                    false,
                    store.context().clock().millis(),
                    PosixVolume.ROOT_INODE + 1,
                    0,
                    1,
                    NodePointer.NONE);
            TreeEditor editor = Tree.empty(store.trees(), record.id()).edit();
            byte[] nameKey = new byte[NameHash.KEY_BYTES];
            store.context().random().nextBytes(nameKey);
            NamespaceEditor.initialize(editor, new VolumeHeader(ByteString.of(nameKey)), spec.owner(), now());
            volume = new Volume(this, record, editor.build().tree());
            volume.setRecord(record);
            volumes.put(record.name(), volume);
        } catch (FsException e) {
            throw new PoolException(Reason.DAMAGED, String.valueOf(e.getMessage()), e);
        } finally {
            lock.writeLock().unlock();
        }
        commitOrExplain();
        return volume;
    }

    /** Deletes a volume and everything in it; its space comes back in the background. It must not be mounted. */
    public void deleteVolume(String volumeName) throws PoolException {
        requireOpenForChanges();
        lock.writeLock().lock();
        try {
            Volume volume = volume(volumeName);
            volume.setRecord(volume.record().withDeleting());
            volumes.remove(volumeName);
            deleting.add(volume);
        } finally {
            lock.writeLock().unlock();
        }
        commitOrExplain();
    }

    public void setVolume(String volumeName, VolumeChange change) throws PoolException {
        requireOpenForChanges();
        if (change.redundancy() != null) {
            requirePlaceable(change.redundancy());
        }
        lock.writeLock().lock();
        try {
            Volume volume = volume(volumeName);
            VolumeRecord old = volume.record();
            long bytes = change.quotaBytes() != null ? change.quotaBytes() : old.quotaBytes();
            long inodes = change.quotaInodes() != null ? change.quotaInodes() : old.quotaInodes();
            requireNotNegative(bytes, inodes);
            if (change.reserve()) {
                long promised = Math.max(old.quotaBytes(), volume.storedBytes());
                requirePromisable(
                        Reason.CAPACITY_EXCEEDED,
                        "growing volume " + volumeName + " from " + promised + " to " + bytes + " bytes",
                        Math.max(0, bytes - promised),
                        volume.redundancy());
            }
            volume.setRecord(old.withLimits(
                    bytes, inodes, change.redundancy() != null ? change.redundancy() : old.redundancy()));
        } finally {
            lock.writeLock().unlock();
        }
        commitOrExplain();
    }

    public List<VolumeStatus> volumes() {
        lock.readLock().lock();
        try {
            List<VolumeStatus> statuses = new ArrayList<>();
            for (Volume volume : volumes.values()) {
                VolumeRecord record = volume.record();
                statuses.add(new VolumeStatus(
                        record.name(),
                        record.id(),
                        volume.storedBytes(),
                        volume.inodes(),
                        record.quotaBytes(),
                        record.quotaInodes(),
                        volume.redundancy(),
                        record.redundancy() == null));
            }
            return statuses;
        } finally {
            lock.readLock().unlock();
        }
    }

    public Volume volume(String volumeName) throws PoolException {
        lock.readLock().lock();
        try {
            Volume volume = volumes.get(volumeName);
            if (volume == null) {
                throw new PoolException(
                        Reason.VOLUME_NOT_FOUND,
                        "pool " + name() + " has no volume " + volumeName + ", only " + volumes.keySet());
            }
            return volume;
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Adds a disk; returns its index in the pool. */
    public int addDisk(BlockDevice device, AddOptions options) throws PoolException {
        requireOpenForChanges();
        commitLock.lock();
        try {
            finishRunning();
            PoolOpener.add(store, device, options);
            commit();
            return store.disks().all().stream().mapToInt(PoolDisk::index).max().orElseThrow();
        } catch (StoppedException e) {
            throw new PoolException(Reason.STOPPED, String.valueOf(e.getMessage()), e);
        } finally {
            commitLock.unlock();
        }
    }

    private static void requireName(String what, String wanted) throws PoolException {
        int bytes = wanted.getBytes(StandardCharsets.UTF_8).length;
        if (!wanted.matches("[A-Za-z0-9][A-Za-z0-9._-]*") || bytes > PoolSpec.NAME_BYTES_MAX) {
            throw new PoolException(
                    Reason.INVALID_ARGUMENT,
                    "a " + what + " name has 1 to " + PoolSpec.NAME_BYTES_MAX
                            + " letters, digits, dots, dashes and underscores and starts with a letter or digit, not \""
                            + wanted + "\"");
        }
    }

    private static void requireNotNegative(long quotaBytes, long quotaInodes) throws PoolException {
        if (quotaBytes < 0 || quotaInodes < 0) {
            throw new PoolException(Reason.INVALID_ARGUMENT, "a quota is 0 (none) or more, not negative");
        }
    }

    /** Refuses a policy that the disks cannot hold, or that promises more than the pool's metadata keeps. */
    void requirePlaceable(Redundancy policy) throws PoolException {
        int losses = store.root().metadataLosses();
        if (policy.losses() > losses) {
            throw new PoolException(
                    Reason.REDUNDANCY_TOO_HIGH,
                    "redundancy " + policy + " survives " + policy.losses() + " lost disks, but the metadata of pool "
                            + name() + " only " + losses + ": choose one that survives at most " + losses);
        }
        int disks = store.disks().all().size();
        if (policy.fragments() > disks) {
            throw new PoolException(
                    Reason.TOO_FEW_DISKS,
                    "redundancy " + policy + " needs " + policy.fragments() + " disks, pool " + name() + " has " + disks
                            + ": add disks, or choose a narrower one");
        }
    }

    private void requireOpenForChanges() throws PoolException {
        String reason = stopped;
        if (reason != null) {
            throw new PoolException(Reason.STOPPED, "pool " + name() + " has stopped: " + reason);
        }
        if (readOnly) {
            throw new PoolException(Reason.READ_ONLY, "pool " + name() + " takes no changes: " + readOnlyReason);
        }
    }

    private void commitOrExplain() throws PoolException {
        try {
            commit();
        } catch (StoppedException e) {
            throw new PoolException(Reason.STOPPED, String.valueOf(e.getMessage()), e);
        }
    }

    // Committing

    /** One whole commit; a commit that is under way is finished first. */
    public void commit() {
        commitLock.lock();
        try {
            finishRunning();
            RunningCommit commit = new RunningCommit();
            running = commit;
            finishRunning();
        } finally {
            commitLock.unlock();
        }
    }

    /** Begins a commit that the caller runs step by step. */
    public CommitSteps beginCommit() {
        commitLock.lock();
        try {
            finishRunning();
            RunningCommit commit = new RunningCommit();
            running = commit;
            return commit;
        } finally {
            commitLock.unlock();
        }
    }

    /** Files that the last commit had no room for, since disks failed; they stay in the survivor memory. */
    public long filesNotStored() {
        return filesNotStored;
    }

    private void finishRunning() {
        RunningCommit commit = running;
        while (commit != null && commit.step()) {
            // Until it is done.
        }
    }

    /** A commit and the part of it that is the file system's. */
    private final class RunningCommit implements CommitSteps, CommitContent {
        private final long number = commitsBegun.incrementAndGet();
        private final CommitRun run = store.beginCommit(this);
        private final Map<Volume, List<FileFlush>> flushes = new HashMap<>();
        private final List<Volume> removed = new ArrayList<>();
        private long frozenSequence;
        private long frozenHead;

        @Override
        public boolean step() {
            commitLock.lock();
            try {
                if (running != this) {
                    return false;
                }
                requireNotStopped();
                if (run.step()) {
                    return true;
                }
                lastCommit = number;
                running = null;
                return false;
            } catch (RuntimeException e) {
                running = null;
                stop("commit failed: " + e.getMessage(), e);
                failSyncs(takeSyncs(), new FsException(Errno.EIO, stoppedMessage()));
                throw e;
            } catch (Error e) {
                // The process cannot be trusted to say anything any more: its successor answers.
                running = null;
                stop("commit failed: " + e, e);
                throw e;
            } finally {
                commitLock.unlock();
            }
        }

        @Override
        public List<? extends Piece> gather() {
            lock.writeLock().lock();
            try {
                admission.committing();
                for (Volume volume : volumes.values()) {
                    flushes.put(volume, new ArrayList<>(volume.beginFlush()));
                }
            } finally {
                lock.writeLock().unlock();
            }
            return plan(flushes.values().stream().flatMap(List::stream).toList());
        }

        private List<FileFlush.FilePiece> plan(List<FileFlush> files) {
            List<FileFlush.FilePiece> pieces = new ArrayList<>();
            long spareBytes = admission.spareBytes();
            for (FileFlush flush : files) {
                pieces.addAll(flush.plan(spareBytes));
                spareBytes -= flush.rewrittenBytes();
            }
            return pieces;
        }

        @Override
        public Frozen freeze(Storer storer) {
            lock.writeLock().lock();
            try {
                Map<Long, Integer> released = new TreeMap<>();
                flushes.forEach((volume, files) -> volume.applyFlushes(files, released));
                storeRenamed(storer, released);
                int accesses = admission.accessBudget();
                for (Volume volume : volumes.values()) {
                    accesses = volume.storeAccesses(accesses);
                }
                int budget = admission.reapBudget();
                for (Volume volume : volumes.values()) {
                    budget = volume.reapOrphans(budget, released);
                }
                for (Volume volume : deleting) {
                    if (volume.clear(Math.max(budget, 1), released)) {
                        removed.add(volume);
                    }
                }
                frozenSequence = survivor.lastSequence();
                frozenHead = survivor.head();
                List<NodeRef> replaced = new ArrayList<>();
                List<FrozenVolume> frozen = new ArrayList<>();
                for (Volume volume : volumes.values()) {
                    if (volume.isChanged()) {
                        frozen.add(new FrozenVolume(volume.freeze(replaced, released), volume.tree(), false));
                    }
                }
                for (Volume volume : deleting) {
                    frozen.add(new FrozenVolume(
                            volume.freeze(replaced, released), volume.tree(), removed.contains(volume)));
                }
                return new Frozen(frozen, replaced, released, frozenSequence);
            } finally {
                lock.writeLock().unlock();
            }
        }

        /** A rename over an existing name must not show the new file without the data it had received. */
        private void storeRenamed(Storer storer, Map<Long, Integer> released) {
            for (Volume volume : volumes.values()) {
                List<FileFlush> renamed = volume.beginFlushOfRenamed(flushes.getOrDefault(volume, List.of()));
                if (!renamed.isEmpty()) {
                    storer.store(plan(renamed));
                    volume.applyFlushes(renamed, released);
                    flushes.computeIfAbsent(volume, v -> new ArrayList<>()).addAll(renamed);
                }
            }
        }

        @Override
        public List<MemorySegment> unstored() {
            lock.readLock().lock();
            try {
                return volumes.values().stream()
                        .flatMap(Volume::unstored)
                        .filter(entry -> recoveredFromLog.contains(entry.sequence()))
                        .map(SurvivorLog.Entry::bytes)
                        .toList();
            } finally {
                lock.readLock().unlock();
            }
        }

        @Override
        public void published(long generation) {
            lock.writeLock().lock();
            try {
                deleting.removeAll(removed);
                filesNotStored = flushes.values().stream()
                        .flatMap(List::stream)
                        .filter(FileFlush::isLeftOut)
                        .count();
                for (Volume volume : volumes.values()) {
                    volume.published(frozenSequence, flushes.getOrDefault(volume, List.of()));
                }
                admission.committed(volumes.values().stream()
                        .map(Volume::dirtyCost)
                        .reduce(Admission.Cost.NONE, Admission.Cost::plus));
                trimSurvivor();
            } finally {
                lock.writeLock().unlock();
            }
        }

        private void trimSurvivor() {
            long position = frozenHead;
            long sequence = frozenSequence;
            for (Volume volume : volumes.values()) {
                Layer oldest = volume.oldestLayer();
                if (oldest != null && oldest.firstSequence() <= sequence) {
                    position = oldest.firstPosition();
                    sequence = oldest.firstSequence() - 1;
                }
            }
            survivor.trim(position, sequence);
        }
    }

    private void stop(String reason, Throwable cause) {
        if (stopped == null) {
            stopped = reason;
            LOG.error("pool stopped: pool={} reason=\"{}\"", name(), reason, cause);
        }
    }

    private String stoppedMessage() {
        return "pool " + name() + " has stopped: " + stopped;
    }

    private void requireNotStopped() {
        if (stopped != null) {
            throw new StoppedException(stoppedMessage());
        }
    }

    /** Whether a commit is due before its time: memory fills up, or there is something to clean or repair. */
    public boolean needsCommit() {
        if (readOnly || stopped != null) {
            return false;
        }
        lock.readLock().lock();
        try {
            return survivor.used() > survivor.capacity() / COMMIT_AT_FRACTION
                    || admission.needsCommit()
                    || store.hasRepairsWaiting()
                    || !deleting.isEmpty()
                    || volumes.values().stream()
                            .anyMatch(volume -> volume.hasReapableOrphans() || volume.hasManyAccesses());
        } finally {
            lock.readLock().unlock();
        }
    }

    // Syncs

    private record SyncRequest(Volume volume, long inode, long sequence, PosixVolume.SyncListener listener) {}

    void requestSync(Volume volume, long inode, PosixVolume.SyncListener listener) {
        lock.writeLock().lock();
        try {
            if (stopped == null) {
                syncs.add(new SyncRequest(volume, inode, survivor.lastSequence(), listener));
                work.release();
                return;
            }
        } finally {
            lock.writeLock().unlock();
        }
        listener.done(readOnly ? null : new FsException(Errno.EIO, String.valueOf(stopped)));
    }

    public boolean hasWaitingSyncs() {
        lock.readLock().lock();
        try {
            return !syncs.isEmpty();
        } finally {
            lock.readLock().unlock();
        }
    }

    private List<SyncRequest> takeSyncs() {
        lock.writeLock().lock();
        try {
            List<SyncRequest> taken = new ArrayList<>(syncs);
            syncs.clear();
            return taken;
        } finally {
            lock.writeLock().unlock();
        }
    }

    /**
     * Makes durable what the waiting syncs ask for and answers them: one record in the intent log for all of them, or a commit
     * where that is too much or the log cannot take it.
     */
    public void serveSyncs() {
        commitLock.lock();
        try {
            List<SyncRequest> requests = takeSyncs();
            if (requests.isEmpty()) {
                return;
            }
            if (readOnly) {
                // What could not be stored when the pool was opened is only in memory.
                requests.forEach(request -> request.listener.done(isLeftDirty(request) ? notStored() : null));
                return;
            }
            boolean logged;
            try {
                logged = (running == null || !running.run.isMovingLog()) && appendToLog(requests);
                if (!logged) {
                    commit();
                }
            } catch (RuntimeException e) {
                stop("syncs failed: " + e.getMessage(), e);
                failSyncs(requests, new FsException(Errno.EIO, stoppedMessage()));
                throw e;
            }
            syncsServed += requests.size();
            for (SyncRequest request : requests) {
                boolean left = !logged && isLeftDirty(request);
                request.listener.done(left ? notStored() : null);
            }
        } finally {
            commitLock.unlock();
        }
    }

    /** Files are left out for want of room only: new bytes over lost ones are stored without these. */
    private static FsException notStored() {
        return new FsException(Errno.ENOSPC, "the disks have no room for the file");
    }

    private boolean isLeftDirty(SyncRequest request) {
        lock.readLock().lock();
        try {
            return request.volume.isLeftDirty(request.inode, request.sequence);
        } finally {
            lock.readLock().unlock();
        }
    }

    private boolean appendToLog(List<SyncRequest> requests) {
        requireNotStopped();
        Map<Volume, Set<Long>> wanted = new LinkedHashMap<>();
        requests.forEach(request ->
                wanted.computeIfAbsent(request.volume, v -> new TreeSet<>()).add(request.inode));
        List<SurvivorLog.Entry> entries = new ArrayList<>();
        long last;
        lock.writeLock().lock();
        try {
            last = survivor.lastSequence();
            wanted.forEach((volume, inodes) -> volume.collectUnlogged(inodes, entries));
        } finally {
            lock.writeLock().unlock();
        }
        List<MemorySegment> payload =
                entries.stream().map(SurvivorLog.Entry::bytes).toList();
        long bytes = payload.stream().mapToLong(MemorySegment::byteSize).sum();
        if (bytes == 0) {
            return true;
        }
        // Entries stay where they are until they are durable: only a commit trims the survivor log, and we hold its
        // lock.
        if (bytes > LOG_PAYLOAD_BYTES_MAX || !store.appendToLog(payload)) {
            return false;
        }
        lock.writeLock().lock();
        try {
            wanted.forEach((volume, inodes) -> volume.logged(inodes, last));
        } finally {
            lock.writeLock().unlock();
        }
        return true;
    }

    private static void failSyncs(List<SyncRequest> requests, FsException failure) {
        requests.forEach(request -> request.listener.done(failure));
    }

    void signalWork() {
        work.release();
    }

    /** Parks until there is something to do, or the time is over. */
    public void awaitWork(long millis) throws InterruptedException {
        if (work.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
            work.drainPermits();
        }
    }

    // What volumes need of their pool

    Lock readLock() {
        return lock.readLock();
    }

    Lock writeLock() {
        return lock.writeLock();
    }

    Timestamp now() {
        Instant instant = store.context().clock().instant();
        return new Timestamp(instant.getEpochSecond(), instant.getNano());
    }

    void requireRunning() throws FsException {
        String reason = stopped;
        if (reason != null) {
            throw new FsException(Errno.EIO, "pool " + name() + " has stopped: " + reason);
        }
    }

    boolean isWritable() {
        return !readOnly;
    }

    void requireWritable() throws FsException {
        if (readOnly) {
            throw new FsException(Errno.EROFS);
        }
    }

    /** Records an operation in the survivor memory; the caller holds the lock and has made room. */
    SurvivorLog.Entry record(long volume, Operation operation, MemorySegment data) throws FsException {
        byte[] bytes = new byte[OperationLayout.bytes(operation)];
        OperationLayout.encode(operation, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        if (!survivor.hasRoomFor(bytes.length, data.byteSize())) {
            throw new SurvivorFullException(bytes.length + data.byteSize());
        }
        Served request = served.get();
        if (request != null && request.answer == null && operation instanceof Operation.Namespace) {
            request.answer = survivor.expect(request.request, inodeOf(operation));
        }
        long connection = request == null ? 0 : request.request.connection();
        long unique = request == null ? 0 : request.request.unique();
        SurvivorLog.Entry entry = survivor.append(volume, connection, unique, MemorySegment.ofArray(bytes), data);
        if (survivor.used() > survivor.capacity() / COMMIT_AT_FRACTION) {
            work.release();
        }
        return entry;
    }

    /** A request of the kernel that a thread has in hand. */
    private static final class Served {
        private final AnswerTable.Request request;
        private AnswerTable.@Nullable Answer answer;

        Served(AnswerTable.Request request) {
            this.request = request;
        }
    }

    /** The inode that the reply to an operation shows, 0 when it shows none. */
    private static long inodeOf(Operation operation) {
        return switch (operation) {
            case Operation.Make made -> made.inode();
            case Operation.Symlink made -> made.inode();
            case Operation.Link linked -> linked.inode();
            case Operation.Namespace ignored -> 0;
            case Operation.Content ignored -> 0;
        };
    }

    void begin(long connection, long unique) {
        served.set(new Served(new AnswerTable.Request(connection, unique)));
    }

    void replied() {
        Served request = served.get();
        if (request != null) {
            served.remove();
            if (request.answer != null) {
                survivor.answers().remove(request.answer);
            }
        }
    }

    OptionalLong outcome(long connection, long unique) {
        Served request = new Served(new AnswerTable.Request(connection, unique));
        request.answer = survivor.answers().inherited(request.request);
        if (request.answer == null) {
            return OptionalLong.empty();
        }
        served.set(request);
        return OptionalLong.of(request.answer.inode());
    }

    void disconnected(long connection) {
        survivor.answers().removeAll(connection);
    }

    Admission admission() {
        return admission;
    }

    void countNewNodes(int nodes) {
        if (admission.countNewNodes(nodes)) {
            work.release();
        }
    }

    void countUnreadable() {
        unreadable.incrementAndGet();
    }

    /** Keeps everything that the last durable root and later states refer to; {@link #unpin} takes what this returns. */
    long pin() {
        while (true) {
            long generation = store.root().generation();
            store.pins().pin(generation);
            // A commit in between may not have seen the pin; the one after it does.
            if (store.root().generation() == generation) {
                return generation;
            }
            store.pins().unpin(generation);
        }
    }

    void unpin(long generation) {
        store.pins().unpin(generation);
    }

    /** The records of the extents that volume trees of this moment show. */
    Tree extents() {
        return store.poolTree();
    }

    void readExtent(Tree extents, long extent, int offset, MemorySegment target) throws LostDataException {
        store.read(extents, extent, offset, target);
    }

    /** Whether commits still have something to take out of the trees that was deleted. */
    boolean isDeleting() {
        lock.readLock().lock();
        try {
            return !deleting.isEmpty() || volumes.values().stream().anyMatch(Volume::hasReapableOrphans);
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Refuses content beyond the volume's quota. What is written over what is stored needs nothing, also in a volume that is full.
     */
    void requireQuota(Volume volume, long inode, long offset, long length) throws FsException {
        long quota = volume.record().quotaBytes();
        if (quota == 0 || volume.storedBytes() + admission.dirtyBytes() + length <= quota) {
            return;
        }
        if (volume.storedBytes(inode, offset, offset + length) == length) {
            return;
        }
        // What is dirty may overwrite what is stored: only a commit tells. What was cut off or deleted goes bit by bit.
        long excess;
        do {
            commitFor();
            long grows = length - volume.storedBytes(inode, offset, offset + length);
            excess = volume.storedBytes() + grows - quota;
        } while (excess > 0 && volume.hasReapable());
        if (excess > 0) {
            throw new FsException(Errno.EDQUOT, "volume " + volume.name() + " has a quota of " + quota + " bytes");
        }
    }

    /** What runs while no commit is under way. */
    interface BetweenCommits<T> {
        T run() throws FsException;
    }

    /** Ends the commit that is under way and lets nobody begin another one; the step itself may. */
    <T> T betweenCommits(BetweenCommits<T> step) throws FsException {
        commitLock.lock();
        try {
            finishRunning();
            return step.run();
        } catch (StoppedException e) {
            throw new FsException(Errno.EIO, String.valueOf(e.getMessage()));
        } finally {
            commitLock.unlock();
        }
    }

    /** How many bytes of an extent slices show, as of the last commit. */
    long liveBytes(long extent) {
        byte[] value = store.poolTree().get(PoolKeys.extent(extent));
        return value == null ? Integer.MAX_VALUE : ExtentRecord.decode(value).liveBytes();
    }

    /** Returns after a whole commit that began later than this; those who wait for one at the same time share it. */
    void commitFor() throws FsException {
        long begunBefore = commitsBegun.get();
        commitLock.lock();
        try {
            if (lastCommit <= begunBefore) {
                commit();
            }
        } catch (StoppedException e) {
            throw new FsException(Errno.EIO, String.valueOf(e.getMessage()));
        } finally {
            commitLock.unlock();
        }
    }

    VolumeStatistics statistics(Volume volume) {
        VolumeRecord record = volume.record();
        long used = volume.storedBytes();
        long available = Math.max(0, store.availableBytes(volume.redundancy()) - admission.dirtyBytes());
        if (record.quotaBytes() > 0) {
            available = Math.max(0, Math.min(available, record.quotaBytes() - used));
        }
        long total = record.quotaBytes() > 0 ? Math.max(record.quotaBytes(), used) : used + available;
        long freeInodes = admission.freeNodes() * 16;
        if (record.quotaInodes() > 0) {
            freeInodes = Math.clamp(record.quotaInodes() - volume.inodes(), 0, freeInodes);
        }
        return new VolumeStatistics(total, available, volume.inodes() + freeInodes, freeInodes);
    }

    // Checking

    /** Checks the last durable state while the pool serves. */
    public CheckReport check(CheckOptions options, CheckProgress progress) {
        long pinned;
        PoolChecker checker;
        commitLock.lock();
        try {
            finishRunning();
            pinned = pin();
            checker = new PoolChecker(store, options, progress);
        } finally {
            commitLock.unlock();
        }
        try {
            return checker.run();
        } finally {
            unpin(pinned);
        }
    }

    /** Checks a pool that no engine has open, on disks that are opened for reading. Nothing is written. */
    public static CheckReport checkOffline(
            EngineContext context,
            List<? extends BlockDevice> disks,
            OpenOptions options,
            CheckOptions checkOptions,
            CheckProgress progress)
            throws PoolException {
        return new PoolChecker(PoolOpener.open(context, disks, options).store(), checkOptions, progress).run();
    }

    // Ending

    /** Whether everything that was answered is in the last root: the survivor memory may be thrown away. */
    public boolean closedCleanly() {
        return closedCleanly;
    }

    /** Stores everything, writes a root that says so, and gives the disks back. */
    @Override
    public void close() {
        commitLock.lock();
        try {
            if (stopped == null && !readOnly) {
                serveSyncs();
                finishRunning();
                store.markClosing();
                commit();
                closedCleanly = true;
            }
        } catch (StoppedException e) {
            LOG.error("pool could not be closed cleanly: pool={} reason=\"{}\"", name(), e.getMessage());
        } finally {
            if (stopped == null) {
                stopped = "closed";
            }
            failSyncs(takeSyncs(), new FsException(Errno.EIO, "the pool is closed"));
            store.close();
            commitLock.unlock();
        }
    }
}
