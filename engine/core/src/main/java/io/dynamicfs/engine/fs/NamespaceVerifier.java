package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.DirectoryEntry;
import io.dynamicfs.engine.format.DirectoryEntryLayout;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.VolumeHeader;
import io.dynamicfs.engine.format.VolumeHeaderLayout;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.XattrLayout;
import io.dynamicfs.engine.fs.NamespaceFinding.Problem;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.TreeReader;
import java.util.BitSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Checks that the records of a volume's tree agree with each other, the slices' values excepted. Reads the tree in key order
 * once for what belongs to each inode, then once for every {@code windowInodes} inodes to count their names, so that memory
 * follows the window (about 30 bytes per inode) and not the volume. A {@link io.dynamicfs.engine.tree.CorruptNodeException}
 * passes through.
 */
final class NamespaceVerifier {
    static final int WINDOW_INODES = 1 << 20;

    /** What the volume holds. */
    record Totals(long inodes, long directories, long entries, long orphans, long storedBytes) {}

    private final TreeReader tree;
    private final int windowInodes;
    private final Consumer<NamespaceFinding> findings;

    private @Nullable NameHash hash;
    private long inodes;
    private long directories;
    private long entries;
    private long orphans;
    private long storedBytes;

    NamespaceVerifier(TreeReader tree, int windowInodes, Consumer<NamespaceFinding> findings) {
        this.tree = tree;
        this.windowInodes = windowInodes;
        this.findings = findings;
    }

    Totals verify() {
        hash = header();
        checkRoot();
        checkRecords();
        checkNames();
        return new Totals(inodes, directories, entries, orphans, storedBytes);
    }

    private @Nullable NameHash header() {
        byte[] value = tree.get(VolumeKeys.header());
        if (value == null) {
            report(Problem.MISSING_RECORD, 0, "the volume has no header");
            return null;
        }
        VolumeHeader header = valid(VolumeHeaderLayout.decode(value), 0, "the volume's header");
        return header == null ? null : NameHash.keyed(header.nameKey());
    }

    private void checkRoot() {
        long root = PosixVolume.ROOT_INODE;
        byte[] value = tree.get(VolumeKeys.inode(root));
        if (value == null) {
            report(Problem.MISSING_RECORD, root, "the volume has no root directory");
        } else if (InodeLayout.decode(value) instanceof Decoded.Valid<Inode>(Inode inode)) {
            if (!inode.isDirectory() || inode.links() == 0) {
                report(Problem.WRONG_TYPE, root, "the root is not a directory with links");
            }
            if (inode.parent() != root) {
                report(Problem.WRONG_PARENT, root, "the root's parent is " + inode.parent() + ", not itself");
            }
        }
    }

    private void checkRecords() {
        Cursor cursor = tree.scan(new byte[0], null);
        Owned owned = null;
        while (cursor.next()) {
            byte[] key = cursor.key();
            if (!VolumeKeys.isWellFormed(key) || VolumeKeys.inodeOf(key) < 0) {
                report(Problem.UNKNOWN_RECORD, 0, "a key of " + key.length + " bytes belongs to no inode");
                continue;
            }
            long inode = VolumeKeys.inodeOf(key);
            if (inode == VolumeKeys.VOLUME) {
                checkVolumeRecord(key, cursor.value());
                continue;
            }
            if (owned == null || owned.number != inode) {
                if (owned != null) {
                    owned.finish();
                }
                owned = new Owned(inode);
            }
            owned.add(key, cursor.value());
        }
        if (owned != null) {
            owned.finish();
        }
    }

    private void checkVolumeRecord(byte[] key, byte[] value) {
        if (VolumeKeys.kindOf(key) == VolumeKeys.HEADER && key.length == VolumeKeys.REST_OFFSET) {
            return;
        }
        if (VolumeKeys.kindOf(key) != VolumeKeys.ORPHAN || key.length != VolumeKeys.NAME_OFFSET || value.length != 0) {
            report(Problem.UNKNOWN_RECORD, 0, "the volume has a record of kind " + VolumeKeys.kindOf(key));
            return;
        }
        long orphan = VolumeKeys.numberOf(key);
        byte[] inode = tree.get(VolumeKeys.inode(orphan));
        orphans++;
        if (inode == null) {
            report(Problem.WRONG_ORPHANS, orphan, "orphan " + orphan + " does not exist");
        } else if (InodeLayout.decode(inode) instanceof Decoded.Valid<Inode>(Inode found) && found.links() != 0) {
            report(Problem.WRONG_ORPHANS, orphan, "orphan " + orphan + " has " + found.links() + " links");
        }
    }

