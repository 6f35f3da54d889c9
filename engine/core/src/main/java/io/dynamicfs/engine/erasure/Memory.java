package io.dynamicfs.engine.erasure;

import java.lang.foreign.MemorySegment;

/** The address space as one constant segment: kernels that take segments as parameters run several times slower. */
final class Memory {
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private Memory() {}
}
