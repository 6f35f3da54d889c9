package io.dynamicfs.engine.sim;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** A successful change of a model volume, complete enough to be applied again. Times are nanoseconds since 1970. */
sealed interface ModelOperation extends Serializable {
    long time();

    /** A new inode of any type; {@code target} is that of a symbolic link. */
    record Make(
            long inode,
            long directory,
            String name,
            int mode,
            int uid,
            int gid,
            int rdev,
            @Nullable String target,
            long time)
            implements ModelOperation {}

    /** A regular file without a name. */
    record MakeUnnamed(long inode, long directory, int mode, int uid, int gid, long time) implements ModelOperation {}

    record Link(long inode, long directory, String name, long time) implements ModelOperation {}

    record Unlink(long directory, String name, long time) implements ModelOperation {}

    record RemoveDirectory(long directory, String name, long time) implements ModelOperation {}

    record Rename(long directory, String name, long newDirectory, String newName, boolean exchange, long time)
            implements ModelOperation {}

    record Change(
            long inode,
            @Nullable Integer mode,
            @Nullable Integer uid,
            @Nullable Integer gid,
            @Nullable Long accessed,
            @Nullable Long modified,
            long time)
            implements ModelOperation {}

    record SetXattr(long inode, String name, String value, long time) implements ModelOperation {}

    record RemoveXattr(long inode, String name, long time) implements ModelOperation {}

    /** What a file's content becomes by a write, truncate or the like. */
    sealed interface Data extends ModelOperation {
        long inode();

        FileContent applyTo(FileContent before);
    }

    @SuppressWarnings("ArrayRecordComponent")
    record Write(long inode, long offset, byte[] data, long time) implements Data {
        @Override
        public FileContent applyTo(FileContent before) {
            return before.write(offset, data);
        }

        @Override
        public String toString() {
            return "Write[inode=" + inode + ", offset=" + offset + ", length=" + data.length + "]";
        }
    }

    record Zero(long inode, long offset, long length, boolean grows, long time) implements Data {
        @Override
        public FileContent applyTo(FileContent before) {
            FileContent grown = grows && offset + length > before.size() ? before.resize(offset + length) : before;
            return grown.zero(offset, Math.min(offset + length, grown.size()));
        }
    }

    record Truncate(long inode, long size, long time) implements Data {
        @Override
        public FileContent applyTo(FileContent before) {
            return before.resize(size);
        }
    }
}
