package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.fs.AccessTimes;
import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.VolumeStatistics;
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
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves the requests of a mount from a volume. Node ids are inode numbers; an open file has no state here. */
final class VolumeHandler implements FuseHandler {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeHandler.class);

    private static final int BLOCK_BYTES = 4096;
    private static final int PERMISSION_BITS = 07777;
    private static final int TYPE_BITS = 0170000;
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int SET_USER_ID = 04000;
    private static final int SET_GROUP_ID = 02000;
    private static final int GROUP_EXECUTE = 00010;
    private static final int O_EXCL = 0200;
    private static final int O_ACCESS_MODE = 3;
    private static final int O_RDONLY = 0;
    private static final int O_NOATIME = 01000000;
    private static final int XATTR_FLAGS = PosixVolume.XATTR_CREATE | PosixVolume.XATTR_REPLACE;

    private static final byte[] CAPABILITIES = "security.capability".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ACCESS_CONTROL_LISTS = "system.posix_acl_".getBytes(StandardCharsets.US_ASCII);

    private final PosixVolume volume;
    private final String name;
    private final AccessTimes fileTimes;
    private final AccessTimes directoryTimes;
    private final LookupCounts lookups = new LookupCounts();
    private final OpenWriters writers = new OpenWriters();
    private volatile boolean listsAreChecked;

    VolumeHandler(PosixVolume volume, String name, Set<MountOption> options) {
        this.volume = volume;
        this.name = name;
        this.fileTimes = MountOption.accessTimes(options);
        this.directoryTimes = options.contains(MountOption.NO_DIRECTORY_ACCESS_TIMES) ? AccessTimes.NEVER : fileTimes;
    }

    @Override
    public void negotiated(Negotiated agreed) {
        listsAreChecked = agreed.has(Negotiated.POSIX_ACL);
    }

    /** The kernel may have files open since before this server. */
    void resume() {
        writers.forget();
    }

    /** Gives back every reference of the kernel; nothing may be served any more. */
    void disconnect(long connection) {
        lookups.drain(volume::forget);
        volume.disconnected(connection);
    }

    /** Asks the kernel of every inode without names that it may hold since an earlier server. */
    void confirmOrphans(LongPredicate kernelKnows) {
        for (long inode : volume.unconfirmedOrphans()) {
            // Counted before it is asked, so that a FORGET that comes meanwhile is not missed.
            volume.remember(inode);
            lookups.add(inode);
            if (!kernelKnows.test(inode)) {
                lookups.remove(inode, 1);
                volume.forget(inode, 1);
                volume.confirmUnreferenced(inode);
            }
        }
    }

    @Override
    public void replied() {
        volume.replied();
    }

    private interface Made {
        NodeAttributes run() throws FsException;
    }

    private interface Changed {
        void run() throws FsException;
    }

    /** Makes an inode or a name of one, or answers what an engine before this one made when the request comes again. */
    private NodeAttributes once(FuseRequest request, Made made) throws FsException {
        if (request.resent()) {
            OptionalLong inode = volume.outcome(request.connection(), request.unique());
            if (inode.isPresent()) {
                volume.remember(inode.getAsLong());
                return held(volume.attributes(inode.getAsLong()));
            }
        }
        volume.begin(request.connection(), request.unique());
        return made.run();
    }

    /** Changes something unless an engine before this one has done it for the same request. */
    private void changeOnce(FuseRequest request, Changed change) throws FsException {
        if (request.resent()
                && volume.outcome(request.connection(), request.unique()).isPresent()) {
            return;
        }
        volume.begin(request.connection(), request.unique());
        change.run();
    }

    @Override
    public Errno errno(FuseRequest request, Throwable thrown) {
        if (thrown instanceof FsException refused) {
            return refused.errno();
        }
        LOG.error(
                "request failed, answered with EIO: volume={} connection={} unique={} inode={}",
                name,
                request.connection(),
                request.unique(),
                request.node(),
                thrown);
        return Errno.EIO;
    }

    @Override
    public @Nullable NodeAttributes lookup(FuseRequest request, byte[] child) throws FsException {
        try {
            return held(volume.lookup(request.node(), child));
        } catch (FsException refused) {
            if (refused.errno() == Errno.ENOENT) {
                return null;
            }
            throw refused;
        }
    }

    @Override
    public void forget(long node, long count) {
        lookups.remove(node, count);
        volume.forget(node, count);
    }

    @Override
    public NodeAttributes attributes(FuseRequest request) throws FsException {
        return node(volume.attributes(request.node()));
    }

    @Override
    public NodeAttributes setAttributes(FuseRequest request, NodeChange change) throws FsException {
        boolean ownerChanges = change.uid() != null || change.gid() != null;
        // chown(2) that changes neither owner nor group comes as a change of nothing, and takes the bits away too.
        boolean losesPrivileges = ownerChanges || change.killPrivileges() || change.isEmpty();
        Integer mode = change.mode() == null ? null : Integer.valueOf(change.mode() & PERMISSION_BITS);
        if (losesPrivileges && mode == null) {
            mode = modeWithoutPrivileges(request.node());
        }
        return node(volume.setAttributes(
                request.node(),
                new AttributeChange(
                        mode,
                        change.uid(),
                        change.gid(),
                        change.size(),
                        timestamp(change.accessed()),
                        timestamp(change.modified()))));
    }

    @Override
    public byte[] readLink(FuseRequest request) throws FsException {
        byte[] target = volume.readLink(request.node());
        accessed(request.node(), fileTimes);
        return target;
    }

    @Override
    public NodeAttributes symlink(FuseRequest request, byte[] child, byte[] target) throws FsException {
        return once(request, () -> held(volume.symlink(request.node(), child, target, owner(request, 0))));
    }

    @Override
    public NodeAttributes make(FuseRequest request, byte[] child, int mode, int rdev, int umask) throws FsException {
        return once(request, () -> held(volume.make(request.node(), child, mode, rdev, owner(request, umask))));
    }

    @Override
    public NodeAttributes create(FuseRequest request, byte[] child, int mode, int flags, int umask) throws FsException {
        NodeAttributes made = once(request, () -> createOrOpen(request, child, mode, flags, umask));
        writers.opened(made.node(), flags);
        return made;
    }

    @Override
    public NodeAttributes createUnnamed(FuseRequest request, int mode, int flags, int umask) throws FsException {
        NodeAttributes made =
                once(request, () -> held(volume.makeUnnamed(request.node(), mode, owner(request, umask))));
        writers.opened(made.node(), flags);
        return made;
    }

    private NodeAttributes createOrOpen(FuseRequest request, byte[] child, int mode, int flags, int umask)
            throws FsException {
        try {
            return held(volume.make(request.node(), child, mode, 0, owner(request, umask)));
        } catch (FsException refused) {
            if (refused.errno() != Errno.EEXIST || (flags & O_EXCL) != 0) {
                throw refused;
            }
        }
        // The kernel believed that the name was free; without O_EXCL an existing file is opened instead.
        Attributes existing = volume.lookup(request.node(), child);
        if ((existing.mode() & TYPE_BITS) != TYPE_REGULAR) {
            volume.forget(existing.inode(), 1);
            throw new FsException(Errno.EEXIST);
        }
        return held(existing);
    }

    @Override
    public void unlink(FuseRequest request, byte[] child) throws FsException {
        changeOnce(request, () -> volume.unlink(request.node(), child));
    }

    @Override
    public void removeDirectory(FuseRequest request, byte[] child) throws FsException {
        changeOnce(request, () -> volume.removeDirectory(request.node(), child));
    }

    @Override
    public void rename(FuseRequest request, byte[] child, long newDirectory, byte[] newName, int flags)
            throws FsException {
        if ((flags & ~(PosixVolume.RENAME_NOREPLACE | PosixVolume.RENAME_EXCHANGE)) != 0) {
            throw new FsException(Errno.EINVAL);
        }
        changeOnce(request, () -> volume.rename(request.node(), child, newDirectory, newName, flags));
    }

    @Override
    public NodeAttributes link(FuseRequest request, long node, byte[] newName) throws FsException {
        return once(request, () -> held(volume.link(node, request.node(), newName)));
    }

    @Override
    public int open(FuseRequest request, int flags, Runnable attributesChanged) {
        writers.opened(request.node(), flags);
        // What is read from the page cache is read without us: who opens a file only to read it counts as reading it.
        if ((flags & (O_ACCESS_MODE | O_NOATIME)) == O_RDONLY && accessed(request.node(), fileTimes)) {
            attributesChanged.run();
        }
        return OPEN_KEEP_CACHE;
    }

    @Override
    public void release(FuseRequest request, int flags) {
        writers.closed(request.node(), flags);
    }

    @Override
    public int read(FuseRequest request, long offset, MemorySegment target, int flags) throws FsException {
        int count = volume.read(request.node(), offset, target);
        if ((flags & O_NOATIME) == 0) {
            accessed(request.node(), fileTimes);
        }
        return count;
    }

    @Override
    public void write(FuseRequest request, long offset, MemorySegment source, boolean killPrivileges)
            throws FsException {
        if (killPrivileges) {
            Integer mode = modeWithoutPrivileges(request.node());
            if (mode != null) {
                volume.setAttributes(request.node(), new AttributeChange(mode, null, null, null, null, null));
            }
        }
        volume.write(request.node(), offset, source);
    }

    @Override
    public void allocate(FuseRequest request, long offset, long length, int mode) throws FsException {
        FileAllocation.allocate(volume, request.node(), offset, length, mode);
    }

    @Override
    public long copy(FuseRequest request, long offset, long target, long targetOffset, long length) throws FsException {
        // One that is sent again copies the same bytes to the same place again.
        return volume.copy(request.node(), offset, target, targetOffset, length);
    }

    @Override
    public long seek(FuseRequest request, long offset, boolean hole) throws FsException {
        if (writers.mayWrite(request.node())) {
            // The kernel asks without sending its dirty pages first, which would look like holes. Making it send them
            // waits in
            // the kernel for this very server, and would keep it from dying.
            throw new FsException(Errno.ENOSYS);
        }
        return volume.seek(request.node(), offset, hole);
    }

    @Override
    public void sync(FuseRequest request, boolean dataOnly, ParkedReply reply) {
        volume.sync(request.node(), dataOnly, failure -> {
            if (failure == null) {
                reply.succeed();
            } else {
                reply.fail(failure.errno());
            }
        });
    }

    @Override
    public void readDirectory(FuseRequest request, long cookie, DirectoryListing listing, int flags)
            throws FsException {
        ListedInodes listed = new ListedInodes();
        volume.readDirectory(request.node(), cookie, (child, attributes, nextCookie) -> {
            boolean added = listing.add(child, node(attributes), nextCookie);
            if (added && listing.withNodes() && !DirectoryListing.isDotOrDotDot(child)) {
                listed.add(attributes.inode());
            }
            return added;
        });
        // Not in the visitor: it may run under a lock of the volume. The kernel holds the directory, no name goes away.
        for (int i = 0; i < listed.count; i++) {
            volume.remember(listed.inodes[i]);
            lookups.add(listed.inodes[i]);
        }
        if ((flags & O_NOATIME) == 0) {
            accessed(request.node(), directoryTimes);
        }
    }

    @Override
    public byte[] getXattr(FuseRequest request, byte[] attribute) throws FsException {
        refuseAccessControlLists(attribute);
        return volume.getXattr(request.node(), attribute);
    }

    @Override
    public void setXattr(FuseRequest request, byte[] attribute, byte[] value, int flags, boolean killSetGid)
            throws FsException {
        refuseAccessControlLists(attribute);
        if ((flags & ~XATTR_FLAGS) != 0) {
            throw new FsException(Errno.EINVAL);
        }
        int allFlags = killSetGid ? flags | PosixVolume.XATTR_KILL_SET_GID : flags;
        changeOnce(request, () -> volume.setXattr(request.node(), attribute, value, allFlags));
    }

    @Override
    public List<byte[]> listXattr(FuseRequest request) throws FsException {
        return volume.listXattr(request.node());
    }

    @Override
    public void removeXattr(FuseRequest request, byte[] attribute) throws FsException {
        refuseAccessControlLists(attribute);
        changeOnce(request, () -> volume.removeXattr(request.node(), attribute));
    }

    @Override
    public FuseStatistics statistics(FuseRequest request) {
        VolumeStatistics statistics = volume.statistics();
        return new FuseStatistics(
                statistics.totalBytes() / BLOCK_BYTES,
                statistics.availableBytes() / BLOCK_BYTES,
                statistics.totalInodes(),
                statistics.freeInodes(),
                BLOCK_BYTES,
                PosixVolume.NAME_BYTES_MAX);
    }

    /** No reader gets an error because the time of access cannot be kept. Returns whether it has changed. */
    private boolean accessed(long inode, AccessTimes times) {
        try {
            return volume.accessed(inode, times);
        } catch (FsException e) {
            LOG.warn("time of access is lost: volume={} inode={} reason=\"{}\"", name, inode, e.getMessage());
            return false;
        }
    }

    private NodeAttributes held(Attributes attributes) {
        lookups.add(attributes.inode());
        return node(attributes);
    }

    /**
     * Takes the capabilities off a file and returns its permission bits without set-user-id and set-group-id, or null where
     * they stay as they are. A set-group-id bit without group execute is a mark for mandatory locking and stays.
     */
    private @Nullable Integer modeWithoutPrivileges(long inode) throws FsException {
        int mode = volume.attributes(inode).mode();
        if ((mode & TYPE_BITS) == TYPE_DIRECTORY) {
            return null;
        }
        removeCapabilities(inode);
        int lost = (mode & GROUP_EXECUTE) != 0 ? SET_USER_ID | SET_GROUP_ID : SET_USER_ID;
        return (mode & lost) == 0 ? null : Integer.valueOf(mode & PERMISSION_BITS & ~lost);
    }

    private void removeCapabilities(long inode) throws FsException {
        try {
            // Asking first keeps the usual case, a file without any, from being a change.
            volume.getXattr(inode, CAPABILITIES);
            volume.removeXattr(inode, CAPABILITIES);
        } catch (FsException refused) {
            if (refused.errno() != Errno.ENODATA && refused.errno() != Errno.EOPNOTSUPP) {
                throw refused;
            }
        }
    }

    /** An access control list that is stored and not enforced would be a lie. */
    private void refuseAccessControlLists(byte[] attribute) throws FsException {
        if (!listsAreChecked && startsWith(attribute, ACCESS_CONTROL_LISTS)) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
    }

    private static boolean startsWith(byte[] attribute, byte[] prefix) {
        return attribute.length >= prefix.length
                && Arrays.equals(attribute, 0, prefix.length, prefix, 0, prefix.length);
    }

    private static PosixVolume.Owner owner(FuseRequest request, int umask) {
        return new PosixVolume.Owner(request.uid(), request.gid(), umask);
    }

    private static @Nullable Timestamp timestamp(@Nullable FuseTime time) {
        return time == null ? null : new Timestamp(time.seconds(), time.nanos());
    }

    private static FuseTime time(Timestamp timestamp) {
        return new FuseTime(timestamp.seconds(), timestamp.nanos());
    }

    private static NodeAttributes node(Attributes attributes) {
        return new NodeAttributes(
                attributes.inode(),
                attributes.mode(),
                attributes.links(),
                attributes.uid(),
                attributes.gid(),
                attributes.rdev(),
                attributes.size(),
                attributes.blocks(),
                time(attributes.accessed()),
                time(attributes.modified()),
                time(attributes.changed()),
                time(attributes.born()));
    }

    /** The inodes of one listing; a reply of 1 MiB holds at most 6 400 entries. */
    private static final class ListedInodes {
        private long[] inodes = new long[64];
        private int count;

        void add(long inode) {
            if (count == inodes.length) {
                inodes = Arrays.copyOf(inodes, count * 2);
            }
            inodes[count++] = inode;
        }
    }
}