    /** What the tree has under the number of one inode. */
    private final class Owned {
        private final long number;
        private boolean present;
        private @Nullable Inode inode;
        private long entriesHere;
        private long subdirectories;
        private long slices;
        private int xattrCount;
        private int xattrNameBytes;
        private int xattrValueBytes;
        private int targetBytes = -1;
        private long hashBefore = -1;
        private final BitSet ranksOfHash = new BitSet();

        Owned(long number) {
            this.number = number;
        }

        void add(byte[] key, byte[] value) {
            int rest = key.length - VolumeKeys.REST_OFFSET;
            boolean known = true;
            switch (VolumeKeys.kindOf(key)) {
                case VolumeKeys.INODE -> known = rest == 0 && addInode(value);
                case VolumeKeys.XATTR -> known = rest > 8 + 1 && addXattr(key, value);
                case VolumeKeys.DIRENT -> known = rest > 8 && addEntry(key, value);
                case VolumeKeys.SLICE -> {
                    known = rest == 8;
                    slices++;
                }
                case VolumeKeys.TARGET -> {
                    known = rest == 0;
                    targetBytes = value.length;
                }
                default -> known = false;
            }
            if (!known) {
                report(
                        Problem.UNKNOWN_RECORD,
                        number,
                        "inode " + number + " has a record of kind " + VolumeKeys.kindOf(key) + " with a key of "
                                + key.length + " bytes");
            }
        }

        private boolean addInode(byte[] value) {
            present = true;
            inode = valid(InodeLayout.decode(value), number, "inode " + number);
            return true;
        }

        private boolean addXattr(byte[] key, byte[] value) {
            byte[] name = VolumeKeys.xattrNameOf(key);
            int part = VolumeKeys.xattrPartOf(key);
            String what = "attribute " + ByteString.printable(name) + " of inode " + number;
            checkHash(key, name, what);
            XattrLayout.Part decoded = valid(XattrLayout.decode(value, part), number, what);
            if (decoded == null) {
                return true;
            }
            if (part == 0) {
                xattrCount++;
                xattrNameBytes += name.length + 1;
                xattrValueBytes += decoded.valueBytes();
            }
            int last = XattrLayout.parts(decoded.valueBytes()) - 1;
            checkPart(key, name, part == 0 ? last : part - 1, decoded.valueBytes(), what);
            return true;
        }

        /** Part 0 asks for the last one, any other for the one before it: then none is missing, and all are of one value. */
        private void checkPart(byte[] key, byte[] name, int part, int valueBytes, String what) {
            byte[] value = tree.get(VolumeKeys.xattr(number, VolumeKeys.numberOf(key), name, part));
            if (value == null) {
                report(Problem.WRONG_XATTRS, number, what + " has no part " + part);
            } else if (XattrLayout.decode(value, part) instanceof Decoded.Valid<XattrLayout.Part>(var other)
                    && other.valueBytes() != valueBytes) {
                report(Problem.WRONG_XATTRS, number, what + " has parts of different values");
            }
        }

        private boolean addEntry(byte[] key, byte[] value) {
            byte[] name = VolumeKeys.direntNameOf(key);
            String what = "entry " + ByteString.printable(name) + " of directory " + number;
            checkHash(key, name, what);
            DirectoryEntry entry = valid(DirectoryEntryLayout.decode(value), number, what);
            entries++;
            entriesHere++;
            if (entry == null) {
                return true;
            }
            if (entry.type() == Inode.DIRECTORY) {
                subdirectories++;
            }
            if (VolumeKeys.numberOf(key) != hashBefore) {
                hashBefore = VolumeKeys.numberOf(key);
                ranksOfHash.clear();
            }
            if (ranksOfHash.get(entry.rank())) {
                report(Problem.WRONG_HASH, number, what + " has the position of another entry");
            }
            ranksOfHash.set(entry.rank());
            return true;
        }

        private void checkHash(byte[] key, byte[] name, String what) {
            if (hash != null && hash.of(name) != VolumeKeys.numberOf(key)) {
                report(Problem.WRONG_HASH, number, what + " is not kept under the hash of its name");
            }
        }

