package io.dynamicfs.engine.jnr;

import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import ru.serce.jnrfuse.FuseFillDir;
import ru.serce.jnrfuse.FuseStubFS;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.FuseContext;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/**
 * libfuse's callbacks, answered from a volume: they return 0 or a count, or a negative error number, and never throw. What
 * is not overridden libfuse or the kernel does without us; locks are the kernel's own.
 */
final class PathOperations extends FuseStubFS {
    private static final Logger LOG = LoggerFactory.getLogger(PathOperations.class);

    private static final int BLOCK_BYTES = 4096;
    private static final int PERMISSION_BITS = 07777;

    /** An owner or group that chown(2) leaves as it is. */
    private static final int UNCHANGED = -1;

    /** Nanoseconds that utimensat(2) gives a meaning of their own. */
    private static final long NOW = (1L << 30) - 1;

    private static final long OMIT = (1L << 30) - 2;

    /** Bits of the operations' flags: open files may come without a path, and times with {@link #NOW} and {@link #OMIT}. */
    private static final int NULL_PATH_OK = 1;

    private static final int TIME_OMIT_OK = 4;

    private final PathVolume volume;
    private final String source;
    private final InstantSource clock;

    private interface Operation {
        int run() throws FsException;
    }

    private interface Change {
        void run() throws FsException;
    }

    /** Loads libfuse 2; a {@link LinkageError} tells that there is none. */
    PathOperations(PathVolume volume, String source, InstantSource clock) {
        this.volume = volume;
        this.source = source;
        this.clock = clock;
        // The library declares this callback without its second argument, so that it takes a number for a pointer.
        fuseOperations.fsyncdir.set((path, notAPointer) -> done(() -> syncDirectory(path)));
        long flags = fuseOperations.bmap.offset() + Long.BYTES;
        Struct.getMemory(fuseOperations).putInt(flags, NULL_PATH_OK | TIME_OMIT_OK);
    }

    /** The callbacks as libfuse takes them, valid as long as this object is reachable. */
    Pointer callbacks() {
        return Struct.getMemory(fuseOperations);
    }

    int callbacksBytes() {
        return Struct.size(fuseOperations);
    }

    private int answer(Operation operation) {
        try {
            return operation.run();
        } catch (FsException refused) {
            return -refused.errno().number();
        } catch (Throwable failure) {
            LOG.error("request failed, answered with EIO: volume={}", source, failure);
            return -Errno.EIO.number();
        }
    }

    private int done(Change change) {
        return answer(() -> {
            change.run();
            return 0;
        });
    }

    // Attributes

    @Override
    public int getattr(String path, FileStat stat) {
        return done(() -> show(volume.attributes(path), stat));
    }

    @Override
    public int fgetattr(@Nullable String path, FileStat stat, FuseFileInfo file) {
        return done(() -> show(volume.attributes(path, inode(file)), stat));
    }

    @Override
    public int chmod(String path, long mode) {
        return done(() ->
                volume.change(path, new AttributeChange((int) mode & PERMISSION_BITS, null, null, null, null, null)));
    }

    @Override
    public int chown(String path, long uid, long gid) {
        return done(() -> volume.change(path, new AttributeChange(null, id(uid), id(gid), null, null, null)));
    }

    @Override
    public int truncate(String path, long size) {
        return done(() -> volume.change(path, new AttributeChange(null, null, null, size, null, null)));
    }

    @Override
    public int ftruncate(@Nullable String path, long size, FuseFileInfo file) {
        return done(() -> volume.truncate(inode(file), size));
    }

    @Override
    public int utimens(String path, Timespec[] times) {
        return done(() -> volume.change(
                path, new AttributeChange(null, null, null, null, timestamp(times[0]), timestamp(times[1]))));
    }

