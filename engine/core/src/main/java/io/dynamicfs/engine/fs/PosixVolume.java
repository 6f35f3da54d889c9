package io.dynamicfs.engine.fs;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The file operations of one volume, in inode numbers, as the kernel asks for them. Names are the raw bytes of one path
 * component. Permissions are checked by the kernel (default_permissions), everything else here.
 */
public interface PosixVolume {
    long ROOT_INODE = 1;
    int NAME_BYTES_MAX = 255;

    /** Flag of {@link #rename}: fail with EEXIST where the new name exists. */
    int RENAME_NOREPLACE = 1;

    /** Flag of {@link #rename}: swap the two names. */
    int RENAME_EXCHANGE = 2;

    /** Flag of {@link #setXattr}: fail with EEXIST where the attribute exists. */
    int XATTR_CREATE = 1;

    /** Flag of {@link #setXattr}: fail with ENODATA where the attribute does not exist. */
    int XATTR_REPLACE = 2;

    /** Flag of {@link #setXattr} for an access control list: the set-group-id bit goes, too. */
    int XATTR_KILL_SET_GID = 4;

    /** Who makes a new inode. {@code umask} counts where the directory has no default access control list. */
    record Owner(int uid, int gid, int umask) {
        public Owner(int uid, int gid) {
            this(uid, gid, 0);
        }
    }

    /** Takes directory entries one by one. */
    interface DirectoryVisitor {
        /** {@code nextCookie} continues after this entry. Returns false when the entry did not fit; it is then not consumed. */
        boolean entry(byte[] name, Attributes attributes, long nextCookie);
    }

    /** Called once when a sync is durable, or with the exception that prevented it. */
    interface SyncListener {
        void done(@Nullable FsException failure);
    }

    /** Every answer that carries an inode to the kernel (lookup, create and the like, readdirplus) is one reference. */
    Attributes lookup(long directory, byte[] name) throws FsException;

    /** Adds a reference for an inode that was answered by other means than {@link #lookup} and the creating operations. */
    void remember(long inode);

    /** Drops {@code count} references. An inode without names and references is freed. */
    void forget(long inode, long count);

    Attributes attributes(long inode) throws FsException;

    Attributes setAttributes(long inode, AttributeChange change) throws FsException;

    /** Makes a file, directory, fifo, socket or device node, by the type bits of {@code mode}. */
    Attributes make(long directory, byte[] name, int mode, int rdev, Owner owner) throws FsException;

    /** Makes a regular file without a name, as in that directory; {@link #link} may give it one. */
    Attributes makeUnnamed(long directory, int mode, Owner owner) throws FsException;

    Attributes symlink(long directory, byte[] name, byte[] target, Owner owner) throws FsException;

    byte[] readLink(long inode) throws FsException;

    Attributes link(long inode, long directory, byte[] name) throws FsException;

    void unlink(long directory, byte[] name) throws FsException;

    void removeDirectory(long directory, byte[] name) throws FsException;

    void rename(long directory, byte[] name, long newDirectory, byte[] newName, int flags) throws FsException;

    /** Entries with a cookie greater than {@code cookie}, in a stable order; 0 starts, "." and ".." come first. */
    void readDirectory(long inode, long cookie, DirectoryVisitor visitor) throws FsException;

    /** Reads into {@code target} from {@code offset}; returns how many bytes there were (less only at the end of the file). */
    int read(long inode, long offset, MemorySegment target) throws FsException;

    /** Writes all of {@code source} or fails with nothing written. */
    void write(long inode, long offset, MemorySegment source) throws FsException;

    /**
     * Makes sure that the bytes could be stored, and with {@code grows} that the file ends behind them at the least. Content
     * does not change.
     */
    void allocate(long inode, long offset, long length, boolean grows) throws FsException;

    /** Makes bytes zero and gives back their space; with {@code grows} the file then ends behind them at the least. */
    void zero(long inode, long offset, long length, boolean grows) throws FsException;

    /** The first offset from {@code offset} on that has data, or that is in a hole or at the end; ENXIO where there is none. */
    long seek(long inode, long offset, boolean hole) throws FsException;

    /**
     * The inode was read. Changes its time of access if {@code times} says so, at once for who asks and lazily for the disks:
     * it is stored by the next commit and lost with the process. Returns whether it has changed.
     */
    default boolean accessed(long inode, AccessTimes times) throws FsException {
        return false;
    }

    /**
     * Copies up to {@code length} bytes from one place to another that does not overlap it, sharing what is stored where
     * that can be; returns how many, less than wanted at the end of the source and where there is more than one step takes.
     */
    long copy(long source, long sourceOffset, long target, long targetOffset, long length) throws FsException;

    byte[] getXattr(long inode, byte[] name) throws FsException;

    void setXattr(long inode, byte[] name, byte[] value, int flags) throws FsException;

    List<byte[]> listXattr(long inode) throws FsException;

    void removeXattr(long inode, byte[] name) throws FsException;

    /** fsync or fdatasync of a file or directory; the caller goes on, {@code listener} hears of the end from another thread. */
    void sync(long inode, boolean dataOnly, SyncListener listener);

    VolumeStatistics statistics();

    // What a volume knows of the kernel whose requests it serves. One that forgets everything with its process needs
    // none of it.

    /** What this thread changes until {@link #replied} is the effect of that request, which may be sent to a successor again. */
    default void begin(long connection, long unique) {}

    /** The reply to what {@link #begin} announced has left, or nothing was changed. */
    default void replied() {}

    /**
     * The inode that a request made, or 0, when an engine before this one has done it and may not have answered. The reply ends
     * with {@link #replied}.
     */
    default OptionalLong outcome(long connection, long unique) {
        return OptionalLong.empty();
    }

    /** The connection has ended: its requests will not be sent again, and the kernel holds no reference any more. */
    default void disconnected(long connection) {}

    /**
     * Whether every reference that the kernel holds is counted here. While not, an inode without names is freed only after
     * {@link #confirmUnreferenced}.
     */
    default void setReferencesKnown(boolean known) {}

    /** Inodes without names and counted references of which the kernel has to be asked. */
    default List<Long> unconfirmedOrphans() {
        return List.of();
    }

    /** The kernel does not know the inode: it may be freed. */
    default void confirmUnreferenced(long inode) {}
}
