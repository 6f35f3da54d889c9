package io.dynamicfs.engine.fuse;

import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Serves the requests of one connection; called by all its readers at once. What a method throws is turned into an error
 * number by {@link #errno}. A node that is returned as an entry is one more reference that the kernel holds until it forgets
 * it. Segments are valid until the method returns.
 */
public interface FuseHandler {
    /** Flag that {@link #open} may return: the page cache of an earlier open stays valid. */
    int OPEN_KEEP_CACHE = 1 << 1;

    /** The error number to answer with; called once for every request that failed. */
    Errno errno(FuseRequest request, Throwable thrown);

    /** Null when there is no such name; the kernel remembers that too. */
    @Nullable
    NodeAttributes lookup(FuseRequest request, byte[] name) throws Exception;

    void forget(long node, long count);

    NodeAttributes attributes(FuseRequest request) throws Exception;

    NodeAttributes setAttributes(FuseRequest request, NodeChange change) throws Exception;

    byte[] readLink(FuseRequest request) throws Exception;

    NodeAttributes symlink(FuseRequest request, byte[] name, byte[] target) throws Exception;

    /** What was agreed on with the kernel; comes before any other request. */
    void negotiated(Negotiated agreed);

    /** Makes any kind of node, by the type bits of {@code mode}. */
    NodeAttributes make(FuseRequest request, byte[] name, int mode, int rdev, int umask) throws Exception;

    /** Makes a regular file and opens it with {@code flags} of open(2). */
    NodeAttributes create(FuseRequest request, byte[] name, int mode, int flags, int umask) throws Exception;

    /** Makes a regular file without a name, as in the directory of the request, and opens it with {@code flags} of open(2). */
    NodeAttributes createUnnamed(FuseRequest request, int mode, int flags, int umask) throws Exception;

    void unlink(FuseRequest request, byte[] name) throws Exception;

    void removeDirectory(FuseRequest request, byte[] name) throws Exception;

    /** {@code flags} are those of renameat2(2). */
    void rename(FuseRequest request, byte[] name, long newDirectory, byte[] newName, int flags) throws Exception;

    /** Gives {@code node} a further name in the directory of the request. */
    NodeAttributes link(FuseRequest request, long node, byte[] name) throws Exception;

    /**
     * Returns the flags of the opened file, such as {@link #OPEN_KEEP_CACHE}. {@code attributesChanged} may be run before that:
     * the kernel then asks for the attributes anew.
     */
    int open(FuseRequest request, int flags, Runnable attributesChanged) throws Exception;

    /** A file that was opened or created with {@code flags} is closed by all who shared that. */
    void release(FuseRequest request, int flags) throws Exception;

    /**
     * Returns how many bytes there were; less than the target takes only at the end of the file. {@code flags} are those of
     * the open file.
     */
    int read(FuseRequest request, long offset, MemorySegment target, int flags) throws Exception;

    /** Writes all of {@code source}. {@code killPrivileges}: the file loses its set-user-id and set-group-id bits. */
    void write(FuseRequest request, long offset, MemorySegment source, boolean killPrivileges) throws Exception;

    /** {@code mode} is that of fallocate(2). */
    void allocate(FuseRequest request, long offset, long length, int mode) throws Exception;

    /** Copies bytes of the file of the request to {@code target}; returns how many, less than {@code length} where it may. */
    long copy(FuseRequest request, long offset, long target, long targetOffset, long length) throws Exception;

    /** Where the next data is or, with {@code hole}, the next hole. After an ENOSYS the kernel takes all files for data. */
    long seek(FuseRequest request, long offset, boolean hole) throws Exception;

    /** fsync of a file or directory; {@code reply} is answered now or later, from any thread. */
    void sync(FuseRequest request, boolean dataOnly, ParkedReply reply) throws Exception;

    /** Adds the entries behind {@code cookie} until the listing is full. {@code flags} are those of the open directory. */
    void readDirectory(FuseRequest request, long cookie, DirectoryListing listing, int flags) throws Exception;

    byte[] getXattr(FuseRequest request, byte[] name) throws Exception;

    /** {@code flags} are those of setxattr(2); {@code killSetGid}: an access control list takes the set-group-id bit away. */
    void setXattr(FuseRequest request, byte[] name, byte[] value, int flags, boolean killSetGid) throws Exception;

    List<byte[]> listXattr(FuseRequest request) throws Exception;

    void removeXattr(FuseRequest request, byte[] name) throws Exception;

    FuseStatistics statistics(FuseRequest request) throws Exception;

    /** The reply to the request that this thread has served last has been written, or was given to somebody else. */
    default void replied() {}
}
