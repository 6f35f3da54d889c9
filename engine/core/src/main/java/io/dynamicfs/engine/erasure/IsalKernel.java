package io.dynamicfs.engine.erasure;

import io.dynamicfs.engine.syscall.Isal;
import java.lang.foreign.MemorySegment;

/** ISA-L where the system has it. */
final class IsalKernel implements CodingKernel {
    static final String NAME = "isa-l";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Transform prepare(byte[][] rows) {
        MemorySegment tables = Isal.tables(rows);
        return (inputs, outputs, length) -> Isal.encode(tables, inputs, outputs, length);
    }
}
