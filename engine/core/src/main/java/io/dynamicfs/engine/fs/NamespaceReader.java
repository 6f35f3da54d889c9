package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.DirectoryEntry;
import io.dynamicfs.engine.format.DirectoryEntryLayout;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeHeader;
import io.dynamicfs.engine.format.VolumeHeaderLayout;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.XattrLayout;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.TreeReader;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the names and inodes in one version of a volume's tree mean. Answers ESTALE for an inode that does not exist and EIO
 * for a record that is corrupt; a {@link io.dynamicfs.engine.tree.CorruptNodeException} of the tree passes through.
 */
final class NamespaceReader {

    /** Takes directory entries one by one. */
    interface EntryVisitor {
        /**
         * {@code type} is the type bits of the mode, {@code nextCookie} continues after this entry. Returns false when the
         * entry did not fit; it is then not consumed.
         */
        boolean entry(ByteString name, long inode, int type, long nextCookie) throws FsException;
    }

    private static final long DOT_COOKIE = 1;
    private static final long DOT_DOT_COOKIE = 2;

    private final TreeReader tree;
    private final NameHash hash;

    NamespaceReader(TreeReader tree, NameHash hash) {
        this.tree = tree;
        this.hash = hash;
    }

    /** The hash that a volume's names are kept by; it never changes. */
    static NameHash nameHash(TreeReader tree) throws FsException {
        byte[] value = tree.get(VolumeKeys.header());
        if (value == null) {
            throw new FsException(Errno.EIO, "the volume's tree has no header");
        }
        VolumeHeader header = valid(VolumeHeaderLayout.decode(value), "the volume's header");
        return NameHash.keyed(header.nameKey());
    }

    TreeReader tree() {
        return tree;
    }

    NameHash hash() {
        return hash;
    }

    Inode inode(long inode) throws FsException {
        Inode found = findInode(inode);
        if (found == null) {
            throw new FsException(Errno.ESTALE);
        }
        return found;
    }

    /** The inode, or null when there is none of that number. */
    @Nullable
    Inode findInode(long inode) throws FsException {
        byte[] value = tree.get(VolumeKeys.inode(inode));
        return value == null ? null : decode(inode, value);
    }

    static Inode decode(long inode, byte[] value) throws FsException {
        return valid(InodeLayout.decode(value), "inode " + inode);
    }

    static boolean isLater(Timestamp one, Timestamp other) {
        return one.seconds() != other.seconds() ? one.seconds() > other.seconds() : one.nanos() > other.nanos();
    }

