package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * Memory of a file that outlives the process: a file on tmpfs, or a memfd whose descriptor somebody else holds too. All of it
 * is reserved at once, so that a full tmpfs is refused here and never kills the process at a later store.
 */
public final class SharedMemory implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_CLOEXEC = 0x80000;
    private static final int MFD_CLOEXEC = 1;
    private static final int OWNER_ONLY = 0600;
    private static final int SEEK_END = 2;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

    private static final MethodHandle OPEN = LibC.link(
            "open", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle MEMFD_CREATE =
            LibC.link("memfd_create", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle LSEEK =
            LibC.link("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle FTRUNCATE =
            LibC.link("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FALLOCATE =
            LibC.link("fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MMAP = LibC.link(
            "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            LibC.link("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle CLOSE = LibC.link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    private SharedMemory(int fd, long address, long bytes) {
        this.fd = fd;
        memory = MemorySegment.ofAddress(address).reinterpret(bytes, arena, mapped -> unmap(mapped.address(), bytes));
    }

    /**
     * Maps the file {@code path}, made with {@code bytes} zero bytes (a positive multiple of the page size) where it does not
     * exist. An existing file keeps its content and must have that size.
     */
    public static SharedMemory map(Path path, long bytes) throws KernelException {
        int fd;
        MemorySegment errno = LibC.errnoSegment();
        try (Arena names = Arena.ofConfined()) {
            long name = names.allocateFrom(path.toString()).address();
            fd = (int) OPEN.invokeExact(errno, name, O_RDWR | O_CREAT | O_CLOEXEC, OWNER_ONLY);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        return map(check(fd, "open " + path), bytes, path.toString());
    }

    /** Memory without a path; it lives as long as somebody holds {@link #fd()} or a copy of it. */
    public static SharedMemory anonymous(String name, long bytes) throws KernelException {
        int fd;
        MemorySegment errno = LibC.errnoSegment();
        try (Arena names = Arena.ofConfined()) {
            fd = (int) MEMFD_CREATE.invokeExact(errno, names.allocateFrom(name).address(), MFD_CLOEXEC);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        return map(check(fd, "memfd_create " + name), bytes, name);
    }

    public MemorySegment memory() {
        return memory;
    }

    public int fd() {
        return fd;
    }

    /** Unmaps the memory and closes the descriptor; the file and its content stay. */
    @Override
    public void close() {
        arena.close();
        closeDescriptor(fd);
    }

    private static SharedMemory map(int fd, long bytes, String name) throws KernelException {
        try {
            return new SharedMemory(fd, reserveAndMap(fd, bytes, name), bytes);
        } catch (KernelException | RuntimeException failure) {
            closeDescriptor(fd);
            throw failure;
        }
    }

    private static long reserveAndMap(int fd, long bytes, String name) throws KernelException {
        MemorySegment errno = LibC.errnoSegment();
        try {
            long found = (long) LSEEK.invokeExact(errno, fd, 0L, SEEK_END);
            check(found, "lseek " + name);
            if (found != 0 && found != bytes) {
                throw new IllegalArgumentException(
                        "memory file " + name + ": expected " + bytes + " bytes, found " + found
                                + "; start with the size it was made with, or remove it once no engine needs its content");
            }
            if (found == 0) {
                check((int) FTRUNCATE.invokeExact(errno, fd, bytes), "ftruncate " + name);
            }
            check((int) FALLOCATE.invokeExact(errno, fd, 0, 0L, bytes), "reserve " + bytes + " bytes of " + name);
            long address = (long) MMAP.invokeExact(errno, 0L, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0L);
            return check(address, "mmap " + name);
        } catch (KernelException | RuntimeException expected) {
            throw expected;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    private static int check(int result, String call) throws KernelException {
        return (int) check((long) result, call);
    }

    private static long check(long result, String call) throws KernelException {
        if (result < 0) {
            throw new KernelException(call, LibC.errno());
        }
        return result;
    }

    private static void unmap(long address, long bytes) {
        try {
            int ignored = (int) MUNMAP.invokeExact(LibC.errnoSegment(), address, bytes);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    private static void closeDescriptor(int fd) {
        try {
            int ignored = (int) CLOSE.invokeExact(LibC.errnoSegment(), fd);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }
}