        void finish() {
            if (!present) {
                report(
                        Problem.MISSING_RECORD,
                        number,
                        "there are records of inode " + number + ", which does not exist");
            }
            if (inode != null) {
                inodes++;
                storedBytes += inode.storedBytes();
                checkContent(inode);
                checkXattrs(inode);
                if (inode.links() == 0 && tree.get(VolumeKeys.orphan(number)) == null) {
                    report(
                            Problem.WRONG_ORPHANS,
                            number,
                            "inode " + number + " has no links and is not in the list of orphans");
                }
            }
        }

        private void checkContent(Inode found) {
            if (found.isDirectory()) {
                directories++;
                checkDirectory(found);
            } else if (entriesHere > 0) {
                report(Problem.WRONG_TYPE, number, "inode " + number + " has entries and is not a directory");
            }
            if (found.isSymlink() != targetBytes >= 0) {
                report(
                        found.isSymlink() ? Problem.MISSING_RECORD : Problem.WRONG_TYPE,
                        number,
                        found.isSymlink()
                                ? "symbolic link " + number + " has no target"
                                : "inode " + number + " has a target and is not a symbolic link");
            } else if (found.isSymlink() && found.size() != targetBytes) {
                report(
                        Problem.WRONG_SIZE,
                        number,
                        "symbolic link " + number + " has size " + found.size() + " and a target of " + targetBytes);
            }
            if (!found.isRegular() && (slices > 0 || found.storedBytes() != 0)) {
                report(Problem.WRONG_TYPE, number, "inode " + number + " has content and is not a regular file");
            }
        }

        private void checkDirectory(Inode found) {
            long links = found.links() == 0 ? 0 : 2 + subdirectories;
            if (found.links() != links || (found.links() == 0 && entriesHere > 0)) {
                report(
                        Problem.WRONG_LINKS,
                        number,
                        "directory " + number + " has " + found.links() + " links, " + entriesHere + " entries and "
                                + subdirectories + " subdirectories");
            }
            if (found.size() != entriesHere * Inode.ENTRY_BYTES) {
                report(
                        Problem.WRONG_SIZE,
                        number,
                        "directory " + number + " has size " + found.size() + " and " + entriesHere + " entries");
            }
        }

        private void checkXattrs(Inode found) {
            if (found.xattrCount() != xattrCount
                    || found.xattrNameBytes() != xattrNameBytes
                    || found.xattrValueBytes() != xattrValueBytes) {
                report(
                        Problem.WRONG_XATTRS,
                        number,
                        "inode " + number + " counts " + found.xattrCount() + " attributes of "
                                + found.xattrNameBytes() + " + " + found.xattrValueBytes() + " bytes, found are "
                                + xattrCount + " of " + xattrNameBytes + " + " + xattrValueBytes);
            }
        }
    }

    private void checkNames() {
        long from = PosixVolume.ROOT_INODE;
        while (from > 0) {
            InodeWindow window = new InodeWindow(from, windowInodes);
            from = fill(window);
            countNames(window);
            for (int i = 0; i < window.count(); i++) {
                checkNames(window, i);
            }
        }
    }

    /** Takes inodes until the window is full; returns the number at which the next window begins, 0 when there is none. */
    private long fill(InodeWindow window) {
        Cursor cursor = tree.scan(VolumeKeys.inode(window.from()), null);
        while (cursor.next()) {
            byte[] key = cursor.key();
            if (VolumeKeys.isWellFormed(key)
                    && VolumeKeys.kindOf(key) == VolumeKeys.INODE
                    && VolumeKeys.inodeOf(key) > 0) {
                long number = VolumeKeys.inodeOf(key);
                if (window.isFull()) {
                    window.endAt(number);
                    return number;
                }
                if (InodeLayout.decode(cursor.value()) instanceof Decoded.Valid<Inode>(Inode inode)) {
                    window.add(number, inode);
                } else {
                    window.addUnknown(number);
                }
            }
        }
        return 0;
    }

