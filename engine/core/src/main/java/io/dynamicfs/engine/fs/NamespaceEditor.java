package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.DirectoryEntry;
import io.dynamicfs.engine.format.DirectoryEntryLayout;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.OperationLayout;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeHeader;
import io.dynamicfs.engine.format.VolumeHeaderLayout;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.XattrLayout;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.TreeEditor;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Applies namespace operations to a volume's tree. Pure: the same operations on the same tree give the same tree.
 *
 * <p>Invariants after each operation: an inode's links are its names, a directory's 2 and its subdirectories; an inode without
 * links has an ORPHAN record and no parent; a parent that is not 0 holds a name of the inode; a directory's size is
 * {@link Inode#ENTRY_BYTES} for every entry.
 */
final class NamespaceEditor {
    /** Names that a file which is not a directory may have. */
    static final int LINKS_MAX = 65_000;

    private static final int RENAME_FLAGS = PosixVolume.RENAME_NOREPLACE | PosixVolume.RENAME_EXCHANGE;
    private static final int XATTR_FLAGS = PosixVolume.XATTR_CREATE | PosixVolume.XATTR_REPLACE;
    private static final int NANOS_MAX = 999_999_999;

    private final TreeEditor tree;
    private final NamespaceReader reader;
    private final Map<Long, Integer> released = new TreeMap<>();
    private long storedBytesAdded;

    NamespaceEditor(TreeEditor tree, NameHash hash) {
        this.tree = tree;
        this.reader = new NamespaceReader(tree, hash);
    }

    /** Makes an empty tree that of a new volume: a header, and a root directory of mode 0755. */
    static void initialize(TreeEditor tree, VolumeHeader header, PosixVolume.Owner owner, Timestamp time) {
        tree.put(VolumeKeys.header(), VolumeHeaderLayout.encode(header));
        Inode root = Inode.fresh(Inode.DIRECTORY | 0755, owner.uid(), owner.gid(), time)
                .links(2)
                .parent(PosixVolume.ROOT_INODE)
                .build();
        tree.put(VolumeKeys.inode(PosixVolume.ROOT_INODE), InodeLayout.encode(root));
    }

    /** Lookups that see the edits. */
    NamespaceReader reader() {
        return reader;
    }

    /**
     * Makes the change, or refuses it with the error number that Linux's own file systems give and changes nothing. A new
     * inode's number must not be in use.
     */
    NamespaceChange apply(Operation.Namespace operation) throws FsException {
        return switch (operation) {
            case Operation.Make make -> make(make);
            case Operation.MakeUnnamed make -> makeUnnamed(make);
            case Operation.Symlink symlink -> symlink(symlink);
            case Operation.Link link -> link(link);
            case Operation.Unlink unlink -> unlink(unlink);
            case Operation.RemoveDirectory remove -> removeDirectory(remove);
            case Operation.Rename rename -> rename(rename);
            case Operation.SetAttributes set -> setAttributes(set);
            case Operation.SetXattr set -> setXattr(set);
            case Operation.RemoveXattr remove -> removeXattr(remove);
            case Operation.Share share -> share(share);
        };
    }

    private NamespaceChange make(Operation.Make make) throws FsException {
        int type = (make.mode() & Inode.TYPE_MASK) == 0 ? Inode.REGULAR : make.mode() & Inode.TYPE_MASK;
        if (!Inode.isType(type) || type == Inode.SYMLINK) {
            throw new FsException(Errno.EINVAL);
        }
        Inode directory = reader.directory(make.directory());
        int rank = checkNewName(make.directory(), directory, make.name());
        boolean isDirectory = type == Inode.DIRECTORY;
        if (isDirectory && directory.links() == Integer.MAX_VALUE) {
            throw new FsException(Errno.EMLINK);
        }

        int mode = type | (make.mode() & Inode.PERMISSION_MASK);
        Inode.Editor inode =
                freshIn(directory, mode, make.uid(), make.gid(), make.time()).parent(make.directory());
        if (isDirectory) {
            inode.links(2);
        }
        if (type == Inode.CHARACTER_DEVICE || type == Inode.BLOCK_DEVICE) {
            inode.rdev(make.rdev());
        }
        if (isDirectory || type == Inode.REGULAR) {
            inode.redundancy(directory.redundancy());
        }
        add(make.inode(), inode.build());
        inheritLists(make.directory(), directory, make.inode(), isDirectory);
        addEntry(make.directory(), make.name(), new DirectoryEntry(make.inode(), type, rank), make.time());
        return NamespaceChange.made(make.inode());
    }

    private NamespaceChange makeUnnamed(Operation.MakeUnnamed make) throws FsException {
        Inode directory = reader.directory(make.directory());
        if (directory.links() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        int mode = Inode.REGULAR | (make.mode() & Inode.PERMISSION_MASK);
        add(
                make.inode(),
                freshIn(directory, mode, make.uid(), make.gid(), make.time())
                        .links(0)
                        .flags(Inode.UNNAMED)
                        .redundancy(directory.redundancy())
                        .build());
        inheritLists(make.directory(), directory, make.inode(), false);
        tree.put(VolumeKeys.orphan(make.inode()), new byte[0]);
        return NamespaceChange.madeUnnamed(make.inode());
    }

    /** What a default access control list of the directory gives to a new inode. */
    private void inheritLists(long directoryNumber, Inode directory, long number, boolean isDirectory)
            throws FsException {
        ByteString value = reader.findXattr(directoryNumber, directory, XattrNames.DEFAULT_LIST);
        if (value == null) {
            return;
        }
        if (isDirectory) {
            putXattr(number, XattrNames.DEFAULT_LIST, value);
        }
        AccessControlList.Inherited inherited =
                AccessControlList.parse(value).inheritedBy(reader.inode(number).mode());
        update(number, inode -> inode.mode(inherited.mode()));
        if (!inherited.list().isMinimal()) {
            putXattr(number, XattrNames.ACCESS_LIST, inherited.list().encode());
        }
    }

    /** Sets an attribute that the inode does not have yet. */
    private void putXattr(long number, ByteString name, ByteString value) throws FsException {
        putParts(number, name, value);
        update(number, inode -> inode.addXattrs(1, listBytes(name), value.length()));
    }

    private NamespaceChange symlink(Operation.Symlink symlink) throws FsException {
        ByteString target = symlink.target();
        if (target.isEmpty()) {
            throw new FsException(Errno.ENOENT);
        }
        if (target.length() > OperationLayout.TARGET_BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        if (target.contains((byte) 0)) {
            throw new FsException(Errno.EINVAL);
        }
        Inode directory = reader.directory(symlink.directory());
        int rank = checkNewName(symlink.directory(), directory, symlink.name());

        Inode inode = freshIn(directory, Inode.SYMLINK | 0777, symlink.uid(), symlink.gid(), symlink.time())
                .parent(symlink.directory())
                .size(target.length())
                .build();
        add(symlink.inode(), inode);
        tree.put(VolumeKeys.target(symlink.inode()), target.toBytes());
        addEntry(
                symlink.directory(),
                symlink.name(),
                new DirectoryEntry(symlink.inode(), Inode.SYMLINK, rank),
                symlink.time());
        return NamespaceChange.made(symlink.inode());
    }

    private NamespaceChange link(Operation.Link link) throws FsException {
        Inode directory = reader.directory(link.directory());
        int rank = checkNewName(link.directory(), directory, link.name());
        Inode inode = reader.inode(link.inode());
        if (inode.isDirectory()) {
            throw new FsException(Errno.EPERM);
        }
        if (inode.links() == 0 && !inode.isUnnamed()) {
            throw new FsException(Errno.ENOENT);
        }
        if (inode.links() >= LINKS_MAX) {
            throw new FsException(Errno.EMLINK);
        }

        update(link.inode(), file -> {
            file.addLinks(1).flags(inode.flags() & ~Inode.UNNAMED).changed(link.time());
            if (inode.parent() == 0) {
                file.parent(link.directory());
            }
        });
        addEntry(link.directory(), link.name(), new DirectoryEntry(link.inode(), inode.type(), rank), link.time());
        if (inode.links() == 0) {
            tree.remove(VolumeKeys.orphan(link.inode()));
            return NamespaceChange.named(link.inode());
        }
        return NamespaceChange.of(link.inode());
    }

    private NamespaceChange unlink(Operation.Unlink unlink) throws FsException {
        Inode directory = reader.directory(unlink.directory());
        if (Names.isDots(unlink.name())) {
            throw new FsException(Errno.EISDIR);
        }
        Names.check(directory, unlink.name());
        DirectoryEntry entry = reader.entry(unlink.directory(), unlink.name());
        Inode inode = child(entry);
        if (inode.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }

        removeEntry(unlink.directory(), unlink.name(), entry, unlink.time());
        boolean orphaned = dropName(entry.inode(), inode, unlink.directory(), unlink.time());
        return NamespaceChange.unnamed(entry.inode(), orphaned);
    }

    private NamespaceChange removeDirectory(Operation.RemoveDirectory remove) throws FsException {
        Inode directory = reader.directory(remove.directory());
        if (Names.isDot(remove.name())) {
            throw new FsException(Errno.EINVAL);
        }
        if (Names.isDotDot(remove.name())) {
            throw new FsException(Errno.ENOTEMPTY);
        }
        Names.check(directory, remove.name());
        DirectoryEntry entry = reader.entry(remove.directory(), remove.name());
        Inode inode = child(entry);
        if (!inode.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        if (!reader.isEmptyDirectory(entry.inode())) {
            throw new FsException(Errno.ENOTEMPTY);
        }

        removeEntry(remove.directory(), remove.name(), entry, remove.time());
        boolean orphaned = dropName(entry.inode(), inode, remove.directory(), remove.time());
        return NamespaceChange.unnamed(entry.inode(), orphaned);
    }

    private NamespaceChange rename(Operation.Rename rename) throws FsException {
        int flags = rename.flags();
        if ((flags & ~RENAME_FLAGS) != 0 || flags == RENAME_FLAGS) {
            throw new FsException(Errno.EINVAL);
        }
        Inode directory = reader.directory(rename.directory());
        Inode newDirectory = reader.directory(rename.newDirectory());
        DirectoryEntry entry = checkRenamed(rename, directory, newDirectory);
        DirectoryEntry target = reader.findEntry(rename.newDirectory(), rename.newName());
        if (target != null && (flags & PosixVolume.RENAME_NOREPLACE) != 0) {
            throw new FsException(Errno.EEXIST);
        }
        boolean exchange = (flags & PosixVolume.RENAME_EXCHANGE) != 0;
        if (target == null && exchange) {
            throw new FsException(Errno.ENOENT);
        }
        checkAncestors(rename, entry, target, exchange);
        if (target != null && target.inode() == entry.inode()) {
            return NamespaceChange.of(entry.inode());
        }
        if (target == null) {
            return renameToNewName(rename, entry);
        }
        return exchange ? exchange(rename, entry, target) : renameOver(rename, entry, target);
    }

    private DirectoryEntry checkRenamed(Operation.Rename rename, Inode directory, Inode newDirectory)
            throws FsException {
        if (rename.name().isEmpty() || rename.newName().isEmpty()) {
            throw new FsException(Errno.ENOENT);
        }
        if (Names.isDots(rename.name())) {
            throw new FsException(Errno.EBUSY);
        }
        if (Names.isDots(rename.newName())) {
            boolean noReplace = (rename.flags() & PosixVolume.RENAME_NOREPLACE) != 0;
            throw new FsException(noReplace ? Errno.EEXIST : Errno.EBUSY);
        }
        Names.check(directory, rename.name());
        DirectoryEntry entry = reader.entry(rename.directory(), rename.name());
        Names.check(newDirectory, rename.newName());
        return entry;
    }

    /** Neither may end up inside itself. Within one directory nothing can. */
    private void checkAncestors(
            Operation.Rename rename, DirectoryEntry entry, @Nullable DirectoryEntry target, boolean exchange)
            throws FsException {
        if (rename.directory() == rename.newDirectory()) {
            return;
        }
        if (entry.type() == Inode.DIRECTORY && reader.isWithin(rename.newDirectory(), entry.inode())) {
            throw new FsException(Errno.EINVAL);
        }
        if (target != null && target.type() == Inode.DIRECTORY && reader.isWithin(rename.directory(), target.inode())) {
            throw new FsException(exchange ? Errno.EINVAL : Errno.ENOTEMPTY);
        }
    }

    private NamespaceChange renameToNewName(Operation.Rename rename, DirectoryEntry entry) throws FsException {
        child(entry);
        int rank = rankOf(rename.newDirectory(), rename.newName());

        removeEntry(rename.directory(), rename.name(), entry, rename.time());
        addEntry(
                rename.newDirectory(),
                rename.newName(),
                new DirectoryEntry(entry.inode(), entry.type(), rank),
                rename.time());
        move(entry, rename.newDirectory(), rename.time());
        return NamespaceChange.of(entry.inode());
    }

    private NamespaceChange renameOver(Operation.Rename rename, DirectoryEntry entry, DirectoryEntry target)
            throws FsException {
        boolean isDirectory = child(entry).isDirectory();
        Inode replaced = child(target);
        if (isDirectory && !replaced.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        if (!isDirectory && replaced.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
        if (isDirectory && !reader.isEmptyDirectory(target.inode())) {
            throw new FsException(Errno.ENOTEMPTY);
        }

        removeEntry(rename.directory(), rename.name(), entry, rename.time());
        setEntry(
                rename.newDirectory(),
                rename.newName(),
                new DirectoryEntry(entry.inode(), entry.type(), target.rank()));
        touchDirectory(rename.newDirectory(), 0, 0, rename.time());
        boolean orphaned = dropName(target.inode(), replaced, rename.newDirectory(), rename.time());
        move(entry, rename.newDirectory(), rename.time());
        return NamespaceChange.replacing(entry.inode(), target.inode(), orphaned);
    }

    private NamespaceChange exchange(Operation.Rename rename, DirectoryEntry entry, DirectoryEntry target)
            throws FsException {
        int came = child(entry).isDirectory() ? 1 : 0;
        int went = child(target).isDirectory() ? 1 : 0;

        setEntry(rename.directory(), rename.name(), new DirectoryEntry(target.inode(), target.type(), entry.rank()));
        setEntry(
                rename.newDirectory(),
                rename.newName(),
                new DirectoryEntry(entry.inode(), entry.type(), target.rank()));
        touchDirectory(rename.directory(), 0, went - came, rename.time());
        touchDirectory(rename.newDirectory(), 0, came - went, rename.time());
        move(entry, rename.newDirectory(), rename.time());
        move(target, rename.directory(), rename.time());
        return NamespaceChange.replacing(entry.inode(), target.inode(), false);
    }

    private void move(DirectoryEntry entry, long newDirectory, Timestamp time) throws FsException {
        update(entry.inode(), inode -> inode.parent(newDirectory).changed(time));
    }

    private NamespaceChange setAttributes(Operation.SetAttributes set) throws FsException {
        Inode inode = reader.inode(set.inode());
        Integer mode = set.mode();
        if (mode != null && inode.isSymlink()) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
        checkTime(set.accessed());
        checkTime(set.modified());

        Inode.Editor edited = inode.edit().changed(set.time());
        if (mode != null) {
            edited.mode(inode.type() | (mode & Inode.PERMISSION_MASK));
        }
        if (set.uid() != null) {
            edited.uid(set.uid());
        }
        if (set.gid() != null) {
            edited.gid(set.gid());
        }
        if (set.accessed() != null) {
            edited.accessed(set.accessed());
        }
        if (set.modified() != null) {
            edited.modified(set.modified());
        }
        boolean newOwner = set.uid() != null || set.gid() != null;
        if (newOwner && mode == null && !inode.isDirectory()) {
            edited.mode(withoutPrivileges(inode.mode()));
        }
        tree.put(VolumeKeys.inode(set.inode()), InodeLayout.encode(edited.build()));
        if (newOwner) {
            removeCapability(set.inode());
        }
        if (mode != null) {
            narrowList(set.inode(), mode);
        }
        return NamespaceChange.of(set.inode());
    }

    /** What chown and write leave of a mode: no set-user-id, and no set-group-id where the group may execute. */
    static int withoutPrivileges(int mode) {
        boolean groupMayExecute = (mode & Inode.GROUP_EXECUTE) != 0;
        return mode & ~Inode.SET_UID & (groupMayExecute ? ~Inode.SET_GID : ~0);
    }

    private void removeCapability(long inode) throws FsException {
        dropXattr(inode, XattrNames.CAPABILITY);
    }

    /** Takes an attribute away if the inode has it. */
    private void dropXattr(long inode, ByteString name) throws FsException {
        ByteString old = reader.findXattr(inode, reader.inode(inode), name);
        if (old != null) {
            removeParts(inode, name, old);
            update(inode, file -> file.addXattrs(-1, -listBytes(name), -old.length()));
        }
    }

    /** chmod(2) changes what the access control list says, too. */
    private void narrowList(long inode, int mode) throws FsException {
        ByteString old = reader.findXattr(inode, reader.inode(inode), XattrNames.ACCESS_LIST);
        if (old != null) {
            removeParts(inode, XattrNames.ACCESS_LIST, old);
            putParts(
                    inode,
                    XattrNames.ACCESS_LIST,
                    AccessControlList.parse(old).withMode(mode).encode());
        }
    }

    private void putParts(long inode, ByteString name, ByteString value) {
        byte[] nameBytes = name.toBytes();
        long nameHash = reader.hash().of(nameBytes);
        for (int part = 0; part < XattrLayout.parts(value.length()); part++) {
            tree.put(VolumeKeys.xattr(inode, nameHash, nameBytes, part), XattrLayout.encode(value, part));
        }
    }

    private NamespaceChange setXattr(Operation.SetXattr set) throws FsException {
        ByteString name = set.name();
        int known = XattrNames.isAccessControlList(name) ? XATTR_FLAGS | PosixVolume.XATTR_KILL_SET_GID : XATTR_FLAGS;
        if ((set.flags() & ~known) != 0) {
            throw new FsException(Errno.EINVAL);
        }
        XattrNames.checkLength(name);
        if (set.value().length() > XattrLayout.VALUE_BYTES_MAX) {
            throw new FsException(Errno.E2BIG);
        }
        Inode inode = changeableXattr(set.inode(), name);
        if (XattrNames.isAccessControlList(name)) {
            return setList(set, inode);
        }
        ByteString old = reader.findXattr(set.inode(), inode, name);
        if (old != null && (set.flags() & PosixVolume.XATTR_CREATE) != 0) {
            throw new FsException(Errno.EEXIST);
        }
        if (old == null && (set.flags() & PosixVolume.XATTR_REPLACE) != 0) {
            throw new FsException(Errno.ENODATA);
        }
        if (XattrNames.isRedundancy(name)) {
            Redundancy redundancy = redundancy(set.value());
            update(set.inode(), file -> file.redundancy(redundancy).changed(set.time()));
        } else {
            storeXattr(set, inode, old);
        }
        return NamespaceChange.of(set.inode());
    }

    /** A list of access is the mode as well; where it says no more than that, only the mode is kept. */
    private NamespaceChange setList(Operation.SetXattr set, Inode inode) throws FsException {
        AccessControlList list = AccessControlList.parse(set.value());
        boolean isDefault = set.name().equals(XattrNames.DEFAULT_LIST);
        if (inode.isSymlink()) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
        if (isDefault && !inode.isDirectory()) {
            throw new FsException(Errno.EACCES);
        }
        ByteString old = reader.findXattr(set.inode(), inode, set.name());
        if (isDefault || !list.isMinimal()) {
            storeXattr(set, inode, old);
        } else {
            dropXattr(set.inode(), set.name());
        }
        boolean keepsGroupBit = (set.flags() & PosixVolume.XATTR_KILL_SET_GID) == 0;
        update(set.inode(), file -> {
            file.changed(set.time());
            if (!isDefault) {
                int mode = list.applyTo(inode.mode());
                file.mode(keepsGroupBit ? mode : mode & ~Inode.SET_GID);
            }
        });
        return NamespaceChange.of(set.inode());
    }

    private Inode changeableXattr(long number, ByteString name) throws FsException {
        Inode inode = reader.inode(number);
        XattrNames.checkLength(name);
        if (!NamespaceReader.takesXattr(inode, name)) {
            throw new FsException(Errno.EPERM);
        }
        XattrNames.checkKind(name);
        return inode;
    }

    private void storeXattr(Operation.SetXattr set, Inode inode, @Nullable ByteString old) throws FsException {
        ByteString name = set.name();
        int addedNames = old == null ? 1 : 0;
        int addedNameBytes = addedNames * listBytes(name);
        int addedValueBytes = set.value().length() - (old == null ? 0 : old.length());
        int listBytesMax = XattrNames.LIST_BYTES_MAX - listBytes(XattrNames.REDUNDANCY);
        if (inode.xattrNameBytes() + addedNameBytes > listBytesMax
                || inode.xattrValueBytes() + addedValueBytes > XattrNames.TOTAL_VALUE_BYTES_MAX) {
            throw new FsException(Errno.ENOSPC, "the extended attributes of inode " + set.inode() + " are full");
        }

        if (old != null) {
            removeParts(set.inode(), name, old);
        }
        putParts(set.inode(), name, set.value());
        update(
                set.inode(),
                file -> file.addXattrs(addedNames, addedNameBytes, addedValueBytes)
                        .changed(set.time()));
    }

    private NamespaceChange removeXattr(Operation.RemoveXattr remove) throws FsException {
        ByteString name = remove.name();
        Inode inode = changeableXattr(remove.inode(), name);
        ByteString old = reader.findXattr(remove.inode(), inode, name);
        if (old == null && XattrNames.isAccessControlList(name)) {
            return NamespaceChange.of(remove.inode());
        }
        if (old == null) {
            throw new FsException(Errno.ENODATA);
        }
        if (XattrNames.isRedundancy(name)) {
            update(remove.inode(), file -> file.redundancy(null).changed(remove.time()));
        } else {
            removeParts(remove.inode(), name, old);
            update(
                    remove.inode(),
                    file -> file.addXattrs(-1, -listBytes(name), -old.length()).changed(remove.time()));
        }
        return NamespaceChange.of(remove.inode());
    }

    private static Redundancy redundancy(ByteString value) throws FsException {
        try {
            return Redundancy.parse(new String(value.toBytes(), StandardCharsets.ISO_8859_1));
        } catch (IllegalArgumentException invalid) {
            throw new FsException(Errno.EINVAL, XattrNames.REDUNDANCY + ": " + invalid.getMessage());
        }
    }

    private void removeParts(long inode, ByteString name, ByteString value) {
        byte[] nameBytes = name.toBytes();
        long nameHash = reader.hash().of(nameBytes);
        for (int part = 0; part < XattrLayout.parts(value.length()); part++) {
            tree.remove(VolumeKeys.xattr(inode, nameHash, nameBytes, part));
        }
    }

    private static int listBytes(ByteString name) {
        return name.length() + 1;
    }

    /**
     * Removes an inode without names and all its records but its slices, which must be gone. Throws
     * {@link IllegalStateException} when it has a name.
     */
    void removeInode(long number) throws FsException {
        Inode inode = reader.inode(number);
        if (inode.links() != 0) {
            throw new IllegalStateException("inode " + number + " has " + inode.links() + " links");
        }
        List<byte[]> xattrs = new ArrayList<>();
        Cursor cursor =
                tree.scan(VolumeKeys.from(number, VolumeKeys.XATTR), VolumeKeys.after(number, VolumeKeys.XATTR));
        while (cursor.next()) {
            xattrs.add(cursor.key());
        }
        xattrs.forEach(tree::remove);
        tree.remove(VolumeKeys.target(number));
        tree.remove(VolumeKeys.orphan(number));
        tree.remove(VolumeKeys.inode(number));
    }

    /** A new name's place in its directory; refuses a name that cannot be added. */
    private int checkNewName(long number, Inode directory, ByteString name) throws FsException {
        if (Names.isDots(name)) {
            throw new FsException(Errno.EEXIST);
        }
        Names.check(directory, name);
        if (reader.findEntry(number, name) != null) {
            throw new FsException(Errno.EEXIST);
        }
        return rankOf(number, name);
    }

    private int rankOf(long directory, ByteString name) throws FsException {
        return reader.freeRank(directory, reader.hash().of(name.toBytes()));
    }

    /** Linux's rule: in a set-group-id directory a new inode gets its group, and a new directory the bit too. */
    private static Inode.Editor freshIn(Inode directory, int mode, int uid, int gid, Timestamp time)
            throws FsException {
        checkTime(time);
        if ((directory.mode() & Inode.SET_GID) == 0) {
            return Inode.fresh(mode, uid, gid, time);
        }
        boolean isDirectory = (mode & Inode.TYPE_MASK) == Inode.DIRECTORY;
        return Inode.fresh(isDirectory ? mode | Inode.SET_GID : mode, uid, directory.gid(), time);
    }

    /** The inode was read at that time; one that is gone is no error. */
    void setAccessed(long number, Timestamp time) throws FsException {
        if (reader.findInode(number) != null) {
            update(number, inode -> inode.accessed(time));
        }
    }

    private NamespaceChange share(Operation.Share share) throws FsException {
        Inode source = reader.inode(share.source());
        Inode target = reader.inode(share.target());
        boolean overlaps = share.source() == share.target()
                && Math.abs(share.sourceOffset() - share.targetOffset()) < share.length();
        if (!source.isRegular() || !target.isRegular() || overlaps) {
            throw new FsException(Errno.EINVAL);
        }
        long from = share.sourceOffset();
        long end = share.targetOffset() + share.length();
        List<FileMap.Placed> found = FileMap.slices(tree, share.source(), from, from + share.length());
        long removed = FileMap.punch(tree, share.target(), share.targetOffset(), end, released);
        long added =
                FileMap.share(tree, found, from, from + share.length(), share.target(), share.targetOffset(), released);
        storedBytesAdded += added - removed;
        update(
                share.target(),
                file -> file.size(Math.max(target.size(), end))
                        .storedBytes(target.storedBytes() + added - removed)
                        .modified(share.time())
                        .changed(share.time()));
        return NamespaceChange.of(share.target());
    }

    /** Bytes of extents that the operations have taken out of slices, less than 0 where they are in more slices now. */
    Map<Long, Integer> released() {
        return released;
    }

    /** By how much what is stored for files has grown. */
    long storedBytesAdded() {
        return storedBytesAdded;
    }

    private static void checkTime(@Nullable Timestamp time) throws FsException {
        if (time != null && (time.nanos() < 0 || time.nanos() > NANOS_MAX)) {
            throw new FsException(Errno.EINVAL);
        }
    }

    private Inode child(DirectoryEntry entry) throws FsException {
        Inode inode = reader.findInode(entry.inode());
        if (inode == null) {
            throw new FsException(Errno.EIO, "a name stands for inode " + entry.inode() + ", which does not exist");
        }
        return inode;
    }

    private void add(long number, Inode inode) {
        byte[] key = VolumeKeys.inode(number);
        if (number <= PosixVolume.ROOT_INODE || tree.get(key) != null) {
            throw new IllegalStateException("inode number " + number + " is not a new one");
        }
        tree.put(key, InodeLayout.encode(inode));
    }

    private void update(long number, Consumer<Inode.Editor> change) throws FsException {
        Inode.Editor edited = reader.inode(number).edit();
        change.accept(edited);
        tree.put(VolumeKeys.inode(number), InodeLayout.encode(edited.build()));
    }

    private void addEntry(long directory, ByteString name, DirectoryEntry entry, Timestamp time) throws FsException {
        setEntry(directory, name, entry);
        touchDirectory(directory, 1, entry.type() == Inode.DIRECTORY ? 1 : 0, time);
    }

    private void removeEntry(long directory, ByteString name, DirectoryEntry entry, Timestamp time) throws FsException {
        tree.remove(direntKey(directory, name));
        touchDirectory(directory, -1, entry.type() == Inode.DIRECTORY ? -1 : 0, time);
    }

    private void setEntry(long directory, ByteString name, DirectoryEntry entry) {
        tree.put(direntKey(directory, name), DirectoryEntryLayout.encode(entry));
    }

    private byte[] direntKey(long directory, ByteString name) {
        byte[] bytes = name.toBytes();
        return VolumeKeys.dirent(directory, reader.hash().of(bytes), bytes);
    }

    private void touchDirectory(long directory, int entries, int subdirectories, Timestamp time) throws FsException {
        update(
                directory,
                inode -> inode.addSize((long) entries * Inode.ENTRY_BYTES)
                        .addLinks(subdirectories)
                        .modified(time)
                        .changed(time));
    }

    /** Takes one name in {@code directory} from an inode; true when it was the last. */
    private boolean dropName(long number, Inode inode, long directory, Timestamp time) throws FsException {
        boolean last = inode.isDirectory() || inode.links() == 1;
        update(number, file -> {
            file.links(last ? 0 : inode.links() - 1).changed(time);
            if (last || inode.parent() == directory) {
                file.parent(0);
            }
        });
        if (last) {
            tree.put(VolumeKeys.orphan(number), new byte[0]);
        }
        return last;
    }
}
