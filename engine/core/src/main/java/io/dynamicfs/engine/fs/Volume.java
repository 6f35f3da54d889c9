package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.StoppedException;
import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.CorruptRecordException;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.tree.CorruptNodeException;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeRef;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeEdit;
import io.dynamicfs.engine.tree.TreeEditor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One volume of an open pool. A change is validated against the newest version of the volume's tree, recorded in the survivor
 * memory, applied, and only then answered. Invariants: names and attributes live in the tree at once; the content of files lives in
 * their dirty layers until a commit turns it into slices, so that a tree never shows a size without the data that made it.
 *
 * <p>All state is guarded by the pool's lock; readers take what they need from it and do their I/O without it.
 */
public final class Volume implements PosixVolume {
    private static final Logger LOG = LoggerFactory.getLogger(Volume.class);
    private static final MemorySegment NO_DATA = MemorySegment.ofArray(new byte[0]);

    /** The largest file: what the kernel's signed offsets can address. */
    private static final long SIZE_MAX = Long.MAX_VALUE;

    /** Slices that are counted before a file is cut; beyond this many it makes little difference. */
    private static final int SLICES_COUNTED_MAX = 10_000;

    /** What is copied by one step that shares nothing. */
    private static final long COPY_BYTES_MAX = 1 << 20;

    /** Less is copied: a slice of its own costs as much. */
    private static final long SHARED_BYTES_MIN = 64 << 10;

    /** For so much it is worth to commit first what is not stored yet. */
    private static final long COMMITTED_BYTES_MIN = 4 << 20;

    /** Slices that one step shares and replaces. */
    private static final int SHARED_SLICES_MAX = 256;

    /** Inodes without names that are looked up in the tree at once. */
    private static final int ORPHANS_AT_ONCE = 10_000;

    /** Times of access beyond which a commit is due. */
    static final int ACCESSES_MAX = 16_384;

    private final StoragePool pool;
    private final NameHash hash;
    private VolumeRecord record;
    private volatile Tree tree;
    private long nextInode;
    private long inodes;
    private long storedBytes;
    private final List<NodeRef> replaced = new ArrayList<>();
    private final Map<Long, DirtyFile> dirty = new TreeMap<>();
    /** Changed while the lock is held for reading, too. */
    private final Map<Long, Long> references = new ConcurrentHashMap<>();

    private final TreeSet<Long> orphans = new TreeSet<>();
    private boolean moreOrphans;
    private boolean referencesKnown = true;

    /** Orphans of which the kernel said that it does not know them. */
    private final Set<Long> confirmed = new HashSet<>();

    private final Deque<SurvivorLog.Entry> unlogged = new ArrayDeque<>();

    /** Files that took the name of another before all they had received was durable, with the sequence of that rename. */
    private final Map<Long, Long> renamedOver = new TreeMap<>();

    /** Times of access that no commit has stored yet. Changed while the lock is held for reading, too. */
    private final Map<Long, Timestamp> accesses = new ConcurrentHashMap<>();

    /** Bytes that shared slices have released since the last commit, by extent; less than 0 where they show more. */
    private final Map<Long, Integer> shared = new TreeMap<>();

    private boolean changed;

    Volume(StoragePool pool, VolumeRecord record, Tree tree) throws FsException {
        this.pool = pool;
        this.record = record;
        this.tree = tree;
        this.hash = NamespaceReader.nameHash(tree);
        this.nextInode = record.nextInode();
        this.inodes = record.inodes();
        this.storedBytes = record.storedBytes();
        findOrphans();
    }

    private void findOrphans() {
        List<Long> found = reader().orphans(0, ORPHANS_AT_ONCE);
        orphans.addAll(found);
        moreOrphans = found.size() == ORPHANS_AT_ONCE;
    }

    public long id() {
        return record.id();
    }

    public String name() {
        return record.name();
    }

    VolumeRecord record() {
        return record;
    }

    void setRecord(VolumeRecord newRecord) {
        record = newRecord;
        changed = true;
    }

    long storedBytes() {
        return storedBytes;
    }

    /** Bytes of a part of a file that its slices hold. */
    long storedBytes(long inode, long from, long to) throws FsException {
        return lockedForReading(() -> {
            long bytes = 0;
            for (FileMap.Placed placed : FileMap.slices(tree, inode, from, to)) {
                bytes += Math.min(placed.end(), to) - Math.max(placed.offset(), from);
            }
            return bytes;
        });
    }

    long inodes() {
        return inodes;
    }

    Redundancy redundancy() {
        return record.redundancy() != null ? record.redundancy() : pool.redundancy();
    }

    private NamespaceReader reader() {
        return new NamespaceReader(tree, hash);
    }

    /** What an inode's path is, for reports; the number when it has none. */
    String path(long inode) {
        try {
            String path = reader().path(inode);
            return path == null ? "inode " + inode : path;
        } catch (FsException | CorruptNodeException e) {
            return "inode " + inode;
        }
    }

    Tree tree() {
        return tree;
    }

    NameHash hash() {
        return hash;
    }

    // Names and attributes

    @Override
    public Attributes lookup(long directory, byte[] name) throws FsException {
        return lockedForReading(() -> {
            long inode = reader().lookup(directory, ByteString.of(name));
            Attributes attributes = current(inode);
            remember(inode);
            return attributes;
        });
    }

    @Override
    public void remember(long inode) {
        references.merge(inode, 1L, Long::sum);
    }

    @Override
    public void forget(long inode, long count) {
        Long left = references.computeIfPresent(inode, (i, held) -> held > count ? held - count : null);
        if (left == null && isOrphan(inode)) {
            pool.signalWork();
        }
    }

    @Override
    public void begin(long connection, long unique) {
        pool.begin(connection, unique);
    }

    @Override
    public void replied() {
        pool.replied();
    }

    @Override
    public OptionalLong outcome(long connection, long unique) {
        return pool.outcome(connection, unique);
    }

    @Override
    public void disconnected(long connection) {
        pool.disconnected(connection);
        setReferencesKnown(true);
    }