    @Override
    public int statfs(String path, Statvfs shown) {
        return done(() -> {
            VolumeStatistics statistics = volume.statistics();
            long free = statistics.availableBytes() / BLOCK_BYTES;
            shown.f_bsize.set(BLOCK_BYTES);
            shown.f_frsize.set(BLOCK_BYTES);
            shown.f_blocks.set(statistics.totalBytes() / BLOCK_BYTES);
            shown.f_bfree.set(free);
            shown.f_bavail.set(free);
            shown.f_files.set(statistics.totalInodes());
            shown.f_ffree.set(statistics.freeInodes());
            shown.f_favail.set(statistics.freeInodes());
            shown.f_namemax.set(PosixVolume.NAME_BYTES_MAX);
        });
    }

    // Names

    @Override
    public int mknod(String path, long mode, long rdev) {
        FuseContext caller = getContext();
        return done(() -> volume.make(path, (int) mode, (int) rdev, uid(caller), gid(caller)));
    }

    @Override
    public int mkdir(String path, long mode) {
        FuseContext caller = getContext();
        return done(() -> volume.makeDirectory(path, (int) mode, uid(caller), gid(caller)));
    }

    @Override
    public int symlink(String target, String path) {
        FuseContext caller = getContext();
        return done(() -> volume.symlink(target, path, uid(caller), gid(caller)));
    }

    @Override
    public int readlink(String path, Pointer buffer, long size) {
        return done(() -> {
            byte[] target = volume.readLink(path);
            int length = (int) Math.min(target.length, size - 1);
            buffer.put(0, target, 0, length);
            buffer.putByte(length, (byte) 0);
        });
    }

    @Override
    public int link(String path, String newPath) {
        return done(() -> volume.link(path, newPath));
    }

    @Override
    public int unlink(String path) {
        return done(() -> volume.unlink(path));
    }

    @Override
    public int rmdir(String path) {
        return done(() -> volume.removeDirectory(path));
    }

    @Override
    public int rename(String path, String newPath) {
        return done(() -> volume.rename(path, newPath));
    }

    // Open files

    @Override
    public int create(String path, long mode, FuseFileInfo file) {
        FuseContext caller = getContext();
        return done(() -> file.fh.set(volume.create(path, (int) mode, file.flags.get(), uid(caller), gid(caller))));
    }

    @Override
    public int open(String path, FuseFileInfo file) {
        return done(() -> file.fh.set(volume.open(path)));
    }

    @Override
    public int release(@Nullable String path, FuseFileInfo file) {
        return done(() -> volume.close(inode(file)));
    }

    @Override
    public int read(@Nullable String path, Pointer buffer, long size, long offset, FuseFileInfo file) {
        return answer(() -> volume.read(inode(file), offset, memory(buffer, size)));
    }

    @Override
    public int write(@Nullable String path, Pointer buffer, long size, long offset, FuseFileInfo file) {
        return answer(() -> {
            volume.write(inode(file), offset, memory(buffer, size));
            return (int) size;
        });
    }

    @Override
    public int fallocate(@Nullable String path, int mode, long offset, long length, FuseFileInfo file) {
        return done(() -> volume.allocate(inode(file), offset, length, mode));
    }

    @Override
    public int fsync(@Nullable String path, int dataOnly, FuseFileInfo file) {
        return done(() -> volume.sync(inode(file), dataOnly != 0));
    }

    // Open directories

    @Override
    public int opendir(String path, FuseFileInfo directory) {
        return done(() -> directory.fh.set(volume.open(path)));
    }

    @Override
    public int releasedir(@Nullable String path, FuseFileInfo directory) {
        return done(() -> volume.close(inode(directory)));
    }

    @Override
    public int readdir(
            @Nullable String path, Pointer listing, FuseFillDir filler, long offset, FuseFileInfo directory) {
        return done(() -> {
            FileStat stat = new FileStat(Runtime.getSystemRuntime());
            Pointer shown = Memory.allocateDirect(Runtime.getSystemRuntime(), Struct.size(stat));
            stat.useMemory(shown);
            volume.readDirectory(inode(directory), offset, (name, attributes, next) -> {
                show(attributes, stat);
                return filler.apply(listing, ByteBuffer.wrap(zeroTerminated(name)), shown, next) == 0;
            });
        });
    }