    private void countNames(InodeWindow window) {
        Cursor cursor = tree.scan(VolumeKeys.inode(PosixVolume.ROOT_INODE), null);
        while (cursor.next()) {
            byte[] key = cursor.key();
            if (VolumeKeys.isWellFormed(key)
                    && VolumeKeys.kindOf(key) == VolumeKeys.DIRENT
                    && DirectoryEntryLayout.decode(cursor.value())
                            instanceof Decoded.Valid<DirectoryEntry>(DirectoryEntry entry)
                    && window.covers(entry.inode())) {
                countName(window, key, entry);
            }
        }
    }

    private void countName(InodeWindow window, byte[] key, DirectoryEntry entry) {
        long directory = VolumeKeys.inodeOf(key);
        int index = window.indexOf(entry.inode());
        if (index < 0) {
            report(
                    Problem.MISSING_RECORD,
                    entry.inode(),
                    entryText(key) + " stands for inode " + entry.inode() + ", which does not exist");
            return;
        }
        window.countName(index, directory);
        if (window.isKnown(index) && window.type(index) != entry.type()) {
            report(
                    Problem.WRONG_TYPE,
                    entry.inode(),
                    entryText(key) + " says type 0" + Integer.toOctalString(entry.type()) + ", inode " + entry.inode()
                            + " has 0" + Integer.toOctalString(window.type(index)));
        }
    }

    private static String entryText(byte[] key) {
        String name = key.length > VolumeKeys.NAME_OFFSET ? ByteString.printable(VolumeKeys.direntNameOf(key)) : "";
        return "entry " + name + " of directory " + VolumeKeys.inodeOf(key);
    }

    private void checkNames(InodeWindow window, int index) {
        long number = window.number(index);
        if (!window.isKnown(index)) {
            return;
        }
        boolean isDirectory = window.type(index) == Inode.DIRECTORY;
        boolean isRoot = number == PosixVolume.ROOT_INODE;
        long expected = isRoot ? 0 : isDirectory ? Math.min(1, window.links(index)) : window.links(index);
        if (window.names(index) != expected) {
            report(
                    Problem.WRONG_LINKS,
                    number,
                    "inode " + number + " has " + window.links(index) + " links and " + window.names(index)
                            + " names in directories");
        }
        if (isRoot) {
            return;
        }
        boolean parentNeeded = isDirectory && window.links(index) > 0;
        if (window.parent(index) == 0 ? parentNeeded : !window.isNamedByParent(index)) {
            report(
                    Problem.WRONG_PARENT,
                    number,
                    "inode " + number + " has parent " + window.parent(index) + ", which has no name of it");
        }
        if (parentNeeded && !leadsToRoot(window, number)) {
            report(Problem.UNREACHABLE, number, "directory " + number + " cannot be reached from the root");
        }
    }

    /** Walks up with Brent's method, so that a circle of parents ends in as many steps as it has members. */
    private boolean leadsToRoot(InodeWindow window, long directory) {
        long at = directory;
        long tortoise = directory;
        long steps = 0;
        long stepsMax = 1;
        Boolean known = null;
        while (known == null && at != PosixVolume.ROOT_INODE) {
            at = parentOf(window, at);
            boolean ended = at == 0 || at == tortoise;
            known = ended ? Boolean.FALSE : window.knownReachable(at);
            steps++;
            if (steps == stepsMax) {
                tortoise = at;
                steps = 0;
                stepsMax *= 2;
            }
        }
        boolean reachable = known == null || known;
        window.setReachable(directory, reachable);
        return reachable;
    }

    /** The parent of a directory, 0 when it has none or is not a directory. */
    private long parentOf(InodeWindow window, long directory) {
        int index = window.indexOf(directory);
        if (index >= 0) {
            return window.isKnown(index) && window.type(index) == Inode.DIRECTORY ? window.parent(index) : 0;
        }
        byte[] value = tree.get(VolumeKeys.inode(directory));
        return value != null
                        && InodeLayout.decode(value) instanceof Decoded.Valid<Inode>(Inode inode)
                        && inode.isDirectory()
                ? inode.parent()
                : 0;
    }

    private <T> @Nullable T valid(Decoded<T> decoded, long inode, String what) {
        if (decoded instanceof Decoded.Valid<T>(T value)) {
            return value;
        }
        report(Problem.CORRUPT_RECORD, inode, what + " is " + decoded.describe());
        return null;
    }

    private void report(Problem problem, long inode, String message) {
        findings.accept(new NamespaceFinding(problem, inode, message));
    }
}
