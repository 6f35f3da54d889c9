package io.dynamicfs.engine.jnr;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.jnr.HeldFiles.HiddenName;
import io.dynamicfs.engine.mount.FileAllocation;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A volume by paths, as libfuse 2 asks for it. Open files and directories are inode numbers, so that they live without a name.
 *
 * <p>libfuse renames an open file that loses its last name to a hidden one and removes that when the file is closed. Here the
 * name goes at once, as the program wanted it, and the hidden one exists only in {@link HeldFiles}.
 */
final class PathVolume {
    private static final int TYPE_BITS = 0170000;
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int PERMISSION_BITS = 07777;
    private static final int O_EXCL = 0200;
    private static final String ACCESS_CONTROL_LISTS = "system.posix_acl_";

    /** What bytes that are no UTF-8 are decoded to. */
    private static final char NOT_DECODED = '\uFFFD';

    private final PosixVolume volume;
    private final CurrentRequest request;
    private final HeldFiles held;

    PathVolume(PosixVolume volume, CurrentRequest request) {
        this.volume = volume;
        this.request = request;
        this.held = new HeldFiles(volume);
    }

    /** The mount has ended. */
    void end(long connection) {
        held.giveBackAll();
        volume.disconnected(connection);
    }

    /** An inode with a reference that closing gives back. */
    private final class Node implements AutoCloseable {
        private final long inode;
        private final boolean hidden;

        private Node(long inode) {
            this(inode, false);
        }

        private Node(long inode, boolean hidden) {
            this.inode = inode;
            this.hidden = hidden;
        }

        @Override
        public void close() {
            volume.forget(inode, 1);
        }
    }

    /** The directory of a path's last name. */
    private static final class Place implements AutoCloseable {
        private final Node directory;
        private final String name;

        private Place(Node directory, String name) {
            this.directory = directory;
            this.name = name;
        }

        long inode() {
            return directory.inode;
        }

        byte[] bytes() throws FsException {
            return PathVolume.bytes(name);
        }

        HiddenName asHidden() {
            return new HiddenName(directory.inode, name);
        }

        @Override
        public void close() {
            directory.close();
        }
    }

    private Node root() {
        volume.remember(PosixVolume.ROOT_INODE);
        return new Node(PosixVolume.ROOT_INODE);
    }

    private Node directory(String path) throws FsException {
        Node at = root();
        int start = 1;
        for (int end = path.indexOf('/', start); end >= 0; end = path.indexOf('/', start)) {
            try (Node parent = at) {
                at = new Node(volume.lookup(parent.inode, bytes(path.substring(start, end)))
                        .inode());
            }
            start = end + 1;
        }
        return at;
    }

    private Place place(String path) throws FsException {
        return new Place(directory(path), path.substring(path.lastIndexOf('/') + 1));
    }

    /** A place where a name is about to be made. */
    private Place newPlace(String path) throws FsException {
        Place place = place(path);
        if (HeldFiles.mayBeHidden(place.name) && held.hidden(place.asHidden()) != null) {
            place.close();
            throw new FsException(Errno.EBUSY);
        }
        return place;
    }

    private Node node(String path) throws FsException {
        if (path.equals("/")) {
            return root();
        }
        try (Place place = place(path)) {
            // The kernel looks up names that programs use; only libfuse uses the hidden ones.
            if (HeldFiles.mayBeHidden(place.name) && !request.is(CurrentRequest.LOOKUP)) {
                Long hidden = held.hidden(place.asHidden());
                if (hidden != null) {
                    volume.remember(hidden);
                    return new Node(hidden, true);
                }
            }
            return new Node(volume.lookup(place.inode(), place.bytes()).inode());
        }
    }

    private static byte[] bytes(String text) throws FsException {
        if (text.indexOf(NOT_DECODED) >= 0) {
            throw new FsException(Errno.EILSEQ);
        }
        return text.getBytes(UTF_8);
    }

    // Attributes