    Inode directory(long inode) throws FsException {
        Inode found = inode(inode);
        if (!found.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        return found;
    }

    Attributes attributes(long inode) throws FsException {
        return attributes(inode, inode(inode));
    }

    static Attributes attributes(long number, Inode inode) {
        return new Attributes(
                number,
                inode.mode(),
                inode.links(),
                inode.uid(),
                inode.gid(),
                inode.rdev(),
                inode.size(),
                Math.ceilDiv(inode.storedBytes(), 512),
                inode.accessed(),
                inode.modified(),
                inode.changed(),
                inode.born());
    }

    /** The inode that a name stands for; "." and ".." are understood. */
    long lookup(long directory, ByteString name) throws FsException {
        Inode parent = directory(directory);
        if (Names.isDot(name)) {
            return directory;
        }
        if (Names.isDotDot(name)) {
            if (parent.parent() == 0) {
                throw new FsException(Errno.ENOENT);
            }
            return parent.parent();
        }
        Names.check(parent, name);
        return entry(directory, name).inode();
    }

    /** The entry of that name; ENOENT when there is none. */
    DirectoryEntry entry(long directory, ByteString name) throws FsException {
        DirectoryEntry entry = findEntry(directory, name);
        if (entry == null) {
            throw new FsException(Errno.ENOENT);
        }
        return entry;
    }

    @Nullable
    DirectoryEntry findEntry(long directory, ByteString name) throws FsException {
        byte[] bytes = name.toBytes();
        byte[] value = tree.get(VolumeKeys.dirent(directory, hash.of(bytes), bytes));
        return value == null
                ? null
                : valid(DirectoryEntryLayout.decode(value), "entry " + name + " of directory " + directory);
    }

    boolean isEmptyDirectory(long directory) {
        return !entries(directory, 0).next();
    }

    private Cursor entries(long directory, long fromHash) {
        return tree.scan(VolumeKeys.direntFrom(directory, fromHash), VolumeKeys.after(directory, VolumeKeys.DIRENT));
    }

    /**
     * The lowest rank that no entry of the hash has; ENOSPC when all are taken, which the volume's key makes as good as
     * impossible.
     */
    int freeRank(long directory, long nameHash) throws FsException {
        boolean[] taken = new boolean[NameHash.STEP];
        Cursor cursor =
                tree.scan(VolumeKeys.direntFrom(directory, nameHash), VolumeKeys.direntFrom(directory, nameHash + 1));
        while (cursor.next()) {
            taken[
                    valid(DirectoryEntryLayout.decode(cursor.value()), "entry of directory " + directory)
                            .rank()] = true;
        }
        for (int rank = 0; rank < taken.length; rank++) {
            if (!taken[rank]) {
                return rank;
            }
        }
        throw new FsException(Errno.ENOSPC, "too many names of directory " + directory + " have the same hash");
    }

    /**
     * Entries with a cookie greater than {@code cookie}, by cookie, after "." and "..". An entry that stays keeps its cookie,
     * whatever else comes and goes.
     */
    void readDirectory(long inode, long cookie, EntryVisitor visitor) throws FsException {
        Inode directory = directory(inode);
        if (cookie < 0) {
            throw new FsException(Errno.EINVAL);
        }
        if (directory.links() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (cookie < DOT_COOKIE && !visitor.entry(ByteString.of("."), inode, Inode.DIRECTORY, DOT_COOKIE)) {
            return;
        }
        if (cookie < DOT_DOT_COOKIE
                && !visitor.entry(ByteString.of(".."), directory.parent(), Inode.DIRECTORY, DOT_DOT_COOKIE)) {
            return;
        }
        Cursor cursor = entries(inode, cookie & -NameHash.STEP);
        List<Position> sameHash = new ArrayList<>();
        while (cursor.next()) {
            Position position = position(inode, cursor);
            if (!sameHash.isEmpty() && !sameHash.getFirst().hasHashOf(position)) {
                if (!deliver(sameHash, cookie, visitor)) {
                    return;
                }
                sameHash.clear();
            }
            sameHash.add(position);
        }
        deliver(sameHash, cookie, visitor);
    }

    private record Position(long cookie, ByteString name, DirectoryEntry entry) {
        boolean hasHashOf(Position other) {
            return (cookie & -NameHash.STEP) == (other.cookie & -NameHash.STEP);
        }
    }

    private static Position position(long directory, Cursor cursor) throws FsException {
        DirectoryEntry entry = valid(DirectoryEntryLayout.decode(cursor.value()), "entry of directory " + directory);
        return new Position(
                VolumeKeys.numberOf(cursor.key()) + entry.rank(),
                ByteString.of(VolumeKeys.direntNameOf(cursor.key())),
                entry);
    }

    private static boolean deliver(List<Position> sameHash, long cookie, EntryVisitor visitor) throws FsException {
        sameHash.sort(Comparator.comparingLong(Position::cookie));
        for (Position position : sameHash) {
            if (position.cookie > cookie
                    && !visitor.entry(position.name, position.entry.inode(), position.entry.type(), position.cookie)) {
                return false;
            }
        }
        return true;
    }

    ByteString readLink(long inode) throws FsException {
        if (!inode(inode).isSymlink()) {
            throw new FsException(Errno.EINVAL);
        }
        byte[] target = tree.get(VolumeKeys.target(inode));
        if (target == null) {
            throw new FsException(Errno.EIO, "symbolic link " + inode + " has no target");
        }
        return ByteString.of(target);
    }

    ByteString getXattr(long inode, ByteString name) throws FsException {
        Inode file = inode(inode);
        XattrNames.checkLength(name);
        if (!takesXattr(file, name)) {
            throw new FsException(Errno.ENODATA);
        }
        XattrNames.checkKind(name);
        ByteString value = findXattr(inode, file, name);
        if (value == null) {
            throw new FsException(Errno.ENODATA);
        }
        return value;
    }

    /** Attributes of users are for files and directories only: what a link or device node says is not theirs to say. */
    static boolean takesXattr(Inode file, ByteString name) {
        return !XattrNames.isUser(name) || file.isRegular() || file.isDirectory();
    }

    /** The value of an attribute, or null when the file has none of that name. */
    @Nullable
    ByteString findXattr(long inode, Inode file, ByteString name) throws FsException {
        if (XattrNames.isRedundancy(name)) {
            Redundancy redundancy = file.redundancy();
            return redundancy == null ? null : ByteString.of(redundancy.toString());
        }
        return file.xattrCount() == 0 ? null : storedXattr(inode, name);
    }

    private @Nullable ByteString storedXattr(long inode, ByteString name) throws FsException {
        byte[] nameBytes = name.toBytes();
        long nameHash = hash.of(nameBytes);
        String what = "attribute " + name + " of inode " + inode;
        ByteBuffer value = null;
        for (int part = 0; value == null || value.hasRemaining(); part++) {
            byte[] record = tree.get(VolumeKeys.xattr(inode, nameHash, nameBytes, part));
            if (record == null) {
                if (value == null) {
                    return null;
                }
                throw new FsException(Errno.EIO, what + " has no part " + part);
            }
            XattrLayout.Part decoded = valid(XattrLayout.decode(record, part), what);
            if (value == null) {
                value = ByteBuffer.allocate(decoded.valueBytes());
            } else if (value.capacity() != decoded.valueBytes()) {
                throw new FsException(Errno.EIO, what + " has parts of different values");
            }
            decoded.data().write(value);
        }
        return ByteString.of(value.array());
    }

    /** The names of all attributes, in no order that means anything. */
    List<ByteString> listXattr(long inode) throws FsException {
        Inode file = inode(inode);
        List<ByteString> names = new ArrayList<>();
        if (file.redundancy() != null) {
            names.add(XattrNames.REDUNDANCY);
        }
        if (file.xattrCount() > 0) {
            Cursor cursor =
                    tree.scan(VolumeKeys.from(inode, VolumeKeys.XATTR), VolumeKeys.after(inode, VolumeKeys.XATTR));
            while (cursor.next()) {
                if (VolumeKeys.xattrPartOf(cursor.key()) == 0) {
                    names.add(ByteString.of(VolumeKeys.xattrNameOf(cursor.key())));
                }
            }
        }
        return names;
    }

    /** Whether {@code directory} is {@code ancestor} or below it. */
    boolean isWithin(long directory, long ancestor) throws FsException {
        Set<Long> seen = new HashSet<>();
        long at = directory;
        while (at != ancestor) {
            if (at == PosixVolume.ROOT_INODE) {
                return false;
            }
            if (!seen.add(at)) {
                throw new FsException(Errno.EIO, "directory " + at + " is its own ancestor");
            }
            at = directory(at).parent();
        }
        return true;
    }

    /** Calls for every inode without a name, by number, from {@code fromInode} on. */
    List<Long> orphans(long fromInode, int countMax) {
        List<Long> orphans = new ArrayList<>();
        Cursor cursor = tree.scan(VolumeKeys.orphan(fromInode), VolumeKeys.after(VolumeKeys.VOLUME, VolumeKeys.ORPHAN));
        while (orphans.size() < countMax && cursor.next()) {
            orphans.add(VolumeKeys.numberOf(cursor.key()));
        }
        return orphans;
    }

    /**
     * A path of the inode from the root of the volume, for messages; null when it has no name. A file with several names may
     * have to be searched for in the whole tree.
     */
    @Nullable
    String path(long inode) throws FsException {
        Deque<String> components = new ArrayDeque<>();
        Set<Long> seen = new HashSet<>();
        long at = inode;
        while (at != PosixVolume.ROOT_INODE) {
            Name name = seen.add(at) ? nameOf(at) : null;
            if (name == null) {
                return null;
            }
            components.addFirst(name.name().toString());
            at = name.directory();
        }
        return "/" + String.join("/", components);
    }

    private record Name(long directory, ByteString name) {}

    private @Nullable Name nameOf(long inode) throws FsException {
        Inode file = findInode(inode);
        if (file == null || file.links() == 0) {
            return null;
        }
        if (file.parent() != 0) {
            Name name = findName(inode, entries(file.parent(), 0));
            if (name != null) {
                return name;
            }
        }
        return findName(inode, tree.scan(VolumeKeys.from(PosixVolume.ROOT_INODE, VolumeKeys.INODE), null));
    }

    private static @Nullable Name findName(long inode, Cursor cursor) throws FsException {
        while (cursor.next()) {
            byte[] key = cursor.key();
            if (VolumeKeys.kindOf(key) == VolumeKeys.DIRENT) {
                long directory = VolumeKeys.inodeOf(key);
                DirectoryEntry entry =
                        valid(DirectoryEntryLayout.decode(cursor.value()), "entry of directory " + directory);
                if (entry.inode() == inode) {
                    return new Name(directory, ByteString.of(VolumeKeys.direntNameOf(key)));
                }
            }
        }
        return null;
    }

    private static <T> T valid(Decoded<T> decoded, String what) throws FsException {
        if (decoded instanceof Decoded.Valid<T>(T value)) {
            return value;
        }
        throw new FsException(Errno.EIO, what + " is " + decoded.describe());
    }
}
