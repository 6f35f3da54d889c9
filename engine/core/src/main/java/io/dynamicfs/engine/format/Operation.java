package io.dynamicfs.engine.format;

import org.jspecify.annotations.Nullable;

/**
 * One change of a volume as the kernel asked for it, with everything needed to make it again exactly alike: the inode number
 * that a new file got, and the time at which it happened.
 */
public sealed interface Operation {

    Timestamp time();

    /** Changes names or attributes. */
    sealed interface Namespace extends Operation {}

    /** Changes the content of one file. */
    sealed interface Content extends Operation {
        long inode();
    }

    /** Makes a file, directory, fifo, socket or device node, by the type bits of {@code mode}. */
    record Make(long directory, ByteString name, long inode, int mode, int rdev, int uid, int gid, Timestamp time)
            implements Namespace {}

    /** Makes a regular file without a name, as in that directory; {@code mode} has permission bits only. */
    record MakeUnnamed(long directory, long inode, int mode, int uid, int gid, Timestamp time) implements Namespace {}

    record Symlink(long directory, ByteString name, long inode, ByteString target, int uid, int gid, Timestamp time)
            implements Namespace {}

    record Link(long inode, long directory, ByteString name, Timestamp time) implements Namespace {}

    record Unlink(long directory, ByteString name, Timestamp time) implements Namespace {}

    record RemoveDirectory(long directory, ByteString name, Timestamp time) implements Namespace {}

    /** {@code flags} are renameat2(2)'s NOREPLACE = 1 and EXCHANGE = 2. */
    record Rename(long directory, ByteString name, long newDirectory, ByteString newName, int flags, Timestamp time)
            implements Namespace {}

    /** Null leaves a value as it is; {@code mode} has permission bits only. */
    record SetAttributes(
            long inode,
            @Nullable Integer mode,
            @Nullable Integer uid,
            @Nullable Integer gid,
            @Nullable Timestamp accessed,
            @Nullable Timestamp modified,
            Timestamp time)
            implements Namespace {}

    /**
     * {@code flags} are setxattr(2)'s CREATE = 1 and REPLACE = 2, and 4: an access control list also takes the set-group-id bit
     * away.
     */
    record SetXattr(long inode, ByteString name, ByteString value, int flags, Timestamp time) implements Namespace {}

    /**
     * The slices that show {@code length} bytes of {@code source} from {@code sourceOffset} on are those of {@code target} at
     * {@code targetOffset}, too. Neither file has content that is not in slices.
     */
    record Share(long source, long sourceOffset, long target, long targetOffset, long length, Timestamp time)
            implements Namespace {}

    record RemoveXattr(long inode, ByteString name, Timestamp time) implements Namespace {}

    /** {@code length} bytes were written at {@code offset}; whoever keeps the operation keeps the bytes beside it. */
    record Write(long inode, long offset, int length, Timestamp time) implements Content {}

    record Truncate(long inode, long size, Timestamp time) implements Content {}

    /** {@code length} bytes from {@code offset} on are zero; with {@code grows} the file ends there at the least. */
    record Zero(long inode, long offset, long length, boolean grows, Timestamp time) implements Content {}
}