    @Override
    public void setReferencesKnown(boolean known) {
        pool.writeLock().lock();
        try {
            referencesKnown = known;
            confirmed.clear();
        } finally {
            pool.writeLock().unlock();
        }
        pool.signalWork();
    }

    @Override
    public List<Long> unconfirmedOrphans() {
        pool.readLock().lock();
        try {
            return referencesKnown
                    ? List.of()
                    : orphans.stream()
                            .filter(inode -> !references.containsKey(inode) && !confirmed.contains(inode))
                            .toList();
        } finally {
            pool.readLock().unlock();
        }
    }

    @Override
    public void confirmUnreferenced(long inode) {
        pool.writeLock().lock();
        try {
            confirmed.add(inode);
        } finally {
            pool.writeLock().unlock();
        }
        pool.signalWork();
    }

    private boolean isReapable(long inode) {
        return !references.containsKey(inode) && (referencesKnown || confirmed.contains(inode));
    }

    private boolean isOrphan(long inode) {
        pool.readLock().lock();
        try {
            return orphans.contains(inode);
        } finally {
            pool.readLock().unlock();
        }
    }

    @Override
    public Attributes attributes(long inode) throws FsException {
        return lockedForReading(() -> current(inode));
    }

    /** The inode's attributes with what its dirty layers change. */
    private Attributes current(long inode) throws FsException {
        return withLayers(reader().attributes(inode));
    }

    /** What is newer than the tree. */
    private Attributes withLayers(Attributes inTree) {
        Timestamp accessed = accesses.get(inTree.inode());
        Attributes stored = accessed == null ? inTree : inTree.withAccessed(accessed);
        DirtyFile file = dirty.get(stored.inode());
        if (file == null || !file.isDirty()) {
            return stored;
        }
        Timestamp modified = file.modified();
        Timestamp changedAt = file.changed();
        return new Attributes(
                stored.inode(),
                stored.mode(),
                stored.links(),
                stored.uid(),
                stored.gid(),
                stored.rdev(),
                file.size(stored.size()),
                Math.max(stored.blocks(), 1),
                stored.accessed(),
                modified != null ? modified : stored.modified(),
                changedAt != null && NamespaceReader.isLater(changedAt, stored.changed())
                        ? changedAt
                        : stored.changed(),
                stored.born());
    }

    @Override
    public boolean accessed(long inode, AccessTimes times) throws FsException {
        if (times == AccessTimes.NEVER || !pool.isWritable()) {
            return false;
        }
        boolean changes = lockedForReading(() -> {
            Timestamp now = pool.now();
            // What is read faster than commits store it keeps the time that it has.
            boolean wanted = accesses.size() < 2 * ACCESSES_MAX && times.changes(current(inode), now);
            if (wanted) {
                accesses.put(inode, now);
            }
            return wanted;
        });
        if (changes && hasManyAccesses()) {
            pool.signalWork();
        }
        return changes;
    }

    boolean hasManyAccesses() {
        return accesses.size() > ACCESSES_MAX;
    }

    /** Makes up to {@code budget} times of access part of the tree, under the lock; returns what is left of it. */
    int storeAccesses(int budget) {
        int left = budget;
        if (accesses.isEmpty() || left == 0) {
            return left;
        }
        TreeEditor editor = tree.edit();
        NamespaceEditor inodes = new NamespaceEditor(editor, hash);
        for (var access = accesses.entrySet().iterator(); left > 0 && access.hasNext(); left--) {
            Map.Entry<Long, Timestamp> next = access.next();
            access.remove();
            try {
                inodes.setAccessed(next.getKey(), next.getValue());
            } catch (FsException e) {
                LOG.warn(
                        "time of access is lost: volume={} inode={} reason=\"{}\"",
                        record.name(),
                        next.getKey(),
                        e.getMessage());
            }
        }
        adopt(editor);
        return left;
    }

    @Override
    public Attributes setAttributes(long inode, AttributeChange change) throws FsException {
        if (change.size() != null) {
            truncate(inode, change.size());
        }
        boolean others = change.mode() != null
                || change.uid() != null
                || change.gid() != null
                || change.accessed() != null
                || change.modified() != null;
        if (!others) {
            return attributes(inode);
        }
        return change(new Operation.SetAttributes(
                inode, change.mode(), change.uid(), change.gid(), change.accessed(), change.modified(), pool.now()));
    }

    @Override
    public Attributes make(long directory, byte[] name, int mode, int rdev, Owner owner) throws FsException {
        return makeInode(inode -> new Operation.Make(
                directory,
                ByteString.of(name),
                inode,
                masked(directory, mode, owner),
                rdev,
                owner.uid(),
                owner.gid(),
                pool.now()));
    }

    @Override
    public Attributes makeUnnamed(long directory, int mode, Owner owner) throws FsException {
        return makeInode(inode -> new Operation.MakeUnnamed(
                directory, inode, masked(directory, mode, owner), owner.uid(), owner.gid(), pool.now()));
    }

    /** A default access control list takes the place of the umask. */
    private int masked(long directory, int mode, Owner owner) throws FsException {
        NamespaceReader reader = reader();
        return reader.findXattr(directory, reader.directory(directory), XattrNames.DEFAULT_LIST) != null
                ? mode
                : mode & ~owner.umask();
    }

    @Override
    public Attributes symlink(long directory, byte[] name, byte[] target, Owner owner) throws FsException {
        return makeInode(inode -> new Operation.Symlink(
                directory, ByteString.of(name), inode, ByteString.of(target), owner.uid(), owner.gid(), pool.now()));
    }

    private interface NewInode {
        Operation.Namespace operation(long inode) throws FsException;
    }

    private Attributes makeInode(NewInode made) throws FsException {
        // What was deleted counts until a commit has taken it away.
        while (hasNoInodesLeft() && hasReapable()) {
            pool.commitFor();
        }
        pool.admission().makeRoomForChange(false);
        return lockedForChange(() -> {
            if (hasNoInodesLeft()) {
                throw new FsException(
                        Errno.EDQUOT,
                        "volume " + record.name() + " has all of its " + record.quotaInodes() + " inodes in use");
            }
            long inode = nextInode;
            apply(made.operation(inode));
            remember(inode);
            return current(inode);
        });
    }

