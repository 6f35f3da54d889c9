package io.dynamicfs.engine.sim;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.sim.ModelOperation.Data;
import io.dynamicfs.engine.sim.ModelState.Node;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What POSIX and Linux say that a volume is, in memory and independent of the engine: the oracle of the simulator. It has no
 * limits of space and makes every sync durable at once.
 */
class Model implements PosixVolume {
    static final int SYMLINK_BYTES_MAX = 4095;
    static final int XATTR_VALUE_BYTES_MAX = 65536;
    private static final int PERMISSIONS = 07777;

    /** Hears of every successful change, after it, with the content of the file where it changed data. */
    interface Sink {
        void applied(ModelOperation operation, @Nullable FileContent content);
    }

    private final SimClock clock;
    private final Sink sink;
    private ModelState state;
    private final Map<Long, Long> references = new HashMap<>();
    private final EnumSet<Errno> refusals = EnumSet.noneOf(Errno.class);
    private long nextInode;

    Model(SimClock clock, ModelState state, Sink sink) {
        this.clock = clock;
        this.state = state;
        this.sink = sink;
        this.nextInode = state.maxInode() + 1;
    }

    ModelState state() {
        return state;
    }

    /** Continues from another state. Inode numbers are never used again. */
    void reset(ModelState next, boolean keepReferences) {
        if (!keepReferences) {
            references.clear();
        }
        references.keySet().removeIf(inode -> next.find(inode) == null);
        next.prune(references.keySet());
        state = next;
        nextInode = Math.max(nextInode, next.maxInode() + 1);
    }

    /** The number of the next inode; a stand-in may number them wrongly. */
    long newInode() {
        return nextInode++;
    }

    /** Every error that the last refused call could have been refused with; where several apply, their order is free. */
    Set<Errno> acceptableRefusals() {
        return EnumSet.copyOf(refusals);
    }

    long references(long inode) {
        return references.getOrDefault(inode, 0L);
    }

    Set<Long> referenced() {
        return references.keySet();
    }

    @Override
    public Attributes lookup(long directory, byte[] name) throws FsException {
        begin();
        Node parent = directory(directory);
        checkName(name);
        Long child = parent.children.get(text(name));
        refuseIf(child == null, Errno.ENOENT);
        answer();
        Node node = state.node(child == null ? 0 : child);
        remember(node.inode);
        return attributesOf(node);
    }

    @Override
    public void remember(long inode) {
        references.merge(inode, 1L, Long::sum);
    }

    @Override
    public void forget(long inode, long count) {
        long left = references(inode) - count;
        if (left > 0) {
            references.put(inode, left);
        } else {
            references.remove(inode);
            freeIfUnused(inode);
        }
    }

    @Override
    public Attributes attributes(long inode) throws FsException {
        begin();
        return attributesOf(existing(inode));
    }

    @Override
    public Attributes setAttributes(long inode, AttributeChange change) throws FsException {
        begin();
        Node node = existing(inode);
        Long size = change.size();
        if (size != null) {
            refuseIf(node.isDirectory(), Errno.EISDIR);
            refuseIf(!node.isDirectory() && !node.isRegular(), Errno.EINVAL);
            refuseIf(size < 0, Errno.EINVAL);
        }
        answer();
        long now = clock.nanos();
        if (size != null) {
            apply(new ModelOperation.Truncate(inode, size, now));
        }
        boolean others = change.mode() != null
                || change.uid() != null
                || change.gid() != null
                || change.accessed() != null
                || change.modified() != null;
        if (others) {
            apply(new ModelOperation.Change(
                    inode,
                    change.mode() == null ? null : change.mode() & PERMISSIONS,
                    change.uid(),
                    change.gid(),
                    nanos(change.accessed()),
                    nanos(change.modified()),
                    now));
        }
        return attributesOf(node);
    }

    @Override
    public Attributes make(long directory, byte[] name, int mode, int rdev, Owner owner) throws FsException {
        begin();
        checkNew(directory, name);
        answer();
        return made(directory, name, mode, rdev, null, owner);
    }

