package io.dynamicfs.engine.jnr;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.types.size_t;

/**
 * What jnr-fuse does not declare of libfuse 2: mounting and serving step by step, on threads of ours. Pointers that only libfuse
 * looks into are addresses. Names are those of C.
 */
public interface LibFuseSession {
    /** Throws {@link UnsatisfiedLinkError} where the library is not installed. */
    static LibFuseSession load() {
        return LibraryLoader.create(LibFuseSession.class).failImmediately().load("libfuse.so.2");
    }

    /**
     * Mounts; where {@code directory} points to is set to a string to be freed. Returns the file system, or 0: the reason is on
     * standard error. (fuse_mount and fuse_new would be the parts of it, but the loader finds an old fuse_new.)
     */
    long fuse_setup(
            int argumentCount,
            String[] arguments,
            Pointer operations,
            @size_t long operationsBytes,
            long directory,
            long isThreaded,
            long privateData);

    long fuse_get_session(long fileSystem);

    /** The first channel for {@code previous} 0. */
    long fuse_session_next_chan(long session, long previous);

    @size_t
    long fuse_chan_bufsize(long channel);

    /** {@code channel} points to the channel. Returns bytes, 0 at the end of the session, or a negative error number. */
    int fuse_chan_recv(long channel, long buffer, @size_t long bytes);

    void fuse_session_process(long session, long buffer, @size_t long bytes, long channel);

    int fuse_session_exited(long session);

    /** Ends the channel; unmounts first what is still mounted. */
    void fuse_unmount(String directory, long channel);

    void fuse_destroy(long fileSystem);

    /** Of the C library. */
    void free(long address);
}
