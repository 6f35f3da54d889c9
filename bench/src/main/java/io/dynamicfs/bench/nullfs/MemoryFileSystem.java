package io.dynamicfs.bench.nullfs;

import io.dynamicfs.engine.fuse.DirectoryListing;
import io.dynamicfs.engine.fuse.FuseHandler;
import io.dynamicfs.engine.fuse.FuseRequest;
import io.dynamicfs.engine.fuse.FuseStatistics;
import io.dynamicfs.engine.fuse.FuseTime;
import io.dynamicfs.engine.fuse.Negotiated;
import io.dynamicfs.engine.fuse.NodeAttributes;
import io.dynamicfs.engine.fuse.NodeChange;
import io.dynamicfs.engine.fuse.ParkedReply;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Files in memory, forgotten with the process. It does what programs need and no more: no quota, no locks, no safety. */
final class MemoryFileSystem implements FuseHandler {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryFileSystem.class);
    private static final long ROOT = 1;
    private static final int TYPE_BITS = 0170000;
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int TYPE_SYMLINK = 0120000;
    private static final int NAME_BYTES_MAX = 255;
    private static final int FRAGMENT_BYTES = 4096;
    private static final long NODES_MAX = 1L << 40;
    private static final int RENAME_NOREPLACE = 1;
    private static final long FIRST_COOKIE = 3;

    private final Blocks blocks;
    private final Map<Long, MemoryNode> nodes = new ConcurrentHashMap<>();
    private long nextNode = ROOT + 1; // guarded by this
    private long nextCookie = FIRST_COOKIE; // guarded by this

    MemoryFileSystem(Blocks blocks) {
        this.blocks = blocks;
        MemoryNode root = new MemoryNode(blocks, ROOT, TYPE_DIRECTORY | 0755, 0, new byte[0], 0, 0, now());
        root.links = 1;
        root.lookups = 1;
        nodes.put(ROOT, root);
    }

    /** The kernel holds no node any more. */
    synchronized void disconnected() {
        for (MemoryNode node : List.copyOf(nodes.values())) {
            node.lookups = node.number == ROOT ? 1 : 0;
            release(node);
        }
    }

    @Override
    public Errno errno(FuseRequest request, Throwable thrown) {
        if (thrown instanceof Refusal refusal) {
            return refusal.errno();
        }
        LOG.error("request failed, answered with EIO: node={}", request.node(), thrown);
        return Errno.EIO;
    }

    @Override
    public @Nullable NodeAttributes lookup(FuseRequest request, byte[] name) throws Refusal {
        MemoryNode.Entry found = node(request).entries.get(ByteBuffer.wrap(name));
        return found == null ? null : held(found.node());
    }

    @Override
    public void forget(long number, long count) {
        MemoryNode node = nodes.get(number);
        if (node != null) {
            synchronized (this) {
                node.lookups -= count;
                release(node);
            }
        }
    }

    @Override
    public NodeAttributes attributes(FuseRequest request) throws Refusal {
        return node(request).attributes();
    }

    @Override
    public NodeAttributes setAttributes(FuseRequest request, NodeChange change) throws Refusal {
        MemoryNode node = node(request);
        synchronized (node) {
            node.permissions = change.mode() == null ? node.permissions : change.mode() & ~TYPE_BITS;
            node.uid = Objects.requireNonNullElse(change.uid(), node.uid);
            node.gid = Objects.requireNonNullElse(change.gid(), node.gid);
            if (change.size() != null) {
                node.resize(change.size());
                node.written(now());
            }
            node.times(
                    Objects.requireNonNullElse(change.accessed(), node.accessed()),
                    Objects.requireNonNullElse(change.modified(), node.modified()));
            node.touched(now());
            return node.attributes();
        }
    }

    @Override
    public byte[] readLink(FuseRequest request) throws Refusal {
        return node(request).target;
    }

    @Override
    public NodeAttributes symlink(FuseRequest request, byte[] name, byte[] target) throws Refusal {
        return made(request, name, TYPE_SYMLINK | 0777, 0, target);
    }

    @Override
    public NodeAttributes make(FuseRequest request, byte[] name, int mode, int rdev, int umask) throws Refusal {
        return made(request, name, mode & ~umask, rdev, new byte[0]);
    }

    @Override
    public NodeAttributes create(FuseRequest request, byte[] name, int mode, int flags, int umask) throws Refusal {
        return made(request, name, (mode & ~TYPE_BITS & ~umask) | TYPE_REGULAR, 0, new byte[0]);
    }

    @Override
    public void negotiated(Negotiated agreed) {}

    @Override
    public NodeAttributes createUnnamed(FuseRequest request, int mode, int flags, int umask) throws Refusal {
        throw new Refusal(Errno.EOPNOTSUPP);
    }

    @Override
    public void release(FuseRequest request, int flags) {}

    @Override
    public void allocate(FuseRequest request, long offset, long length, int mode) throws Refusal {
        throw new Refusal(Errno.EOPNOTSUPP);
    }

    @Override
    public long seek(FuseRequest request, long offset, boolean hole) throws Refusal {
        throw new Refusal(Errno.ENOSYS);
    }

    private synchronized NodeAttributes made(FuseRequest request, byte[] name, int mode, int rdev, byte[] target)
            throws Refusal {
        MemoryNode directory = node(request);
        if (directory.entries.containsKey(ByteBuffer.wrap(name))) {
            throw new Refusal(Errno.EEXIST);
        }
        MemoryNode node = new MemoryNode(blocks, nextNode++, mode, rdev, target, request.uid(), request.gid(), now());
        node.links = 1;
        nodes.put(node.number, node);
        enter(directory, name, node);
        return held(node);
    }

    @Override
    public synchronized void unlink(FuseRequest request, byte[] name) throws Refusal {
        MemoryNode directory = node(request);
        MemoryNode.Entry entry = entry(directory, name);
        if (isDirectory(entry.node())) {
            throw new Refusal(Errno.EISDIR);
        }
        leave(directory, entry);
        unlinked(entry.node());
    }

    @Override
    public synchronized void removeDirectory(FuseRequest request, byte[] name) throws Refusal {
        MemoryNode directory = node(request);
        MemoryNode.Entry entry = entry(directory, name);
        if (!isDirectory(entry.node())) {
            throw new Refusal(Errno.ENOTDIR);
        }
        if (!entry.node().entries.isEmpty()) {
            throw new Refusal(Errno.ENOTEMPTY);
        }
        leave(directory, entry);
        unlinked(entry.node());
    }

    @Override
    public synchronized void rename(FuseRequest request, byte[] name, long newDirectory, byte[] newName, int flags)
            throws Refusal {
        MemoryNode from = node(request);
        MemoryNode to = node(newDirectory);
        MemoryNode.Entry entry = entry(from, name);
        MemoryNode.Entry replaced = to.entries.get(ByteBuffer.wrap(newName));
        if ((flags & ~RENAME_NOREPLACE) != 0) {
            throw new Refusal(Errno.EINVAL);
        }
        if (replaced != null) {
            if ((flags & RENAME_NOREPLACE) != 0) {
                throw new Refusal(Errno.EEXIST);
            }
            if (replaced.node() == entry.node()) {
                return;
            }
            if (!replaced.node().entries.isEmpty()) {
                throw new Refusal(Errno.ENOTEMPTY);
            }
            leave(to, replaced);
            unlinked(replaced.node());
        }
        leave(from, entry);
        enter(to, newName, entry.node());
    }

    @Override
    public synchronized NodeAttributes link(FuseRequest request, long number, byte[] name) throws Refusal {
        MemoryNode directory = node(request);
        if (directory.entries.containsKey(ByteBuffer.wrap(name))) {
            throw new Refusal(Errno.EEXIST);
        }
        MemoryNode node = node(number);
        node.links++;
        enter(directory, name, node);
        return held(node);
    }

    @Override
    public int open(FuseRequest request, int flags, Runnable attributesChanged) throws Refusal {
        node(request);
        return OPEN_KEEP_CACHE;
    }

    @Override
    public int read(FuseRequest request, long offset, MemorySegment target, int flags) throws Refusal {
        return node(request).read(offset, target);
    }

    @Override
    public void write(FuseRequest request, long offset, MemorySegment source, boolean killPrivileges) throws Refusal {
        MemoryNode node = node(request);
        node.write(offset, source);
        node.written(now());
    }

    @Override
    public long copy(FuseRequest request, long offset, long target, long targetOffset, long length) throws Refusal {
        throw new Refusal(Errno.EOPNOTSUPP);
    }

    @Override
    public void sync(FuseRequest request, boolean dataOnly, ParkedReply reply) {
        reply.succeed();
    }

    @Override
    public void readDirectory(FuseRequest request, long cookie, DirectoryListing listing, int flags) throws Refusal {
        MemoryNode directory = node(request);
        if (cookie < 1 && !listing.add(new byte[] {'.'}, directory.attributes(), 1)) {
            return;
        }
        if (cookie < 2 && !listing.add(new byte[] {'.', '.'}, directory.parent.attributes(), 2)) {
            return;
        }
        for (MemoryNode.Entry entry : directory.listing.tailMap(cookie, false).values()) {
            if (!listing.add(entry.name(), entry.node().attributes(), entry.cookie())) {
                return;
            }
            if (listing.withNodes()) {
                held(entry.node());
            }
        }
    }

    @Override
    public byte[] getXattr(FuseRequest request, byte[] name) throws Refusal {
        byte[] value = node(request).attributes.get(ByteBuffer.wrap(name));
        if (value == null) {
            throw new Refusal(Errno.ENODATA);
        }
        return value;
    }

    @Override
    public void setXattr(FuseRequest request, byte[] name, byte[] value, int flags, boolean killSetGid) throws Refusal {
        node(request).attributes.put(ByteBuffer.wrap(name), value);
    }

    @Override
    public List<byte[]> listXattr(FuseRequest request) throws Refusal {
        return node(request).attributes.keySet().stream().map(ByteBuffer::array).toList();
    }

    @Override
    public void removeXattr(FuseRequest request, byte[] name) throws Refusal {
        if (node(request).attributes.remove(ByteBuffer.wrap(name)) == null) {
            throw new Refusal(Errno.ENODATA);
        }
    }

    @Override
    public FuseStatistics statistics(FuseRequest request) {
        long fragmentsPerBlock = Blocks.BYTES / FRAGMENT_BYTES;
        return new FuseStatistics(
                blocks.total() * fragmentsPerBlock,
                blocks.free() * fragmentsPerBlock,
                NODES_MAX,
                NODES_MAX - nodes.size(),
                FRAGMENT_BYTES,
                NAME_BYTES_MAX);
    }

    private void enter(MemoryNode directory, byte[] name, MemoryNode node) throws Refusal {
        if (name.length > NAME_BYTES_MAX) {
            throw new Refusal(Errno.ENAMETOOLONG);
        }
        MemoryNode.Entry entry = new MemoryNode.Entry(name, node, nextCookie++);
        directory.entries.put(ByteBuffer.wrap(name), entry);
        directory.listing.put(entry.cookie(), entry);
        directory.written(now());
        node.touched(now());
        if (isDirectory(node)) {
            node.parent = directory;
        }
    }

    private static void leave(MemoryNode directory, MemoryNode.Entry entry) {
        directory.entries.remove(ByteBuffer.wrap(entry.name()));
        directory.listing.remove(entry.cookie());
        directory.written(now());
    }

    private void unlinked(MemoryNode node) {
        node.links--;
        node.touched(now());
        release(node);
    }

    /** Without names and references nobody can reach it any more. */
    private void release(MemoryNode node) {
        if (node.links == 0 && node.lookups <= 0) {
            nodes.remove(node.number);
            node.resize(0);
        }
    }

    private synchronized NodeAttributes held(MemoryNode node) {
        node.lookups++;
        return node.attributes();
    }

    private MemoryNode node(FuseRequest request) throws Refusal {
        return node(request.node());
    }

    private MemoryNode node(long number) throws Refusal {
        MemoryNode node = nodes.get(number);
        if (node == null) {
            throw new Refusal(Errno.ESTALE);
        }
        return node;
    }

    private static MemoryNode.Entry entry(MemoryNode directory, byte[] name) throws Refusal {
        MemoryNode.Entry entry = directory.entries.get(ByteBuffer.wrap(name));
        if (entry == null) {
            throw new Refusal(Errno.ENOENT);
        }
        return entry;
    }

    private static boolean isDirectory(MemoryNode node) {
        return node.type == TYPE_DIRECTORY;
    }

    private static FuseTime now() {
        Instant now = Instant.now();
        return new FuseTime(now.getEpochSecond(), now.getNano());
    }
}