    Attributes attributes(String path) throws FsException {
        if ((request.is(CurrentRequest.UNLINK) || request.is(CurrentRequest.RENAME))
                && HeldFiles.mayBeHidden(path.substring(path.lastIndexOf('/') + 1))) {
            request.setHiddenPath(path);
        }
        try (Node node = node(path)) {
            return shown(volume.attributes(node.inode), node.hidden);
        }
    }

    /** Of an open file; {@code path} is null where it has none any more. */
    Attributes attributes(@Nullable String path, long inode) throws FsException {
        return path == null ? volume.attributes(inode) : attributes(path);
    }

    /** libfuse takes the hidden name, which it believes to be one of the file's, off the number of names. */
    private Attributes shown(Attributes attributes, boolean hidden) {
        return hidden && request.is(CurrentRequest.GETATTR)
                ? new Attributes(
                        attributes.inode(),
                        attributes.mode(),
                        attributes.links() + 1,
                        attributes.uid(),
                        attributes.gid(),
                        attributes.rdev(),
                        attributes.size(),
                        attributes.blocks(),
                        attributes.accessed(),
                        attributes.modified(),
                        attributes.changed(),
                        attributes.born())
                : attributes;
    }

    void change(String path, AttributeChange change) throws FsException {
        try (Node node = node(path)) {
            volume.setAttributes(node.inode, change);
        }
    }

    void truncate(long inode, long size) throws FsException {
        volume.setAttributes(inode, new AttributeChange(null, null, null, size, null, null));
    }

    VolumeStatistics statistics() {
        return volume.statistics();
    }

    // Names

    void make(String path, int mode, int rdev, int uid, int gid) throws FsException {
        int typed = (mode & TYPE_BITS) == 0 ? mode | TYPE_REGULAR : mode;
        try (Place place = newPlace(path)) {
            volume.forget(
                    volume.make(place.inode(), place.bytes(), typed, rdev, owner(uid, gid))
                            .inode(),
                    1);
        }
    }

    void makeDirectory(String path, int mode, int uid, int gid) throws FsException {
        make(path, (mode & PERMISSION_BITS) | TYPE_DIRECTORY, 0, uid, gid);
    }

    void symlink(String target, String path, int uid, int gid) throws FsException {
        try (Place place = newPlace(path)) {
            volume.forget(
                    volume.symlink(place.inode(), place.bytes(), bytes(target), owner(uid, gid))
                            .inode(),
                    1);
        }
    }

    byte[] readLink(String path) throws FsException {
        try (Node node = node(path)) {
            return volume.readLink(node.inode);
        }
    }

    void link(String path, String newPath) throws FsException {
        try (Node node = node(path);
                Place place = newPlace(newPath)) {
            volume.forget(volume.link(node.inode, place.inode(), place.bytes()).inode(), 1);
        }
    }

    void unlink(String path) throws FsException {
        try (Place place = place(path)) {
            if (request.is(CurrentRequest.UNLINK)) {
                volume.unlink(place.inode(), place.bytes());
            } else {
                // Not a program's wish: libfuse cleans up behind the last one that had a file open.
                held.unhide(place.asHidden());
            }
        }
    }

    void removeDirectory(String path) throws FsException {
        try (Place place = place(path)) {
            volume.removeDirectory(place.inode(), place.bytes());
        }
    }

    void rename(String path, String newPath) throws FsException {
        if (request.hidesAt(newPath)) {
            hide(path, newPath);
            return;
        }
        try (Place from = place(path);
                Place to = newPlace(newPath)) {
            volume.rename(from.inode(), from.bytes(), to.inode(), to.bytes(), 0);
        }
    }

    /** An open file loses its name. When another takes it, that rename comes next and does it in one step. */
    private void hide(String path, String hiddenPath) throws FsException {
        try (Place from = place(path);
                Place to = place(hiddenPath)) {
            long inode = volume.lookup(from.inode(), from.bytes()).inode();
            try {
                if (request.is(CurrentRequest.UNLINK)) {
                    volume.unlink(from.inode(), from.bytes());
                }
            } catch (FsException refused) {
                volume.forget(inode, 1);
                throw refused;
            }
            held.hide(to.asHidden(), inode);
        }
    }