    private boolean hasNoInodesLeft() {
        return record.quotaInodes() > 0 && inodes >= record.quotaInodes();
    }

    @Override
    public Attributes link(long inode, long directory, byte[] name) throws FsException {
        pool.admission().makeRoomForChange(false);
        return lockedForChange(() -> {
            apply(new Operation.Link(inode, directory, ByteString.of(name), pool.now()));
            remember(inode);
            return current(inode);
        });
    }

    @Override
    public void unlink(long directory, byte[] name) throws FsException {
        remove(new Operation.Unlink(directory, ByteString.of(name), pool.now()));
    }

    @Override
    public void removeDirectory(long directory, byte[] name) throws FsException {
        remove(new Operation.RemoveDirectory(directory, ByteString.of(name), pool.now()));
    }

    private void remove(Operation.Namespace operation) throws FsException {
        pool.admission().makeRoomForChange(true);
        runLocked(() -> {
            apply(operation);
        });
    }

    @Override
    public void rename(long directory, byte[] name, long newDirectory, byte[] newName, int flags) throws FsException {
        pool.admission().makeRoomForChange(false);
        runLocked(() -> {
            apply(new Operation.Rename(
                    directory, ByteString.of(name), newDirectory, ByteString.of(newName), flags, pool.now()));
        });
    }

    @Override
    public byte[] readLink(long inode) throws FsException {
        return read(() -> reader().readLink(inode).toBytes());
    }

    @Override
    public void readDirectory(long inode, long cookie, DirectoryVisitor visitor) throws FsException {
        lockedForReading(() -> {
            NamespaceReader names = reader();
            names.readDirectory(
                    inode,
                    cookie,
                    (name, child, type, next) ->
                            visitor.entry(name.toBytes(), withLayers(names.attributes(child)), next));
            return true;
        });
    }

    @Override
    public byte[] getXattr(long inode, byte[] name) throws FsException {
        return read(() -> reader().getXattr(inode, ByteString.of(name)).toBytes());
    }

    @Override
    public void setXattr(long inode, byte[] name, byte[] value, int flags) throws FsException {
        if (XattrNames.isRedundancy(ByteString.of(name))) {
            requirePlaceable(value);
        }
        change(new Operation.SetXattr(inode, ByteString.of(name), ByteString.of(value), flags, pool.now()));
    }

