package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One open /dev/fuse. Buffers are native addresses and failures are negative error numbers, so that a call allocates
 * nothing. The descriptor is closed when the last holder has released it: a number that the process has reused must never
 * be written to by a late reply.
 */
public final class FuseDevice {
    private static final String PATH = "/dev/fuse";
    private static final int POLL_BYTES = 8;
    private static final int POLL_RETURNED = 6;
    private static final short POLLERR = 8;
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;

    private static final MethodHandle OPEN = LibC.link(
            "open", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = LibC.link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle READ =
            LibC.link("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle WRITE =
            LibC.link("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle WRITEV =
            LibC.link("writev", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle POLL =
            LibC.link("poll", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle GETPAGESIZE = LibC.link("getpagesize", FunctionDescriptor.of(JAVA_INT));

    private final int fd;
    private final AtomicInteger holders = new AtomicInteger(1);

    private FuseDevice(int fd) {
        this.fd = fd;
    }

    public static FuseDevice open() throws KernelException {
        MemorySegment errno = LibC.errnoSegment();
        int fd;
        try (Arena arena = Arena.ofConfined()) {
            fd = (int) OPEN.invokeExact(errno, arena.allocateFrom(PATH).address(), O_RDWR | O_CLOEXEC, 0);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        if (fd < 0) {
            throw new KernelException("open " + PATH, LibC.errno());
        }
        return new FuseDevice(fd);
    }

    /** Takes over a descriptor of a connection that another process has set up. */
    public static FuseDevice adopt(int fd) {
        return new FuseDevice(fd);
    }

    /** The size of a page of this machine, in which the kernel counts the data of a request. */
    public static int pageBytes() {
        try {
            return (int) GETPAGESIZE.invokeExact(LibC.errnoSegment());
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    public int fd() {
        return fd;
    }

    /** Whether the descriptor is of a connection that a mount still has: not one that was aborted or has been unmounted. */
    public boolean isConnected() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment poll = arena.allocate(POLL_BYTES, 8);
            poll.set(JAVA_INT, 0, fd);
            int result = (int) POLL.invokeExact(LibC.errnoSegment(), poll.address(), 1L, 0);
            return result >= 0 && (poll.get(JAVA_SHORT, POLL_RETURNED) & POLLERR) == 0;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Waits for the next request; returns its length in bytes, or an error number as a negative value. */
    public long read(long address, long bytes) {
        try {
            long count = (long) READ.invokeExact(LibC.errnoSegment(), fd, address, bytes);
            return count < 0 ? -LibC.errno() : count;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Writes one whole reply or notification; returns its length, or an error number as a negative value. */
    public long write(long address, long bytes) {
        try {
            long count = (long) WRITE.invokeExact(LibC.errnoSegment(), fd, address, bytes);
            return count < 0 ? -LibC.errno() : count;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Like {@link #write} for a reply in pieces: {@code vectors} points to {@code count} pairs of address and length. */
    public long writev(long vectors, int count) {
        try {
            long written = (long) WRITEV.invokeExact(LibC.errnoSegment(), fd, vectors, count);
            return written < 0 ? -LibC.errno() : written;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Keeps the descriptor open until {@link #release}; false when it is closed already. */
    public boolean retain() {
        while (true) {
            int count = holders.get();
            if (count == 0) {
                return false;
            }
            if (holders.compareAndSet(count, count + 1)) {
                return true;
            }
        }
    }

    /** Ends one hold; whoever opened the device holds it once. */
    public void release() {
        if (holders.decrementAndGet() == 0) {
            try {
                int ignored = (int) CLOSE.invokeExact(LibC.errnoSegment(), fd);
            } catch (Throwable thrown) {
                throw new AssertionError(thrown);
            }
        }
    }
}