    private static PosixVolume.Owner owner(int uid, int gid) {
        // The kernel has applied the umask.
        return new PosixVolume.Owner(uid, gid);
    }

    // Open files and directories

    /** Returns the inode; {@link #close} it. */
    long create(String path, int mode, int flags, int uid, int gid) throws FsException {
        try (Place place = newPlace(path)) {
            long inode = createOrOpen(place, (mode & PERMISSION_BITS) | TYPE_REGULAR, flags, owner(uid, gid));
            held.opened(inode);
            return inode;
        }
    }

    private long createOrOpen(Place place, int mode, int flags, PosixVolume.Owner owner) throws FsException {
        try {
            return volume.make(place.inode(), place.bytes(), mode, 0, owner).inode();
        } catch (FsException refused) {
            if (refused.errno() != Errno.EEXIST || (flags & O_EXCL) != 0) {
                throw refused;
            }
        }
        Attributes existing = volume.lookup(place.inode(), place.bytes());
        if ((existing.mode() & TYPE_BITS) != TYPE_REGULAR) {
            volume.forget(existing.inode(), 1);
            throw new FsException(Errno.EEXIST);
        }
        return existing.inode();
    }

    /** Returns the inode; {@link #close} it. */
    long open(String path) throws FsException {
        try (Node node = node(path)) {
            volume.remember(node.inode);
            held.opened(node.inode);
            return node.inode;
        }
    }

    void close(long inode) {
        held.closed(inode);
    }

    int read(long inode, long offset, MemorySegment target) throws FsException {
        return volume.read(inode, offset, target);
    }

    void write(long inode, long offset, MemorySegment source) throws FsException {
        volume.write(inode, offset, source);
    }

    void allocate(long inode, long offset, long length, int mode) throws FsException {
        FileAllocation.allocate(volume, inode, offset, length, mode);
    }

    void readDirectory(long inode, long cookie, PosixVolume.DirectoryVisitor visitor) throws FsException {
        volume.readDirectory(inode, cookie, visitor);
    }

    /** Returns when what was written is durable. */
    void sync(long inode, boolean dataOnly) throws FsException {
        CompletableFuture<Optional<FsException>> done = new CompletableFuture<>();
        volume.sync(inode, dataOnly, failure -> done.complete(Optional.ofNullable(failure)));
        try {
            Optional<FsException> failure = done.get();
            if (failure.isPresent()) {
                throw failure.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    void syncDirectory(String path) throws FsException {
        try (Node node = node(path)) {
            sync(node.inode, false);
        }
    }

    // Extended attributes

    byte[] getXattr(String path, String name) throws FsException {
        refuseAccessControlLists(name);
        try (Node node = node(path)) {
            return volume.getXattr(node.inode, bytes(name));
        }
    }

    void setXattr(String path, String name, byte[] value, int flags) throws FsException {
        refuseAccessControlLists(name);
        if ((flags & ~(PosixVolume.XATTR_CREATE | PosixVolume.XATTR_REPLACE)) != 0) {
            throw new FsException(Errno.EINVAL);
        }
        try (Node node = node(path)) {
            volume.setXattr(node.inode, bytes(name), value, flags);
        }
    }

    List<byte[]> listXattr(String path) throws FsException {
        try (Node node = node(path)) {
            return volume.listXattr(node.inode);
        }
    }

    void removeXattr(String path, String name) throws FsException {
        refuseAccessControlLists(name);
        try (Node node = node(path)) {
            volume.removeXattr(node.inode, bytes(name));
        }
    }

    /** libfuse 2 cannot have the kernel check them; one that is stored and not enforced would be a lie. */
    private static void refuseAccessControlLists(String name) throws FsException {
        if (name.startsWith(ACCESS_CONTROL_LISTS)) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
    }
}