    /** A policy that promises more than the metadata has, or needs more disks than there are, is refused. */
    private void requirePlaceable(byte[] value) throws FsException {
        try {
            pool.requirePlaceable(Redundancy.parse(ByteString.of(value).toString()));
        } catch (IllegalArgumentException | io.dynamicfs.engine.commit.PoolException e) {
            throw new FsException(Errno.EINVAL, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public List<byte[]> listXattr(long inode) throws FsException {
        return read(() ->
                reader().listXattr(inode).stream().map(ByteString::toBytes).toList());
    }

    @Override
    public void removeXattr(long inode, byte[] name) throws FsException {
        change(new Operation.RemoveXattr(inode, ByteString.of(name), pool.now()));
    }

    private Attributes change(Operation.Namespace operation) throws FsException {
        pool.admission().makeRoomForChange(false);
        return lockedForChange(() -> current(apply(operation).inode()));
    }

    /** Validates, records and applies a change; nothing has happened when it throws. The caller holds the lock. */
    private NamespaceChange apply(Operation.Namespace operation) throws FsException {
        TreeEditor editor = tree.edit();
        NamespaceEditor names = new NamespaceEditor(editor, hash);
        NamespaceChange change = names.apply(operation);
        SurvivorLog.Entry entry = pool.record(record.id(), operation, NO_DATA);
        applied(operation, change, names, editor, entry);
        return change;
    }

    private void applied(
            Operation.Namespace operation,
            NamespaceChange change,
            NamespaceEditor names,
            TreeEditor editor,
            SurvivorLog.Entry entry) {
        adopt(editor);
        names.released().forEach((extent, bytes) -> shared.merge(extent, bytes, Integer::sum));
        storedBytes += names.storedBytesAdded();
        inodes += change.inodesAdded();
        if (change.inodesAdded() > 0) {
            nextInode = Math.max(nextInode, change.inode() + 1);
        }
        if (change.orphan() != 0) {
            orphans.add(change.orphan());
        }
        if (change.named() != 0) {
            orphans.remove(change.named());
        }
        if (change.replaced() != 0) {
            tookName(change.inode(), entry);
        }
        if (operation instanceof Operation.Rename rename && (rename.flags() & RENAME_EXCHANGE) != 0) {
            tookName(change.replaced(), entry);
        }
        if (operation instanceof Operation.SetAttributes set && set.accessed() != null) {
            accesses.remove(set.inode());
        }
        DirtyFile file = dirty.get(change.inode());
        if (file != null && operation instanceof Operation.SetAttributes set && set.modified() != null) {
            file.forgetModified();
        }
        unlogged.add(entry);
    }

    private void tookName(long inode, SurvivorLog.Entry rename) {
        if (dirty.containsKey(inode)) {
            renamedOver.put(inode, rename.sequence());
        }
    }

    private void adopt(TreeEditor editor) {
        pool.countNewNodes(editor.newNodes());
        TreeEdit edit = editor.build();
        tree = edit.tree();
        replaced.addAll(edit.replaced());
        changed = true;
    }

    // File content

    @Override
    public int read(long inode, long offset, MemorySegment target) throws FsException {
        List<Layer.Gap> gaps;
        Tree base;
        Tree extents;
        long pinned;
        int length;
        pool.readLock().lock();
        try {
            pool.requireRunning();
            Inode file = regular(inode);
            DirtyFile changes = dirty.get(inode);
            long size = changes == null ? file.size() : changes.size(file.size());
            length = (int) Math.clamp(size - offset, 0, target.byteSize());
            if (offset < 0) {
                throw new FsException(Errno.EINVAL);
            }
            gaps = length == 0 ? List.of() : List.of(new Layer.Gap(offset, offset + length));
            if (changes != null) {
                for (Layer layer : changes.layers()) {
                    gaps = layer.answer(gaps, offset, target);
                }
            }
            if (gaps.isEmpty()) {
                return length;
            }
            base = tree;
            // Of the same moment: a commit may overtake this read and take out of the pool tree what it still needs.
            extents = pool.extents();
            pinned = pool.pin();
        } catch (CorruptNodeException | CorruptRecordException e) {
            throw corrupt(e);
        } finally {
            pool.readLock().unlock();
        }
        try {
            readSlices(base, extents, inode, gaps, offset, target);
            return length;
        } catch (LostDataException e) {
            pool.countUnreadable();
            LOG.warn(
                    "read failed: volume={} inode={} offset={} reason=\"{}\"",
                    record.name(),
                    inode,
                    offset,
                    e.getMessage());
            throw new FsException(Errno.EIO, String.valueOf(e.getMessage()));
        } catch (CorruptNodeException | CorruptRecordException e) {
            throw corrupt(e);
        } finally {
            pool.unpin(pinned);
        }
    }

    /** Bytes {@code from} to {@code to} of a file: its layers over a version of its slices. For the committer. */
    void readStored(Tree base, long inode, List<Layer> layers, long from, long to, MemorySegment target)
            throws LostDataException {
        List<Layer.Gap> gaps = from == to ? List.of() : List.of(new Layer.Gap(from, to));
        for (Layer layer : layers) {
            gaps = layer.answer(gaps, from, target);
        }
        readSlices(base, pool.extents(), inode, gaps, from, target);
    }

    private void readSlices(
            Tree base, Tree extents, long inode, List<Layer.Gap> gaps, long origin, MemorySegment target)
            throws LostDataException {
        for (Layer.Gap gap : gaps) {
            long at = gap.from();
            for (FileMap.Placed placed : FileMap.slices(base, inode, gap.from(), gap.to())) {
                long from = Math.max(gap.from(), placed.offset());
                long to = Math.min(gap.to(), placed.end());
                target.asSlice(at - origin, from - at).fill((byte) 0);
                int skip = (int) (from - placed.offset());
                MemorySegment part = target.asSlice(from - origin, to - from);
                switch (placed.slice()) {
                    case Slice.OfExtent(int ignored, long extent, int start) ->
                        pool.readExtent(extents, extent, start + skip, part);
                    case Slice.Inline(byte[] bytes) ->
                        MemorySegment.copy(MemorySegment.ofArray(bytes), skip, part, 0, to - from);
                }
                at = to;
            }
            target.asSlice(at - origin, gap.to() - at).fill((byte) 0);
        }
    }

    @Override
    public void write(long inode, long offset, MemorySegment source) throws FsException {
        long length = source.byteSize();
        if (offset < 0) {
            throw new FsException(Errno.EINVAL);
        }
        if (offset > SIZE_MAX - length) {
            throw new FsException(Errno.EFBIG);
        }
        pool.requireQuota(this, inode, offset, length);
        Admission.Cost cost = pool.admission()
                .makeRoomForContent(redundancy(), length, false, () -> costOfWrite(inode, offset, length));
        try {
            runLocked(() -> {
                Inode file = regular(inode);
                Timestamp now = pool.now();
                if (length > 0) {
                    SurvivorLog.Entry entry =
                            pool.record(record.id(), new Operation.Write(inode, offset, (int) length, now), source);
                    changeContent(inode, file, entry, cost, layer -> layer.write(entry, offset, now));
                }
            });
        } finally {
            pool.admission().done(cost);
        }
    }

    private void truncate(long inode, long size) throws FsException {
        if (size < 0) {
            throw new FsException(Errno.EINVAL);
        }
        Admission.Cost cost = pool.admission()
                .makeRoomForContent(redundancy(), 0, true, () -> costOfCut(inode, size, Long.MAX_VALUE, size));
        try {
            runLocked(() -> truncateLocked(inode, regular(inode), size, cost));
        } finally {
            pool.admission().done(cost);
        }
    }

    private void truncateLocked(long inode, Inode file, long size, Admission.Cost cost) throws FsException {
        Timestamp now = pool.now();
        SurvivorLog.Entry entry = pool.record(record.id(), new Operation.Truncate(inode, size, now), NO_DATA);
        changeContent(inode, file, entry, cost, layer -> {
            layer.truncate(entry, size, now);
            noteManySlices(layer, inode, size, Long.MAX_VALUE);
        });
    }

    private Admission.Cost costOfWrite(long inode, long offset, long length) throws FsException {
        long block = DiskGeometry.BLOCK_BYTES;
        long from = offset / block * block;
        long to = length == 0 ? from : offset + length - 1 + Math.min(block, SIZE_MAX - (offset + length - 1));
        int replaced = read(() -> FileMap.slices(tree, inode, from, to).size());
        return pool.admission().costOfWrite(redundancy(), offset, length, replaced);
    }

    /** What it needs to make bytes {@code from} to {@code to} a hole of a file that is {@code size} bytes or more then. */
    private Admission.Cost costOfCut(long inode, long from, long to, long size) throws FsException {
        int slices = read(() -> FileMap.count(tree, inode, from, to, SLICES_COUNTED_MAX));
        return pool.admission().costOfCut(redundancy(), slices, size);
    }

    /** What was counted to go bit by bit must not go at once because parts of it are written again before. */
    private void noteManySlices(Layer layer, long inode, long from, long to) {
        if (FileMap.count(tree, inode, from, to, Admission.CUT_AT_ONCE + 1) > Admission.CUT_AT_ONCE) {
            layer.cutBitByBit();
        }
    }

    @Override
    public void allocate(long inode, long offset, long length, boolean grows) throws FsException {
        checkRange(offset, length);
        read(() -> regular(inode));
        pool.requireQuota(this, inode, offset, length);
        pool.admission().requireRoom(this, () -> length - storedBytes(inode, offset, offset + length));
        Admission.Cost cost = pool.admission()
                .makeRoomForContent(
                        redundancy(),
                        0,
                        false,
                        () -> costOfCut(inode, offset + length, offset + length, offset + length));
        try {
            runLocked(() -> {
                Inode file = regular(inode);
                if (grows && offset + length > currentSize(inode, file)) {
                    truncateLocked(inode, file, offset + length, cost);
                }
            });
        } finally {
            pool.admission().done(cost);
        }
    }

    private long currentSize(long inode, Inode file) {
        DirtyFile changes = dirty.get(inode);
        return changes == null ? file.size() : changes.size(file.size());
    }

    @Override
    public void zero(long inode, long offset, long length, boolean grows) throws FsException {
        checkRange(offset, length);
        Admission.Cost cost = pool.admission()
                .makeRoomForContent(redundancy(), 0, true, () -> costOfCut(inode, offset, offset + length, offset));
        try {
            runLocked(() -> {
                Inode file = regular(inode);
                Timestamp now = pool.now();
                SurvivorLog.Entry entry =
                        pool.record(record.id(), new Operation.Zero(inode, offset, length, grows, now), NO_DATA);
                changeContent(inode, file, entry, cost, layer -> {
                    layer.zero(entry, offset, length, grows, now);
                    noteManySlices(layer, inode, offset, offset + length);
                });
            });
        } finally {
            pool.admission().done(cost);
        }
    }

    private static void checkRange(long offset, long length) throws FsException {
        if (offset < 0 || length <= 0) {
            throw new FsException(Errno.EINVAL);
        }
        if (offset > SIZE_MAX - length) {
            throw new FsException(Errno.EFBIG);
        }
    }

    @Override
    public long seek(long inode, long offset, boolean hole) throws FsException {
        return lockedForReading(() -> {
            Inode file = regular(inode);
            DirtyFile changes = dirty.get(inode);
            long size = currentSize(inode, file);
            if (offset < 0 || offset >= size) {
                throw new FsException(Errno.ENXIO);
            }
            List<Layer> layers = changes == null ? List.of() : changes.layers();
            long at = offset;
            while (at < size) {
                Layer.Stretch stretch = stretch(inode, layers, at, size);
                if ((stretch.content() == Layer.Stretch.Content.HOLE) == hole) {
                    return at;
                }
                at = stretch.to();
            }
            if (!hole) {
                throw new FsException(Errno.ENXIO);
            }
            return size;
        });
    }

    private Layer.Stretch stretch(long inode, List<Layer> layers, long at, long size) {
        long end = size;
        for (Layer layer : layers) {
            Layer.Stretch stretch = layer.at(at);
            end = Math.min(end, stretch.to());
            if (stretch.content() != Layer.Stretch.Content.BELOW) {
                return new Layer.Stretch(stretch.content(), end);
            }
        }
        long data = FileMap.dataFrom(tree, inode, at, end);
        return data > at
                ? new Layer.Stretch(Layer.Stretch.Content.HOLE, data)
                : new Layer.Stretch(Layer.Stretch.Content.DATA, FileMap.holeFrom(tree, inode, at, end));
    }

    @Override
    public long copy(long source, long sourceOffset, long target, long targetOffset, long length) throws FsException {
        checkRange(sourceOffset, length);
        checkRange(targetOffset, length);
        boolean overlaps = source == target && Math.abs(sourceOffset - targetOffset) < length;
        if (overlaps) {
            throw new FsException(Errno.EINVAL);
        }
        Attributes from = attributes(source);
        read(() -> regular(source));
        Attributes to = attributes(target);
        read(() -> regular(target));
        long wanted = Math.clamp(from.size() - sourceOffset, 0, length);
        long shareable = shareable(from, sourceOffset, to, targetOffset, wanted);
        if (shareable > 0 && share(source, sourceOffset, target, targetOffset, shareable)) {
            return shareable;
        }
        return copyBytes(source, sourceOffset, target, targetOffset, Math.min(wanted, COPY_BYTES_MAX));
    }

    /** How much of a copy can be whole blocks in both files, or go to the end of both. */
    private static long shareable(Attributes from, long sourceOffset, Attributes to, long targetOffset, long wanted) {
        long block = DiskGeometry.BLOCK_BYTES;
        if (wanted < SHARED_BYTES_MIN || sourceOffset % block != 0 || targetOffset % block != 0) {
            return 0;
        }
        boolean toBothEnds = sourceOffset + wanted == from.size() && targetOffset + wanted >= to.size();
        long whole = toBothEnds ? wanted : wanted / block * block;
        // What one step can copy is not cut into two.
        return whole < wanted && wanted <= COPY_BYTES_MAX ? 0 : whole;
    }

    private boolean share(long source, long sourceOffset, long target, long targetOffset, long length)
            throws FsException {
        long slices = read(
                () -> (long) FileMap.count(tree, source, sourceOffset, sourceOffset + length, SHARED_SLICES_MAX + 1)
                        + FileMap.count(tree, target, targetOffset, targetOffset + length, SHARED_SLICES_MAX + 1));
        boolean mustCommit = isDirty(source) || isDirty(target);
        if (slices > SHARED_SLICES_MAX || (mustCommit && length < COMMITTED_BYTES_MIN)) {
            return false;
        }
        pool.requireQuota(this, target, targetOffset, length);
        Admission.Cost cost = pool.admission()
                .makeRoomForContent(
                        redundancy(), 0, false, () -> pool.admission().costOfShare(slices));
        try {
            return pool.betweenCommits(() -> {
                if (mustCommit) {
                    pool.commitFor();
                }
                return lockedForChange(() -> shareLocked(source, sourceOffset, target, targetOffset, length));
            });
        } finally {
            pool.admission().done(cost);
        }
    }

    private boolean isDirty(long inode) {
        pool.readLock().lock();
        try {
            DirtyFile file = dirty.get(inode);
            return file != null && file.isDirty();
        } finally {
            pool.readLock().unlock();
        }
    }

    private boolean shareLocked(long source, long sourceOffset, long target, long targetOffset, long length)
            throws FsException {
        List<FileMap.Placed> slices = FileMap.slices(tree, source, sourceOffset, sourceOffset + length);
        long sourceSize = reader().inode(source).size();
        if (isDirty(source) || isDirty(target) || sourceOffset + length > sourceSize || !mayBeShared(slices)) {
            return false;
        }
        apply(new Operation.Share(source, sourceOffset, target, targetOffset, length, pool.now()));
        pool.countNewNodes(slices.size());
        return true;
    }

    /** The records of extents can count only so many slices. */
    private boolean mayBeShared(List<FileMap.Placed> slices) {
        Map<Long, Long> added = new TreeMap<>();
        for (FileMap.Placed placed : slices) {
            if (placed.slice() instanceof Slice.OfExtent(int length, long extent, int ignored)) {
                added.merge(extent, (long) length, Long::sum);
            }
        }
        return added.entrySet().stream()
                .allMatch(extent ->
                        pool.liveBytes(extent.getKey()) - shared.getOrDefault(extent.getKey(), 0) + extent.getValue()
                                <= Integer.MAX_VALUE);
    }

    private long copyBytes(long source, long sourceOffset, long target, long targetOffset, long length)
            throws FsException {
        if (length == 0) {
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(length, DiskGeometry.BLOCK_BYTES);
            int count = read(source, sourceOffset, bytes);
            if (count > 0) {
                write(target, targetOffset, bytes.asSlice(0, count));
            }
            return count;
        }
    }

    private interface LayerChange {
        void apply(Layer layer);
    }

    private void changeContent(
            long inode, Inode file, SurvivorLog.Entry entry, Admission.Cost cost, LayerChange change) {
        DirtyFile changes = dirty.computeIfAbsent(inode, i -> new DirtyFile());
        Layer layer = changes.activeLayer(file.size(), entry);
        change.apply(layer);
        layer.addCost(cost);
        pool.admission().countDirty(cost);
        changes.unlogged().add(entry);
        changed = true;
    }

    private Inode regular(long inode) throws FsException {
        Inode file = reader().inode(inode);
        if (file.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
        if (!file.isRegular()) {
            throw new FsException(Errno.EINVAL);
        }
        return file;
    }

    @Override
    public void sync(long inode, boolean dataOnly, SyncListener listener) {
        pool.requestSync(this, inode, listener);
    }

    @Override
    public VolumeStatistics statistics() {
        return pool.statistics(this);
    }

    // The lock and its errors

    private interface Action<T> {
        T run() throws FsException;
    }

    private interface Step {
        void run() throws FsException;
    }

    private void runLocked(Step step) throws FsException {
        lockedForChange(() -> {
            step.run();
            return true;
        });
    }

    private <T> T lockedForChange(Action<T> action) throws FsException {
        while (true) {
            long needed;
            pool.writeLock().lock();
            try {
                pool.requireRunning();
                pool.requireWritable();
                return action.run();
            } catch (SurvivorFullException e) {
                // Others took the room that was made for this change; nothing has happened yet.
                needed = e.bytes();
            } catch (CorruptNodeException | CorruptRecordException e) {
                throw corrupt(e);
            } finally {
                pool.writeLock().unlock();
            }
            pool.admission().makeRoomForRecord(needed, true);
        }
    }

    private <T> T lockedForReading(Action<T> action) throws FsException {
        pool.readLock().lock();
        try {
            pool.requireRunning();
            return action.run();
        } catch (CorruptNodeException | CorruptRecordException e) {
            throw corrupt(e);
        } finally {
            pool.readLock().unlock();
        }
    }

    /** Reads one immutable version of the tree, without the lock. */
    private <T> T read(Action<T> action) throws FsException {
        pool.requireRunning();
        // Before the tree is taken, so that none of its nodes is reused while the action looks at it.
        long pinned = pool.pin();
        try {
            return action.run();
        } catch (CorruptNodeException | CorruptRecordException e) {
            throw corrupt(e);
        } finally {
            pool.unpin(pinned);
        }
    }

    private FsException corrupt(RuntimeException e) {
        LOG.error("metadata cannot be read: volume={} reason=\"{}\"", record.name(), e.getMessage());
        return new FsException(Errno.EIO, String.valueOf(e.getMessage()));
    }

    // What commits, the intent log and recovery need; the pool's lock is held

    /** Makes a recorded change again when the volume's tree does not have it yet. */
    void replay(SurvivorLog.Entry entry, Operation operation, long durableSequence, long originalSequence) {
        switch (operation) {
            case Operation.Namespace change -> {
                if (originalSequence > durableSequence) {
                    replayNamespace(entry, change);
                }
            }
            case Operation.Content change -> replayContent(entry, change, originalSequence);
        }
    }

    private void replayNamespace(SurvivorLog.Entry entry, Operation.Namespace change) {
        TreeEditor editor = tree.edit();
        try {
            NamespaceEditor names = new NamespaceEditor(editor, hash);
            applied(change, names.apply(change), names, editor, entry);
        } catch (FsException e) {
            throw new StoppedException(
                    "operation " + entry.sequence() + " (" + change + ") of volume " + record.name()
                            + " cannot be made again: " + e.getMessage(),
                    e);
        }
    }

    private void replayContent(SurvivorLog.Entry entry, Operation.Content change, long originalSequence) {
        Inode file;
        try {
            file = reader().findInode(change.inode());
        } catch (FsException e) {
            throw new StoppedException("inode " + change.inode() + " cannot be read: " + e.getMessage(), e);
        }
        if (file == null || originalSequence <= file.contentSequence()) {
            return;
        }
        changeContent(change.inode(), file, entry, costOf(change), layer -> {
            switch (change) {
                case Operation.Write(long inode, long offset, int length, Timestamp time) ->
                    layer.write(entry, offset, time);
                case Operation.Truncate(long inode, long size, Timestamp time) -> {
                    layer.truncate(entry, size, time);
                    noteManySlices(layer, inode, size, Long.MAX_VALUE);
                }
                case Operation.Zero(long inode, long offset, long length, boolean grows, Timestamp time) -> {
                    layer.zero(entry, offset, length, grows, time);
                    noteManySlices(layer, inode, offset, offset + length);
                }
            }
        });
    }

    private Admission.Cost costOf(Operation.Content change) {
        try {
            return switch (change) {
                case Operation.Write write -> costOfWrite(write.inode(), write.offset(), write.length());
                case Operation.Truncate truncate ->
                    costOfCut(truncate.inode(), truncate.size(), Long.MAX_VALUE, truncate.size());
                case Operation.Zero zero ->
                    costOfCut(zero.inode(), zero.offset(), zero.offset() + zero.length(), zero.offset());
            };
        } catch (FsException e) {
            throw new StoppedException("inode " + change.inode() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Hands the dirty layers of all files to a commit. */
    List<FileFlush> beginFlush() {
        List<FileFlush> flushes = new ArrayList<>();
        dirty.forEach((inode, file) -> {
            if (file.hasActive()) {
                flushes.add(flush(inode, file));
            }
        });
        return flushes;
    }

    /**
     * Hands over what files that took the name of others have received since {@link #beginFlush}, but not those of {@code flushed}
     * that could not be stored.
     */
    List<FileFlush> beginFlushOfRenamed(List<FileFlush> flushed) {
        Set<Long> leftOut = new HashSet<>();
        flushed.stream().filter(FileFlush::isLeftOut).forEach(flush -> leftOut.add(flush.inode()));
        List<FileFlush> flushes = new ArrayList<>();
        for (long inode : renamedOver.keySet()) {
            DirtyFile file = dirty.get(inode);
            // One that could not be stored stays dirty as a whole; its name may then show the older content.
            if (file != null && file.hasActive() && !leftOut.contains(inode)) {
                flushes.add(flush(inode, file));
            }
        }
        return flushes;
    }

    private FileFlush flush(long inode, DirtyFile file) {
        Redundancy policy = redundancy();
        try {
            Inode stored = reader().findInode(inode);
            if (stored != null && stored.redundancy() != null) {
                policy = stored.redundancy();
            }
        } catch (FsException e) {
            LOG.warn("inode cannot be read: volume={} inode={} reason=\"{}\"", record.name(), inode, e.getMessage());
        }
        return new FileFlush(this, inode, file, file.beginFlush(), tree, policy);
    }

    /** Makes flushed files part of the tree. */
    void applyFlushes(List<FileFlush> flushes, Map<Long, Integer> released) {
        if (flushes.isEmpty()) {
            return;
        }
        TreeEditor editor = tree.edit();
        for (FileFlush flush : flushes) {
            try {
                // In two steps: applying may change it, too.
                long difference = flush.apply(editor, released);
                storedBytes += difference;
            } catch (FsException e) {
                throw new StoppedException("a stored file cannot be recorded: " + e.getMessage(), e);
            }
        }
        adopt(editor);
    }

    /**
     * Makes ranges of a file holes and returns by how many bytes it is fewer. When they have many slices, an inode without a name
     * gets these, which later commits remove bit by bit.
     */
    long cut(
            TreeEditor editor,
            long inode,
            Inode file,
            List<Layer.Gap> ranges,
            boolean bitByBit,
            Map<Long, Integer> released) {
        long removed = bitByBit || hasManySlices(editor, inode, ranges) ? moveAside(editor, inode, file, ranges) : 0;
        for (Layer.Gap range : ranges) {
            removed += FileMap.punch(editor, inode, range.from(), range.to(), released);
        }
        return removed;
    }

    private static boolean hasManySlices(TreeEditor editor, long inode, List<Layer.Gap> ranges) {
        int left = Admission.CUT_AT_ONCE;
        for (Layer.Gap range : ranges) {
            left -= FileMap.count(editor, inode, range.from(), range.to(), left + 1);
            if (left < 0) {
                return true;
            }
        }
        return false;
    }

    private long moveAside(TreeEditor editor, long inode, Inode file, List<Layer.Gap> ranges) {
        long rest = nextInode;
        long moved = 0;
        for (Layer.Gap range : ranges) {
            moved += FileMap.move(editor, inode, range.from(), range.to(), rest);
        }
        if (moved == 0) {
            return 0;
        }
        nextInode++;
        Inode.Editor cutOff = Inode.fresh(file.mode(), file.uid(), file.gid(), file.changed())
                .links(0)
                .size(file.size())
                .storedBytes(moved);
        editor.put(VolumeKeys.inode(rest), InodeLayout.encode(cutOff.build()));
        editor.put(VolumeKeys.orphan(rest), new byte[0]);
        orphans.add(rest);
        inodes++;
        // They leave the file, but not the volume.
        storedBytes += moved;
        return moved;
    }

    /** Removes inodes that have neither names nor references, as far as {@code budget} slices go; returns what is left of it. */
    int reapOrphans(int budget, Map<Long, Integer> released) {
        if (orphans.isEmpty() && moreOrphans) {
            findOrphans();
        }
        int left = budget;
        TreeEditor editor = tree.edit();
        List<Long> gone = new ArrayList<>();
        for (long inode : orphans) {
            if (left <= 0) {
                break;
            }
            if (isReapable(inode)) {
                left = reap(editor, inode, left, released, gone);
            }
        }
        if (left != budget) {
            adopt(editor);
        }
        gone.forEach(inode -> {
            orphans.remove(inode);
            confirmed.remove(inode);
            accesses.remove(inode);
            dirty.remove(inode);
            renamedOver.remove(inode);
        });
        inodes -= gone.size();
        return left;
    }

    private int reap(TreeEditor editor, long inode, int budget, Map<Long, Integer> released, List<Long> gone) {
        List<FileMap.Placed> slices = new ArrayList<>();
        Cursor cursor =
                editor.scan(VolumeKeys.from(inode, VolumeKeys.SLICE), VolumeKeys.after(inode, VolumeKeys.SLICE));
        while (slices.size() < budget && cursor.next()) {
            slices.add(new FileMap.Placed(VolumeKeys.numberOf(cursor.key()), Slice.decode(cursor.value())));
        }
        long removed = 0;
        for (FileMap.Placed placed : slices) {
            removed += FileMap.punch(editor, inode, placed.offset(), placed.end(), released);
        }
        storedBytes -= removed;
        try {
            if (slices.size() == budget) {
                shrink(editor, inode, removed);
                return 0;
            }
            new NamespaceEditor(editor, hash).removeInode(inode);
        } catch (FsException e) {
            throw new StoppedException("inode " + inode + " cannot be removed: " + e.getMessage(), e);
        }
        gone.add(inode);
        return budget - slices.size() - 1;
    }

    private static void shrink(TreeEditor editor, long inode, long removed) throws FsException {
        byte[] value = editor.get(VolumeKeys.inode(inode));
        if (value != null) {
            Inode file = NamespaceReader.decode(inode, value);
            Inode.Editor changes = file.edit().storedBytes(file.storedBytes() - removed);
            editor.put(VolumeKeys.inode(inode), InodeLayout.encode(changes.build()));
        }
    }

    boolean hasReapable() {
        pool.readLock().lock();
        try {
            return hasReapableOrphans();
        } finally {
            pool.readLock().unlock();
        }
    }

    boolean hasReapableOrphans() {
        return (moreOrphans && orphans.isEmpty()) || orphans.stream().anyMatch(this::isReapable);
    }

    /** Takes up to {@code budget} records out of a volume that is being deleted; true when it is empty. */
    boolean clear(int budget, Map<Long, Integer> released) {
        List<byte[]> keys = new ArrayList<>();
        Cursor cursor = tree.scan(new byte[0], null);
        while (keys.size() < budget && cursor.next()) {
            // Without its header the rest of the volume could not be opened.
            if (!Arrays.equals(cursor.key(), VolumeKeys.header())) {
                keys.add(cursor.key());
            }
            if (VolumeKeys.kindOf(cursor.key()) == VolumeKeys.SLICE
                    && Slice.decode(cursor.value()) instanceof Slice.OfExtent(int length, long extent, int ignored)) {
                released.merge(extent, length, Integer::sum);
            }
        }
        if (keys.isEmpty()) {
            keys.add(VolumeKeys.header());
        }
        TreeEditor editor = tree.edit();
        keys.forEach(editor::remove);
        adopt(editor);
        dirty.clear();
        unlogged.clear();
        return tree.isEmpty();
    }

    boolean isChanged() {
        return changed;
    }

    /** The state for a commit; edges that were replaced since the last call go to {@code replacedNodes}. */
    VolumeRecord freeze(List<NodeRef> replacedNodes, Map<Long, Integer> released) {
        shared.forEach((extent, bytes) -> released.merge(extent, bytes, Integer::sum));
        shared.clear();
        replacedNodes.addAll(replaced);
        replaced.clear();
        changed = false;
        return record.withContent(nextInode, storedBytes, inodes, record.root());
    }

    /** A commit that holds everything up to {@code sequence} is durable. */
    void published(long sequence, List<FileFlush> flushes) {
        forgetNamesThrough(sequence);
        for (FileFlush flush : flushes) {
            if (!flush.isLeftOut()) {
                flush.file().forgetThrough(flush.lastSequence());
            }
        }
        renamedOver.entrySet().removeIf(renamed -> !isLeftDirty(renamed.getKey(), renamed.getValue()));
        dirty.values().removeIf(file -> !file.isDirty() && file.unlogged().isEmpty());
    }

    private void forgetNamesThrough(long sequence) {
        while (!unlogged.isEmpty() && unlogged.getFirst().sequence() <= sequence) {
            unlogged.removeFirst();
        }
    }

    /** What storing the dirty files needs at the most. */
    Admission.Cost dirtyCost() {
        return dirty.values().stream()
                .flatMap(file -> file.layers().stream())
                .map(Layer::cost)
                .reduce(Admission.Cost.NONE, Admission.Cost::plus);
    }

    /** The oldest record that the survivor memory must keep for this volume's dirty files, or null. */
    @Nullable
    Layer oldestLayer() {
        Layer oldest = null;
        for (DirtyFile file : dirty.values()) {
            List<Layer> layers = file.layers();
            if (!layers.isEmpty() && (oldest == null || layers.getLast().firstSequence() < oldest.firstSequence())) {
                oldest = layers.getLast();
            }
        }
        return oldest;
    }

    /** Whether changes up to {@code sequence} are still not part of the stored file: a commit had to leave it out. */
    boolean isLeftDirty(long inode, long sequence) {
        DirtyFile file = dirty.get(inode);
        return file != null && file.layers().stream().anyMatch(layer -> layer.firstSequence() <= sequence);
    }

    /**
     * The records that a sync of {@code inodes} must make durable: the names of the volume, the content of these files, and of
     * those that took the name of others, which are added to {@code inodes}.
     */
    void collectUnlogged(Set<Long> inodes, List<SurvivorLog.Entry> target) {
        inodes.addAll(renamedOver.keySet());
        target.addAll(unlogged);
        for (long inode : inodes) {
            DirtyFile file = dirty.get(inode);
            if (file != null) {
                target.addAll(file.unlogged());
            }
        }
    }

    /** The records of {@link #collectUnlogged} up to {@code sequence} are in the intent log. */
    void logged(Set<Long> inodes, long sequence) {
        forgetNamesThrough(sequence);
        for (long inode : inodes) {
            DirtyFile file = dirty.get(inode);
            if (file != null) {
                file.forgetThrough(sequence);
            }
        }
    }

    /** The records of file content that neither the volume's tree nor the intent log holds. */
    Stream<SurvivorLog.Entry> unstored() {
        return dirty.values().stream().filter(DirtyFile::isDirty).flatMap(file -> file.unlogged().stream());
    }
}