    @Override
    public Attributes makeUnnamed(long directory, int mode, Owner owner) throws FsException {
        begin();
        Node parent = directory(directory);
        refuseIf(parent.links == 0, Errno.ENOENT);
        answer();
        long inode = newInode();
        apply(new ModelOperation.MakeUnnamed(inode, directory, mode, owner.uid(), owner.gid(), clock.nanos()));
        remember(inode);
        return attributesOf(state.node(inode));
    }

    @Override
    public Attributes symlink(long directory, byte[] name, byte[] target, Owner owner) throws FsException {
        begin();
        checkNew(directory, name);
        refuseIf(target.length > SYMLINK_BYTES_MAX, Errno.ENAMETOOLONG);
        answer();
        return made(directory, name, ModelState.SYMLINK | 0777, 0, text(target), owner);
    }

    private Attributes made(long directory, byte[] name, int mode, int rdev, @Nullable String target, Owner owner) {
        long inode = newInode();
        apply(new ModelOperation.Make(
                inode, directory, text(name), mode, owner.uid(), owner.gid(), rdev, target, clock.nanos()));
        remember(inode);
        return attributesOf(state.node(inode));
    }

    @Override
    public byte[] readLink(long inode) throws FsException {
        begin();
        Node node = existing(inode);
        String target = node.target;
        refuseIf(target == null, Errno.EINVAL);
        answer();
        return bytes(target == null ? "" : target);
    }

    @Override
    public Attributes link(long inode, long directory, byte[] name) throws FsException {
        begin();
        Node node = existing(inode);
        refuseIf(node.isDirectory(), Errno.EPERM);
        refuseIf(node.links == 0 && !node.unnamed, Errno.ENOENT);
        checkNew(directory, name);
        answer();
        apply(new ModelOperation.Link(inode, directory, text(name), clock.nanos()));
        remember(inode);
        return attributesOf(node);
    }

    @Override
    public void unlink(long directory, byte[] name) throws FsException {
        begin();
        Node node = checkOld(directory, name);
        refuseIf(node != null && node.isDirectory(), Errno.EISDIR);
        answer();
        apply(new ModelOperation.Unlink(directory, text(name), clock.nanos()));
        freeIfUnused(node);
    }

    @Override
    public void removeDirectory(long directory, byte[] name) throws FsException {
        begin();
        Node node = checkOld(directory, name);
        refuseIf(node != null && !node.isDirectory(), Errno.ENOTDIR);
        refuseIf(node != null && node.isDirectory() && !node.children.isEmpty(), Errno.ENOTEMPTY);
        answer();
        apply(new ModelOperation.RemoveDirectory(directory, text(name), clock.nanos()));
        freeIfUnused(node);
    }

