package io.dynamicfs.engine.format;

import org.jspecify.annotations.Nullable;

/**
 * What a volume knows of one file. {@code size} is the file's length in bytes, of a link its target's, of a directory 32 for
 * every entry. {@code contentSequence} is the last content operation whose effect is in the stored file. {@code parent} is
 * a directory's own; of a file it is a directory that holds one of its names, or 0 when none is known.
 */
public record Inode(
        int mode,
        int links,
        int uid,
        int gid,
        int rdev,
        int flags,
        long size,
        long storedBytes,
        long contentSequence,
        long parent,
        Timestamp accessed,
        Timestamp modified,
        Timestamp changed,
        Timestamp born,
        int xattrCount,
        int xattrNameBytes,
        int xattrValueBytes,
        @Nullable Redundancy redundancy) {

    public static final int TYPE_MASK = 0xF000;
    public static final int FIFO = 0x1000;
    public static final int CHARACTER_DEVICE = 0x2000;
    public static final int DIRECTORY = 0x4000;
    public static final int BLOCK_DEVICE = 0x6000;
    public static final int REGULAR = 0x8000;
    public static final int SYMLINK = 0xA000;
    public static final int SOCKET = 0xC000;

    public static final int PERMISSION_MASK = 0xFFF;
    public static final int SET_UID = 0x800;
    public static final int SET_GID = 0x400;
    public static final int GROUP_EXECUTE = 0x8;

    /** Flag of a file that was made without a name: it may get one as long as it has none. */
    public static final int UNNAMED = 1;

    /** Adds to a directory's size for every entry. */
    public static final int ENTRY_BYTES = 32;

    /** The type bits of {@link #mode}. */
    public int type() {
        return mode & TYPE_MASK;
    }

    public boolean isDirectory() {
        return type() == DIRECTORY;
    }

    public boolean isRegular() {
        return type() == REGULAR;
    }

    public boolean isUnnamed() {
        return (flags & UNNAMED) != 0;
    }

    public boolean isSymlink() {
        return type() == SYMLINK;
    }

    public static boolean isType(int type) {
        return switch (type) {
            case FIFO, CHARACTER_DEVICE, DIRECTORY, BLOCK_DEVICE, REGULAR, SYMLINK, SOCKET -> true;
            default -> false;
        };
    }

    public Editor edit() {
        return new Editor(this);
    }

    /** A new inode's values, all four times alike, before links, size and the rest are set. */
    public static Editor fresh(int mode, int uid, int gid, Timestamp time) {
        return new Editor(new Inode(mode, 1, uid, gid, 0, 0, 0, 0, 0, 0, time, time, time, time, 0, 0, 0, null));
    }

    /** Changes some values of an inode; {@link #build()} gives the new record. */
    public static final class Editor {
        private int mode;
        private int links;
        private int uid;
        private int gid;
        private int rdev;
        private int flags;
        private long size;
        private long storedBytes;
        private long contentSequence;
        private long parent;
        private Timestamp accessed;
        private Timestamp modified;
        private Timestamp changed;
        private final Timestamp born;
        private int xattrCount;
        private int xattrNameBytes;
        private int xattrValueBytes;
        private @Nullable Redundancy redundancy;

        private Editor(Inode from) {
            mode = from.mode;
            links = from.links;
            uid = from.uid;
            gid = from.gid;
            rdev = from.rdev;
            flags = from.flags;
            size = from.size;
            storedBytes = from.storedBytes;
            contentSequence = from.contentSequence;
            parent = from.parent;
            accessed = from.accessed;
            modified = from.modified;
            changed = from.changed;
            born = from.born;
            xattrCount = from.xattrCount;
            xattrNameBytes = from.xattrNameBytes;
            xattrValueBytes = from.xattrValueBytes;
            redundancy = from.redundancy;
        }

        public Editor mode(int value) {
            mode = value;
            return this;
        }

        public Editor links(int value) {
            links = value;
            return this;
        }

        public Editor addLinks(int difference) {
            links += difference;
            return this;
        }

        public Editor uid(int value) {
            uid = value;
            return this;
        }

        public Editor gid(int value) {
            gid = value;
            return this;
        }

        public Editor rdev(int value) {
            rdev = value;
            return this;
        }

        public Editor flags(int value) {
            flags = value;
            return this;
        }

        public Editor size(long value) {
            size = value;
            return this;
        }

        public Editor addSize(long difference) {
            size += difference;
            return this;
        }

        public Editor storedBytes(long value) {
            storedBytes = value;
            return this;
        }

        public Editor contentSequence(long value) {
            contentSequence = value;
            return this;
        }

        public Editor parent(long value) {
            parent = value;
            return this;
        }

        public Editor accessed(Timestamp value) {
            accessed = value;
            return this;
        }

        public Editor modified(Timestamp value) {
            modified = value;
            return this;
        }

        public Editor changed(Timestamp value) {
            changed = value;
            return this;
        }

        /** Adds to (or, negative, takes from) the totals of the extended attributes. */
        public Editor addXattrs(int count, int nameBytes, int valueBytes) {
            xattrCount += count;
            xattrNameBytes += nameBytes;
            xattrValueBytes += valueBytes;
            return this;
        }

        public Editor redundancy(@Nullable Redundancy value) {
            redundancy = value;
            return this;
        }

        public Inode build() {
            return new Inode(
                    mode,
                    links,
                    uid,
                    gid,
                    rdev,
                    flags,
                    size,
                    storedBytes,
                    contentSequence,
                    parent,
                    accessed,
                    modified,
                    changed,
                    born,
                    xattrCount,
                    xattrNameBytes,
                    xattrValueBytes,
                    redundancy);
        }
    }
}
