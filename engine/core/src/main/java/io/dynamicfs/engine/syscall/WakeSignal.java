package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Gets a thread out of a blocking system call: a signal whose handler does nothing, installed without SA_RESTART, makes the
 * call fail with EINTR. A signal that arrives just before the call is lost, so the caller repeats it until the thread moves.
 */
public final class WakeSignal {
    /** A real-time signal that neither the JVM nor the C library uses. */
    private static final int SIGNAL = 50;

    /** {@code struct sigaction} of glibc on 64-bit Linux: handler, mask of 128 bytes, flags, restorer. */
    private static final int SIGACTION_BYTES = 152;

    private static final MethodHandle SIGACTION =
            LibC.link("sigaction", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle GETTID = LibC.link("gettid", FunctionDescriptor.of(JAVA_INT));
    private static final MethodHandle TGKILL =
            LibC.link("tgkill", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));

    private WakeSignal() {}

    /** Installs the handler for the whole process; repeating it is harmless. */
    public static void install() {
        // The handler must be C code that touches nothing; abs(int) is that, and it is in every C library.
        long handler = Linker.nativeLinker().defaultLookup().findOrThrow("abs").address();
        MemorySegment errno = LibC.errnoSegment();
        int result;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocate(SIGACTION_BYTES, 8);
            action.set(JAVA_LONG, 0, handler);
            result = (int) SIGACTION.invokeExact(errno, SIGNAL, action.address(), 0L);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        if (result < 0) {
            throw new IllegalStateException("sigaction of signal " + SIGNAL + " failed: errno " + LibC.errno());
        }
    }

    /** The kernel's number of the calling thread. */
    public static int threadId() {
        try {
            return (int) GETTID.invokeExact(LibC.errnoSegment());
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Interrupts the system call of a thread of this process; does nothing when the thread has ended. */
    public static void wake(int threadId) {
        int process = (int) ProcessHandle.current().pid();
        try {
            int ignored = (int) TGKILL.invokeExact(LibC.errnoSegment(), process, threadId, SIGNAL);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }
}