    @Override
    public void rename(long directory, byte[] name, long newDirectory, byte[] newName, int flags) throws FsException {
        begin();
        boolean noReplace = (flags & RENAME_NOREPLACE) != 0;
        boolean exchange = (flags & RENAME_EXCHANGE) != 0;
        refuseIf(noReplace && exchange, Errno.EINVAL);
        refuseIf((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0, Errno.EINVAL);
        Node moved = checkOld(directory, name);
        Node to = directory(newDirectory);
        checkName(newName);
        refuseIf(to.links == 0, Errno.ENOENT);
        Long otherInode = to.children.get(text(newName));
        Node other = otherInode == null ? null : state.node(otherInode);
        refuseIf(noReplace && other != null, Errno.EEXIST);
        refuseIf(exchange && other == null, Errno.ENOENT);
        if (moved != null && other != moved) {
            refuseIf(isWithin(newDirectory, moved), Errno.EINVAL);
            checkReplaced(directory, moved, other, exchange);
        }
        answer();
        if (moved != null && other != moved) {
            apply(new ModelOperation.Rename(
                    directory, text(name), newDirectory, text(newName), exchange, clock.nanos()));
            freeIfUnused(other);
        }
    }

    private void checkReplaced(long directory, Node moved, @Nullable Node other, boolean exchange) {
        if (other == null) {
            return;
        }
        boolean aboveSource = isWithin(directory, other);
        if (exchange) {
            refuseIf(aboveSource, Errno.EINVAL);
            return;
        }
        refuseIf(aboveSource, Errno.ENOTEMPTY);
        refuseIf(moved.isDirectory() && !other.isDirectory(), Errno.ENOTDIR);
        refuseIf(!moved.isDirectory() && other.isDirectory(), Errno.EISDIR);
        refuseIf(moved.isDirectory() && other.isDirectory() && !other.children.isEmpty(), Errno.ENOTEMPTY);
    }

    @Override
    public void readDirectory(long inode, long cookie, DirectoryVisitor visitor) throws FsException {
        begin();
        Node node = directory(inode);
        answer();
        List<Map.Entry<String, Long>> entries = new ArrayList<>();
        entries.add(Map.entry(".", inode));
        entries.add(Map.entry("..", node.parent));
        entries.addAll(node.children.entrySet());
        for (int i = (int) cookie; i < entries.size(); i++) {
            Node child = state.find(entries.get(i).getValue());
            Attributes attributes = attributesOf(child == null ? node : child);
            if (!visitor.entry(bytes(entries.get(i).getKey()), attributes, i + 1)) {
                return;
            }
        }
    }

    @Override
    public int read(long inode, long offset, MemorySegment target) throws FsException {
        begin();
        Node node = readable(inode);
        byte[] found = node.content.read(offset, Math.toIntExact(target.byteSize()));
        MemorySegment.copy(found, 0, target, ValueLayout.JAVA_BYTE, 0, found.length);
        return found.length;
    }

    @Override
    public void write(long inode, long offset, MemorySegment source) throws FsException {
        begin();
        readable(inode);
        apply(new ModelOperation.Write(inode, offset, source.toArray(ValueLayout.JAVA_BYTE), clock.nanos()));
    }

    @Override
    public void allocate(long inode, long offset, long length, boolean grows) throws FsException {
        begin();
        Node node = readable(inode);
        if (grows && offset + length > node.content.size()) {
            apply(new ModelOperation.Truncate(inode, offset + length, clock.nanos()));
        }
    }

    @Override
    public void zero(long inode, long offset, long length, boolean grows) throws FsException {
        begin();
        readable(inode);
        apply(new ModelOperation.Zero(inode, offset, length, grows, clock.nanos()));
    }

    @Override
    public long copy(long source, long sourceOffset, long target, long targetOffset, long length) throws FsException {
        begin();
        FileContent from = readable(source).content;
        readable(target);
        byte[] data = from.read(sourceOffset, Math.toIntExact(length));
        if (data.length > 0) {
            apply(new ModelOperation.Write(target, targetOffset, data, clock.nanos()));
        }
        return data.length;
    }

    /** To the model all of a file is data. */
    @Override
    public long seek(long inode, long offset, boolean hole) throws FsException {
        begin();
        Node node = readable(inode);
        refuseIf(offset >= node.content.size(), Errno.ENXIO);
        answer();
        return hole ? node.content.size() : offset;
    }

    private Node readable(long inode) throws FsException {
        Node node = existing(inode);
        refuseIf(node.isDirectory(), Errno.EISDIR);
        refuseIf(!node.isDirectory() && !node.isRegular(), Errno.EINVAL);
        answer();
        return node;
    }

    @Override
    public byte[] getXattr(long inode, byte[] name) throws FsException {
        begin();
        Node node = existing(inode);
        checkXattrName(name);
        String value = node.xattrs.get(text(name));
        refuseIf(value == null, Errno.ENODATA);
        answer();
        return bytes(value == null ? "" : value);
    }

    @Override
    public void setXattr(long inode, byte[] name, byte[] value, int flags) throws FsException {
        begin();
        Node node = existing(inode);
        checkXattrName(name);
        refuseIf(value.length > XATTR_VALUE_BYTES_MAX, Errno.E2BIG);
        boolean exists = node.xattrs.containsKey(text(name));
        refuseIf((flags & XATTR_CREATE) != 0 && exists, Errno.EEXIST);
        refuseIf((flags & XATTR_REPLACE) != 0 && !exists, Errno.ENODATA);
        refuseIf(text(name).equals(ModelState.REDUNDANCY_XATTR) && !isRedundancy(text(value)), Errno.EINVAL);
        answer();
        apply(new ModelOperation.SetXattr(inode, text(name), text(value), clock.nanos()));
    }

    @Override
    public List<byte[]> listXattr(long inode) throws FsException {
        begin();
        return existing(inode).xattrs.keySet().stream().map(Model::bytes).toList();
    }

    @Override
    public void removeXattr(long inode, byte[] name) throws FsException {
        begin();
        Node node = existing(inode);
        checkXattrName(name);
        refuseIf(!node.xattrs.containsKey(text(name)), Errno.ENODATA);
        answer();
        apply(new ModelOperation.RemoveXattr(inode, text(name), clock.nanos()));
    }

    @Override
    public void sync(long inode, boolean dataOnly, SyncListener listener) {
        listener.done(null);
    }

    @Override
    public VolumeStatistics statistics() {
        return new VolumeStatistics(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
    }

    Attributes attributesOf(Node node) {
        String target = node.target;
        long size = target != null ? target.length() : node.content.size();
        return new Attributes(
                node.inode,
                node.mode,
                node.links,
                node.uid,
                node.gid,
                node.rdev,
                size,
                0,
                timestamp(node.accessed),
                timestamp(node.modified),
                timestamp(node.changed),
                timestamp(node.born));
    }

    static String text(byte[] bytes) {
        return new String(bytes, ISO_8859_1);
    }

    static byte[] bytes(String text) {
        return text.getBytes(ISO_8859_1);
    }

    static Timestamp timestamp(long nanos) {
        return new Timestamp(Math.floorDiv(nanos, 1_000_000_000L), (int) Math.floorMod(nanos, 1_000_000_000L));
    }

    static long nanosOf(Timestamp timestamp) {
        return timestamp.seconds() * 1_000_000_000L + timestamp.nanos();
    }

    private static @Nullable Long nanos(@Nullable Timestamp timestamp) {
        return timestamp == null ? null : nanosOf(timestamp);
    }

    private void apply(ModelOperation operation) {
        state.apply(operation);
        FileContent content = operation instanceof Data data ? state.node(data.inode()).content : null;
        sink.applied(operation, content);
    }

    private void freeIfUnused(@Nullable Node node) {
        if (node != null) {
            freeIfUnused(node.inode);
        }
    }

    private void freeIfUnused(long inode) {
        Node node = state.find(inode);
        if (node != null && node.links == 0 && references(inode) == 0) {
            state.remove(inode);
        }
    }

    private void begin() {
        refusals.clear();
    }

    private void refuseIf(boolean condition, Errno errno) {
        if (condition) {
            refusals.add(errno);
        }
    }

    private void answer() throws FsException {
        if (!refusals.isEmpty()) {
            throw new FsException(refusals.iterator().next());
        }
    }

    private void refuse(Errno errno) throws FsException {
        refusals.add(errno);
        answer();
    }

    private Node existing(long inode) throws FsException {
        Node node = state.find(inode);
        if (node == null) {
            refuse(Errno.ENOENT);
        }
        return state.node(inode);
    }

    private Node directory(long inode) throws FsException {
        Node node = existing(inode);
        if (!node.isDirectory()) {
            refuse(Errno.ENOTDIR);
        }
        return node;
    }

    private void checkNew(long directory, byte[] name) throws FsException {
        Node parent = directory(directory);
        checkName(name);
        refuseIf(parent.links == 0, Errno.ENOENT);
        refuseIf(parent.children.containsKey(text(name)), Errno.EEXIST);
    }

    private @Nullable Node checkOld(long directory, byte[] name) throws FsException {
        Node parent = directory(directory);
        checkName(name);
        Long child = parent.children.get(text(name));
        refuseIf(child == null, Errno.ENOENT);
        return child == null ? null : state.node(child);
    }

    private void checkName(byte[] name) {
        refuseIf(name.length > NAME_BYTES_MAX, Errno.ENAMETOOLONG);
    }

    private void checkXattrName(byte[] name) {
        refuseIf(name.length > NAME_BYTES_MAX, Errno.ERANGE);
        refuseIf(!text(name).startsWith("user."), Errno.EOPNOTSUPP);
    }

    private boolean isWithin(long directory, Node ancestor) {
        long at = directory;
        while (at != ancestor.inode && at != ROOT_INODE) {
            Node node = state.find(at);
            if (node == null) {
                return false;
            }
            at = node.parent;
        }
        return at == ancestor.inode;
    }

    private static boolean isRedundancy(String value) {
        try {
            Redundancy.parse(value);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
