package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/** A volume in memory with the meaning that Linux gives its calls; what is synced is kept no better than the rest. */
@SuppressWarnings("NonAtomicVolatileUpdate")
public final class MemoryVolume implements PosixVolume {
    private static final int TYPE_BITS = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int REGULAR = 0100000;
    private static final int SYMLINK = 0120000;
    private static final int PERMISSION_BITS = 07777;
    private static final int SET_GROUP_ID = 02000;
    private static final int LINKS_MAX = 65_000;
    private static final int CHUNK_BYTES = 1 << 16;
    private static final long FILE_BYTES_MAX = 1L << 50;
    private static final int XATTR_BYTES_MAX = 1 << 16;
    private static final int SYMLINK_BYTES_MAX = 4095;

    private final InstantSource clock;
    private final long totalBytes;
    private final Map<Long, Inode> inodes = new ConcurrentHashMap<>();
    private final AtomicLong nextInode = new AtomicLong(ROOT_INODE + 1);
    private final AtomicLong storedChunks = new AtomicLong();

    /** Guards names, attributes and references; the bytes of a file have their own lock, which is taken after this one. */
    private final ReentrantReadWriteLock names = new ReentrantReadWriteLock();

    public MemoryVolume(InstantSource clock, long totalBytes) {
        this.clock = clock;
        this.totalBytes = totalBytes;
        Inode root = new Inode(ROOT_INODE, DIRECTORY | 0755, 0, 0, 0, now());
        root.parent = ROOT_INODE;
        root.links = 2;
        inodes.put(ROOT_INODE, root);
    }

    /** How many inodes exist, with those that have no name and are only referenced. */
    public int inodeCount() {
        return inodes.size();
    }

    /** How many references of {@code inode} are held; 0 for an inode that does not exist. */
    public long references(long inode) {
        Inode found = inodes.get(inode);
        return found == null ? 0 : found.references;
    }

    /** What a name of a directory leads to; names are kept in ISO 8859-1, where every byte sequence is a string. */
    private record Entry(long cookie, long inode) {}

    private static final class Inode {
        final long number;
        final int type;
        final int rdev;
        final Timestamp born;
        final Map<String, byte[]> xattrs = new TreeMap<>();
        final ReentrantReadWriteLock bytes = new ReentrantReadWriteLock();
        final TreeMap<Long, MemorySegment> chunks = new TreeMap<>();
        final Map<String, Entry> entries = new HashMap<>();
        final TreeMap<Long, String> order = new TreeMap<>();
        volatile int permissions;
        volatile int links = 1;
        volatile int uid;
        volatile int gid;
        volatile long size;
        volatile Timestamp accessed;
        volatile Timestamp modified;
        volatile Timestamp changed;
        volatile long references;
        boolean unnamed;
        long parent;
        long nextCookie = 3;
        byte[] target = {};

        Inode(long number, int mode, int rdev, int uid, int gid, Timestamp now) {
            this.number = number;
            this.type = mode & TYPE_BITS;
            this.permissions = mode & PERMISSION_BITS;
            this.rdev = rdev;
            this.uid = uid;
            this.gid = gid;
            this.born = now;
            this.accessed = now;
            this.modified = now;
            this.changed = now;
        }

        boolean isDirectory() {
            return type == DIRECTORY;
        }

        Attributes attributes() {
            long blocks = (type == REGULAR ? chunks.size() : 0L) * (CHUNK_BYTES / 512);
            return new Attributes(
                    number, type | permissions, links, uid, gid, rdev, size, blocks, accessed, modified, changed, born);
        }
    }

