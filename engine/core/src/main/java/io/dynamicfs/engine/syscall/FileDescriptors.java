package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Opening, positioned I/O and control of file descriptors. Every call returns {@code -errno} when it fails, never throws for
 * it, and does what the kernel did once: short transfers and EINTR are the caller's. Memory is passed as an address.
 */
public final class FileDescriptors {
    private static final boolean ARM64 = "aarch64".equals(System.getProperty("os.arch"));

    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_ACCMODE = 3;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DIRECT = ARM64 ? 0x10000 : 0x4000;
    public static final int O_NOFOLLOW = ARM64 ? 0x8000 : 0x20000;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_PATH = 0x200000;

    public static final int LOCK_EX = 2;
    public static final int LOCK_NB = 4;

    private static final int F_GETFL = 3;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;

    private static final long BLKROGET = 0x125e;
    private static final long BLKSSZGET = 0x1268;
    private static final long BLKDISCARD = 0x1277;
    private static final long BLKPBSZGET = 0x127b;
    private static final long BLKGETSIZE64 = 0x80081272L;

    private static final MethodHandle OPEN = LibC.link(
            "open", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = LibC.link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle PREAD =
            LibC.link("pread", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle PWRITE =
            LibC.link("pwrite", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle FDATASYNC = LibC.link("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FALLOCATE =
            LibC.link("fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle IOCTL = LibC.link(
            "ioctl",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle FCNTL = LibC.link(
            "fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle FLOCK = LibC.link("flock", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle STATX =
            LibC.link("statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG));

    private FileDescriptors() {}

    /** The new descriptor, or {@code -errno}. {@code mode} matters with {@link #O_CREAT} only. */
    public static int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocateFrom(path).address();
            return result((int) OPEN.invokeExact(LibC.errnoSegment(), address, flags, mode));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Zero or {@code -errno}; the descriptor is gone in either case. */
    public static int close(int fd) {
        try {
            return result((int) CLOSE.invokeExact(LibC.errnoSegment(), fd));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Another descriptor, closed on exec, of the same open file; or {@code -errno}. */
    public static int duplicate(int fd) {
        try {
            return result((int) FCNTL.invokeExact(LibC.errnoSegment(), fd, F_DUPFD_CLOEXEC, 0L));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Bytes read, 0 at the end of the file, or {@code -errno}. */
    public static long pread(int fd, long address, long length, long offset) {
        try {
            return result((long) PREAD.invokeExact(LibC.errnoSegment(), fd, address, length, offset));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Bytes written, or {@code -errno}. */
    public static long pwrite(int fd, long address, long length, long offset) {
        try {
            return result((long) PWRITE.invokeExact(LibC.errnoSegment(), fd, address, length, offset));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    public static int fdatasync(int fd) {
        try {
            return result((int) FDATASYNC.invokeExact(LibC.errnoSegment(), fd));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Deallocates a range of a regular file, which reads as zeros afterwards; the size stays. */
    public static int punchHole(int fd, long offset, long length) {
        try {
            int mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
            return result((int) FALLOCATE.invokeExact(LibC.errnoSegment(), fd, mode, offset, length));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** An advisory lock of the open file description ({@link #LOCK_EX}, {@link #LOCK_NB}). */
    public static int flock(int fd, int operation) {
        try {
            return result((int) FLOCK.invokeExact(LibC.errnoSegment(), fd, operation));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The {@code O_} flags of an open descriptor, or {@code -errno}. */
    public static int flags(int fd) {
        try {
            return result((int) FCNTL.invokeExact(LibC.errnoSegment(), fd, F_GETFL, 0L));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Follows symbolic links. */
    public static FileStatus status(String path) {
        return status(AT_FDCWD, path, 0);
    }

    public static FileStatus status(int fd) {
        return status(fd, "", AT_EMPTY_PATH);
    }

    /** Bytes of a block device, or {@code -errno}. */
    public static long blockDeviceBytes(int fd) {
        return ioctlValue(fd, BLKGETSIZE64, true);
    }

    /** Smallest unit in bytes that the block device can address, or {@code -errno}. */
    public static int logicalSectorBytes(int fd) {
        return (int) ioctlValue(fd, BLKSSZGET, false);
    }

    /** Smallest unit in bytes that the block device writes without read-modify-write, or {@code -errno}. */
    public static int physicalSectorBytes(int fd) {
        return (int) ioctlValue(fd, BLKPBSZGET, false);
    }

    /** 1 when the block device refuses writes, 0 when not, or {@code -errno}. */
    public static int blockDeviceReadOnly(int fd) {
        return (int) ioctlValue(fd, BLKROGET, false);
    }

    /** Tells a block device that a range holds nothing. */
    public static int discard(int fd, long offset, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(16, 8);
            range.set(JAVA_LONG, 0, offset);
            range.set(JAVA_LONG, 8, length);
            return ioctl(fd, BLKDISCARD, range.address());
        }
    }

    private static long ioctlValue(int fd, long request, boolean wide) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(8, 8);
            int result = ioctl(fd, request, value.address());
            if (result < 0) {
                return result;
            }
            return wide ? value.get(JAVA_LONG, 0) : value.get(JAVA_INT, 0);
        }
    }

    private static int ioctl(int fd, long request, long argument) {
        try {
            return result((int) IOCTL.invokeExact(LibC.errnoSegment(), fd, request, argument));
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static FileStatus status(int directory, String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(FileStatus.STATX_BYTES, 8);
            long address = arena.allocateFrom(path).address();
            int result = result((int) STATX.invokeExact(
                    LibC.errnoSegment(), directory, address, flags, FileStatus.STATX_MASK, buffer.address()));
            return result < 0 ? FileStatus.failed(-result) : FileStatus.read(buffer);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int result(int result) {
        return result >= 0 ? result : -LibC.errno();
    }

    private static long result(long result) {
        return result >= 0 ? result : -LibC.errno();
    }

    private static IllegalStateException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("a foreign call could not be made", e);
    }
}
