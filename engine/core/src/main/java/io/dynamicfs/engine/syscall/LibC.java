package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Links C library functions. Every handle takes the calling thread's errno segment ({@link #errnoSegment()}) as its first
 * argument; pointers are passed as {@code long} so that a call allocates nothing.
 */
final class LibC {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LOOKUP = LINKER.defaultLookup();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> ERRNO =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private LibC() {}

    /** Links {@code name}; {@code options} are added to the errno capture that every handle has. */
    static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        Linker.Option[] all = new Linker.Option[options.length + 1];
        all[0] = Linker.Option.captureCallState("errno");
        System.arraycopy(options, 0, all, 1, options.length);
        return LINKER.downcallHandle(LOOKUP.findOrThrow(name), descriptor, all);
    }

    static MemorySegment errnoSegment() {
        return ERRNO.get();
    }

    /** The errno of the calling thread's last call. */
    static int errno() {
        return ERRNO.get().get(JAVA_INT, ERRNO_OFFSET);
    }
}