    @Override
    public Attributes lookup(long directory, byte[] name) throws FsException {
        names.writeLock().lock();
        try {
            Inode found = child(directory(directory), checked(name));
            return referenced(found);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void remember(long inode) {
        names.writeLock().lock();
        try {
            Inode found = inodes.get(inode);
            if (found == null) {
                throw new IllegalStateException("remembered inode " + inode + " does not exist");
            }
            found.references++;
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void forget(long inode, long count) {
        names.writeLock().lock();
        try {
            Inode found = inodes.get(inode);
            if (found == null || found.references < count) {
                if (inode != ROOT_INODE) {
                    throw new IllegalStateException("inode " + inode + " is forgotten " + count + " times, it has "
                            + (found == null ? "gone" : found.references + " references"));
                }
                return;
            }
            found.references -= count;
            freeIfUnused(found);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public Attributes attributes(long inode) throws FsException {
        Inode found = inode(inode);
        found.bytes.readLock().lock();
        try {
            return found.attributes();
        } finally {
            found.bytes.readLock().unlock();
        }
    }

    @Override
    public Attributes setAttributes(long inode, AttributeChange change) throws FsException {
        Inode found = inode(inode);
        if (change.size() != null) {
            requireRegular(found);
            if (change.size() < 0 || change.size() > FILE_BYTES_MAX) {
                throw new FsException(Errno.EFBIG);
            }
        }
        names.writeLock().lock();
        found.bytes.writeLock().lock();
        try {
            Timestamp now = now();
            if (change.size() != null) {
                truncate(found, change.size());
                found.modified = now;
            }
            found.permissions = change.mode() == null ? found.permissions : change.mode() & PERMISSION_BITS;
            found.uid = change.uid() == null ? found.uid : change.uid();
            found.gid = change.gid() == null ? found.gid : change.gid();
            found.accessed = change.accessed() == null ? found.accessed : change.accessed();
            found.modified = change.modified() == null ? found.modified : change.modified();
            found.changed = now;
            return found.attributes();
        } finally {
            found.bytes.writeLock().unlock();
            names.writeLock().unlock();
        }
    }

    @Override
    public Attributes make(long directory, byte[] name, int mode, int rdev, Owner owner) throws FsException {
        names.writeLock().lock();
        try {
            return add(directory, name, mode & ~owner.umask(), rdev, owner, new byte[0]);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public Attributes makeUnnamed(long directory, int mode, Owner owner) throws FsException {
        names.writeLock().lock();
        try {
            Inode parent = directory(directory);
            int gid = (parent.permissions & SET_GROUP_ID) != 0 ? parent.gid : owner.gid();
            Inode made =
                    new Inode(nextInode.getAndIncrement(), REGULAR | mode & ~owner.umask(), 0, owner.uid(), gid, now());
            made.links = 0;
            made.unnamed = true;
            inodes.put(made.number, made);
            return referenced(made);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public Attributes symlink(long directory, byte[] name, byte[] target, Owner owner) throws FsException {
        if (target.length == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (target.length > SYMLINK_BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        names.writeLock().lock();
        try {
            return add(directory, name, SYMLINK | 0777, 0, owner, target.clone());
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public byte[] readLink(long inode) throws FsException {
        Inode found = inode(inode);
        if (found.type != SYMLINK) {
            throw new FsException(Errno.EINVAL);
        }
        return found.target.clone();
    }

    @Override
    public Attributes link(long inode, long directory, byte[] name) throws FsException {
        names.writeLock().lock();
        try {
            Inode parent = directory(directory);
            Inode found = inode(inode);
            if (found.isDirectory()) {
                throw new FsException(Errno.EPERM);
            }
            if (parent.links == 0 || found.links == 0 && !found.unnamed) {
                throw new FsException(Errno.ENOENT);
            }
            if (parent.entries.containsKey(checked(name))) {
                throw new FsException(Errno.EEXIST);
            }
            if (found.links >= LINKS_MAX) {
                throw new FsException(Errno.EMLINK);
            }
            found.links++;
            found.unnamed = false;
            found.changed = now();
            enter(parent, checked(name), found);
            return referenced(found);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void unlink(long directory, byte[] name) throws FsException {
        names.writeLock().lock();
        try {
            Inode parent = directory(directory);
            Inode found = child(parent, checked(name));
            if (found.isDirectory()) {
                throw new FsException(Errno.EISDIR);
            }
            remove(parent, checked(name));
            dropName(found);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void removeDirectory(long directory, byte[] name) throws FsException {
        names.writeLock().lock();
        try {
            Inode parent = directory(directory);
            Inode found = child(parent, checked(name));
            if (!found.isDirectory()) {
                throw new FsException(Errno.ENOTDIR);
            }
            if (!found.entries.isEmpty()) {
                throw new FsException(Errno.ENOTEMPTY);
            }
            remove(parent, checked(name));
            dropDirectory(parent, found);
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void rename(long directory, byte[] name, long newDirectory, byte[] newName, int flags) throws FsException {
        boolean exchange = (flags & RENAME_EXCHANGE) != 0;
        boolean noReplace = (flags & RENAME_NOREPLACE) != 0;
        if ((flags & ~(RENAME_EXCHANGE | RENAME_NOREPLACE)) != 0 || exchange && noReplace) {
            throw new FsException(Errno.EINVAL);
        }
        names.writeLock().lock();
        try {
            Inode from = directory(directory);
            Inode to = directory(newDirectory);
            Inode moved = child(from, checked(name));
            Entry replacedEntry = to.entries.get(checked(newName));
            Inode replaced = replacedEntry == null ? null : inode(replacedEntry.inode());
            if (to.links == 0 || exchange && replaced == null) {
                throw new FsException(Errno.ENOENT);
            }
            if (noReplace && replaced != null) {
                throw new FsException(Errno.EEXIST);
            }
            if (moved.isDirectory() && isWithin(to, moved)
                    || exchange && replaced != null && replaced.isDirectory() && isWithin(from, replaced)) {
                throw new FsException(Errno.EINVAL);
            }
            if (replaced == moved) {
                return;
            }
            if (exchange && replaced != null) {
                swap(from, checked(name), moved, to, checked(newName), replaced);
                return;
            }
            if (replaced != null) {
                requireReplaceable(moved, replaced);
                remove(to, checked(newName));
                if (replaced.isDirectory()) {
                    dropDirectory(to, replaced);
                } else {
                    dropName(replaced);
                }
            }
            remove(from, checked(name));
            enter(to, checked(newName), moved);
            adopt(from, to, moved);
            moved.changed = now();
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void readDirectory(long inode, long cookie, DirectoryVisitor visitor) throws FsException {
        names.readLock().lock();
        try {
            Inode found = directory(inode);
            if (cookie < 1 && !visitor.entry(new byte[] {'.'}, found.attributes(), 1)) {
                return;
            }
            Inode parent = inodes.getOrDefault(found.parent, found);
            if (cookie < 2 && !visitor.entry(new byte[] {'.', '.'}, parent.attributes(), 2)) {
                return;
            }
            for (Map.Entry<Long, String> next :
                    found.order.tailMap(Math.max(cookie, 2), false).entrySet()) {
                Entry entry = Objects.requireNonNull(found.entries.get(next.getValue()));
                byte[] name = next.getValue().getBytes(StandardCharsets.ISO_8859_1);
                if (!visitor.entry(name, inode(entry.inode()).attributes(), next.getKey())) {
                    return;
                }
            }
        } finally {
            names.readLock().unlock();
        }
    }

    @Override
    public int read(long inode, long offset, MemorySegment target) throws FsException {
        Inode found = inode(inode);
        requireRegular(found);
        found.bytes.readLock().lock();
        try {
            int count = (int) Math.clamp(found.size - offset, 0, target.byteSize());
            for (int done = 0; done < count; ) {
                long position = offset + done;
                int within = (int) (position % CHUNK_BYTES);
                int part = Math.min(count - done, CHUNK_BYTES - within);
                MemorySegment chunk = found.chunks.get(position / CHUNK_BYTES);
                if (chunk == null) {
                    target.asSlice(done, part).fill((byte) 0);
                } else {
                    MemorySegment.copy(chunk, within, target, done, part);
                }
                done += part;
            }
            return count;
        } finally {
            found.bytes.readLock().unlock();
        }
    }

    @Override
    public void write(long inode, long offset, MemorySegment source) throws FsException {
        Inode found = inode(inode);
        requireRegular(found);
        if (offset < 0 || offset > FILE_BYTES_MAX - source.byteSize()) {
            throw new FsException(Errno.EFBIG);
        }
        found.bytes.writeLock().lock();
        try {
            long end = offset + source.byteSize();
            reserveChunks(found, offset, end);
            for (long position = offset; position < end; ) {
                int within = (int) (position % CHUNK_BYTES);
                int part = (int) Math.min(end - position, CHUNK_BYTES - within);
                MemorySegment chunk = Objects.requireNonNull(found.chunks.get(position / CHUNK_BYTES));
                MemorySegment.copy(source, position - offset, chunk, within, part);
                position += part;
            }
            found.size = Math.max(found.size, end);
            found.modified = now();
            found.changed = found.modified;
        } finally {
            found.bytes.writeLock().unlock();
        }
    }

    @Override
    public void allocate(long inode, long offset, long length, boolean grows) throws FsException {
        Inode found = inode(inode);
        requireRegular(found);
        if (length > totalBytes) {
            throw new FsException(Errno.ENOSPC);
        }
        found.bytes.writeLock().lock();
        try {
            if (grows) {
                found.size = Math.max(found.size, offset + length);
            }
        } finally {
            found.bytes.writeLock().unlock();
        }
    }

    @Override
    public void zero(long inode, long offset, long length, boolean grows) throws FsException {
        Inode found = inode(inode);
        requireRegular(found);
        found.bytes.writeLock().lock();
        try {
            long end = offset + length;
            found.chunks
                    .subMap(offset / CHUNK_BYTES, true, (end - 1) / CHUNK_BYTES, true)
                    .forEach((index, chunk) -> {
                        long from = Math.max(0, offset - index * CHUNK_BYTES);
                        long to = Math.min(CHUNK_BYTES, end - index * CHUNK_BYTES);
                        chunk.asSlice(from, to - from).fill((byte) 0);
                    });
            var gone = found.chunks.subMap(Math.ceilDiv(offset, CHUNK_BYTES), true, end / CHUNK_BYTES, false);
            storedChunks.addAndGet(-gone.size());
            gone.clear();
            if (grows) {
                found.size = Math.max(found.size, end);
            }
        } finally {
            found.bytes.writeLock().unlock();
        }
    }

    /** The kernel then reads and writes. */
    @Override
    public long copy(long source, long sourceOffset, long target, long targetOffset, long length) throws FsException {
        throw new FsException(Errno.EOPNOTSUPP);
    }

    @Override
    public long seek(long inode, long offset, boolean hole) throws FsException {
        Inode found = inode(inode);
        requireRegular(found);
        found.bytes.readLock().lock();
        try {
            if (offset < 0 || offset >= found.size) {
                throw new FsException(Errno.ENXIO);
            }
            for (long at = offset; at < found.size; at = (at / CHUNK_BYTES + 1) * CHUNK_BYTES) {
                if (found.chunks.containsKey(at / CHUNK_BYTES) != hole) {
                    return at;
                }
            }
            if (!hole) {
                throw new FsException(Errno.ENXIO);
            }
            return found.size;
        } finally {
            found.bytes.readLock().unlock();
        }
    }

    @Override
    public byte[] getXattr(long inode, byte[] name) throws FsException {
        names.readLock().lock();
        try {
            byte[] value = inode(inode).xattrs.get(checked(name));
            if (value == null) {
                throw new FsException(Errno.ENODATA);
            }
            return value.clone();
        } finally {
            names.readLock().unlock();
        }
    }

    @Override
    public void setXattr(long inode, byte[] name, byte[] value, int flags) throws FsException {
        if (value.length > XATTR_BYTES_MAX) {
            throw new FsException(Errno.E2BIG);
        }
        names.writeLock().lock();
        try {
            Inode found = inode(inode);
            boolean exists = found.xattrs.containsKey(checked(name));
            if ((flags & XATTR_CREATE) != 0 && exists) {
                throw new FsException(Errno.EEXIST);
            }
            if ((flags & XATTR_REPLACE) != 0 && !exists) {
                throw new FsException(Errno.ENODATA);
            }
            found.xattrs.put(checked(name), value.clone());
            found.changed = now();
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public List<byte[]> listXattr(long inode) throws FsException {
        names.readLock().lock();
        try {
            List<byte[]> listed = new ArrayList<>();
            for (String name : inode(inode).xattrs.keySet()) {
                listed.add(name.getBytes(StandardCharsets.ISO_8859_1));
            }
            return listed;
        } finally {
            names.readLock().unlock();
        }
    }

    @Override
    public void removeXattr(long inode, byte[] name) throws FsException {
        names.writeLock().lock();
        try {
            Inode found = inode(inode);
            if (found.xattrs.remove(checked(name)) == null) {
                throw new FsException(Errno.ENODATA);
            }
            found.changed = now();
        } finally {
            names.writeLock().unlock();
        }
    }

    @Override
    public void sync(long inode, boolean dataOnly, SyncListener listener) {
        listener.done(inodes.containsKey(inode) ? null : new FsException(Errno.ENOENT));
    }

    @Override
    public VolumeStatistics statistics() {
        long used = storedChunks.get() * CHUNK_BYTES;
        long inodesMax = 1L << 32;
        return new VolumeStatistics(totalBytes, Math.max(0, totalBytes - used), inodesMax, inodesMax - inodes.size());
    }

    private Attributes add(long directory, byte[] name, int mode, int rdev, Owner owner, byte[] target)
            throws FsException {
        Inode parent = directory(directory);
        if (parent.links == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (parent.entries.containsKey(checked(name))) {
            throw new FsException(Errno.EEXIST);
        }
        boolean inheritsGroup = (parent.permissions & SET_GROUP_ID) != 0;
        boolean isDirectory = (mode & TYPE_BITS) == DIRECTORY;
        Inode made = new Inode(
                nextInode.getAndIncrement(),
                inheritsGroup && isDirectory ? mode | SET_GROUP_ID : mode,
                rdev,
                owner.uid(),
                inheritsGroup ? parent.gid : owner.gid(),
                now());
        made.target = target;
        made.size = target.length;
        if (isDirectory) {
            made.links = 2;
            made.parent = parent.number;
            parent.links++;
        }
        inodes.put(made.number, made);
        enter(parent, checked(name), made);
        return referenced(made);
    }

    private void swap(Inode from, String name, Inode moved, Inode to, String newName, Inode replaced) {
        long fromCookie = remove(from, name);
        long toCookie = remove(to, newName);
        place(from, name, replaced, fromCookie);
        place(to, newName, moved, toCookie);
        adopt(from, to, moved);
        adopt(to, from, replaced);
        moved.changed = now();
        replaced.changed = now();
    }

    /** Notes that {@code moved} has gone from one directory to another; ".." of a directory is a link to its parent. */
    private static void adopt(Inode from, Inode to, Inode moved) {
        if (moved.isDirectory()) {
            from.links--;
            to.links++;
            moved.parent = to.number;
        }
    }

    private static void requireReplaceable(Inode moved, Inode replaced) throws FsException {
        if (moved.isDirectory() && !replaced.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        if (!moved.isDirectory() && replaced.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
        if (!replaced.entries.isEmpty()) {
            throw new FsException(Errno.ENOTEMPTY);
        }
    }

    private boolean isWithin(Inode directory, Inode ancestor) throws FsException {
        for (Inode above = directory; ; above = inode(above.parent)) {
            if (above == ancestor) {
                return true;
            }
            if (above.number == ROOT_INODE) {
                return false;
            }
        }
    }

    private void enter(Inode parent, String name, Inode child) {
        place(parent, name, child, parent.nextCookie++);
    }

    private void place(Inode parent, String name, Inode child, long cookie) {
        parent.entries.put(name, new Entry(cookie, child.number));
        parent.order.put(cookie, name);
        touch(parent);
    }

    private long remove(Inode parent, String name) {
        Entry removed = Objects.requireNonNull(parent.entries.remove(name));
        parent.order.remove(removed.cookie());
        touch(parent);
        return removed.cookie();
    }

    private void touch(Inode directory) {
        directory.modified = now();
        directory.changed = directory.modified;
        directory.size = directory.entries.size();
    }

    private void dropName(Inode inode) {
        inode.links--;
        inode.changed = now();
        freeIfUnused(inode);
    }

    private void dropDirectory(Inode parent, Inode directory) {
        directory.links = 0;
        directory.changed = now();
        parent.links--;
        freeIfUnused(directory);
    }

    private void freeIfUnused(Inode inode) {
        if (inode.links == 0 && inode.references == 0) {
            inodes.remove(inode.number);
            storedChunks.addAndGet(-inode.chunks.size());
        }
    }

    private static Attributes referenced(Inode inode) {
        inode.references++;
        return inode.attributes();
    }

    private void truncate(Inode file, long size) {
        if (size < file.size) {
            var gone = file.chunks.tailMap((size + CHUNK_BYTES - 1) / CHUNK_BYTES, true);
            storedChunks.addAndGet(-gone.size());
            gone.clear();
            MemorySegment last = file.chunks.get(size / CHUNK_BYTES);
            if (last != null) {
                last.asSlice(size % CHUNK_BYTES).fill((byte) 0);
            }
        }
        file.size = size;
    }

    private void reserveChunks(Inode file, long offset, long end) throws FsException {
        List<Long> missing = new ArrayList<>();
        for (long chunk = offset / CHUNK_BYTES; chunk * CHUNK_BYTES < end; chunk++) {
            if (!file.chunks.containsKey(chunk)) {
                missing.add(chunk);
            }
        }
        if (storedChunks.addAndGet(missing.size()) * CHUNK_BYTES > totalBytes) {
            storedChunks.addAndGet(-missing.size());
            throw new FsException(Errno.ENOSPC);
        }
        for (Long chunk : missing) {
            file.chunks.put(chunk, Arena.ofAuto().allocate(CHUNK_BYTES));
        }
    }

    private Inode inode(long number) throws FsException {
        Inode found = inodes.get(number);
        if (found == null) {
            throw new FsException(Errno.ESTALE);
        }
        return found;
    }

    private Inode directory(long number) throws FsException {
        Inode found = inode(number);
        if (!found.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        return found;
    }

    private Inode child(Inode directory, String name) throws FsException {
        @Nullable Entry entry = directory.entries.get(name);
        if (entry == null) {
            throw new FsException(Errno.ENOENT);
        }
        return inode(entry.inode());
    }

    private static void requireRegular(Inode inode) throws FsException {
        if (inode.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
        if (inode.type != REGULAR) {
            throw new FsException(Errno.EINVAL);
        }
    }

    private static String checked(byte[] name) throws FsException {
        if (name.length > NAME_BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        return new String(name, StandardCharsets.ISO_8859_1);
    }

    private Timestamp now() {
        Instant instant = clock.instant();
        return new Timestamp(instant.getEpochSecond(), instant.getNano());
    }
}