    /** A directory that has been removed has no path, and nothing to be made durable. */
    private void syncDirectory(@Nullable String path) throws FsException {
        if (path != null) {
            volume.syncDirectory(path);
        }
    }

    // Extended attributes

    @Override
    public int getxattr(String path, String name, @Nullable Pointer target, long size) {
        return answer(() -> sized(volume.getXattr(path, name), target, size));
    }

    @Override
    public int setxattr(String path, String name, @Nullable Pointer source, long size, int flags) {
        return done(() -> {
            byte[] value = new byte[(int) size];
            if (source != null && size > 0) {
                source.get(0, value, 0, value.length);
            }
            volume.setXattr(path, name, value, flags);
        });
    }

    @Override
    public int listxattr(String path, @Nullable Pointer target, long size) {
        return answer(() -> sized(concatenated(volume.listXattr(path)), target, size));
    }

    @Override
    public int removexattr(String path, String name) {
        return done(() -> volume.removeXattr(path, name));
    }

    /** The length alone where the caller only asks for it. */
    private static int sized(byte[] value, @Nullable Pointer target, long room) {
        if (room == 0 || target == null) {
            return value.length;
        }
        if (value.length > room) {
            return -Errno.ERANGE.number();
        }
        target.put(0, value, 0, value.length);
        return value.length;
    }

    private static byte[] concatenated(List<byte[]> names) {
        int length = 0;
        for (byte[] name : names) {
            length += name.length + 1;
        }
        byte[] all = new byte[length];
        int next = 0;
        for (byte[] name : names) {
            System.arraycopy(name, 0, all, next, name.length);
            next += name.length + 1;
        }
        return all;
    }

    private static byte[] zeroTerminated(byte[] name) {
        return Arrays.copyOf(name, name.length + 1);
    }

    // Numbers of C

    private static MemorySegment memory(Pointer pointer, long size) {
        return MemorySegment.ofAddress(pointer.address()).reinterpret(size);
    }

    private static long inode(FuseFileInfo file) {
        return file.fh.get();
    }

    private static int uid(FuseContext caller) {
        return (int) caller.uid.get();
    }

    private static int gid(FuseContext caller) {
        return (int) caller.gid.get();
    }

    private static @Nullable Integer id(long id) {
        return (int) id == UNCHANGED ? null : Integer.valueOf((int) id);
    }

    private @Nullable Timestamp timestamp(Timespec time) {
        long nanos = time.tv_nsec.longValue();
        if (nanos == OMIT) {
            return null;
        }
        if (nanos == NOW) {
            Instant now = clock.instant();
            return new Timestamp(now.getEpochSecond(), now.getNano());
        }
        return new Timestamp(time.tv_sec.get(), (int) nanos);
    }

    private static void show(Attributes attributes, FileStat stat) {
        stat.st_ino.set(attributes.inode());
        stat.st_mode.set(attributes.mode());
        stat.st_nlink.set(attributes.links());
        stat.st_uid.set(Integer.toUnsignedLong(attributes.uid()));
        stat.st_gid.set(Integer.toUnsignedLong(attributes.gid()));
        stat.st_rdev.set(Integer.toUnsignedLong(attributes.rdev()));
        stat.st_size.set(attributes.size());
        stat.st_blksize.set(BLOCK_BYTES);
        stat.st_blocks.set(attributes.blocks());
        show(attributes.accessed(), stat.st_atim);
        show(attributes.modified(), stat.st_mtim);
        show(attributes.changed(), stat.st_ctim);
    }

    private static void show(Timestamp time, Timespec shown) {
        shown.tv_sec.set(time.seconds());
        shown.tv_nsec.set(time.nanos());
    }
}
