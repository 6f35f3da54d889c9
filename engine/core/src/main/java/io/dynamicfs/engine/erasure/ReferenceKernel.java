package io.dynamicfs.engine.erasure;

import com.backblaze.erasure.CodingLoop;
import com.backblaze.erasure.InputOutputByteTableCodingLoop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The table loop of JavaReedSolomon, through heap copies: slow, runs everywhere, and says what is right. */
final class ReferenceKernel implements CodingKernel {
    static final String NAME = "reference";

    private static final int TILE_BYTES = ErasureCode.LENGTH_UNIT;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Transform prepare(byte[][] rows) {
        CodingLoop loop = new InputOutputByteTableCodingLoop();
        return (inputs, outputs, length) -> {
            byte[][] from = new byte[inputs.length][TILE_BYTES];
            byte[][] to = new byte[outputs.length][TILE_BYTES];
            for (long position = 0; position < length; position += TILE_BYTES) {
                for (int i = 0; i < inputs.length; i++) {
                    MemorySegment.copy(Memory.ALL, ValueLayout.JAVA_BYTE, inputs[i] + position, from[i], 0, TILE_BYTES);
                }
                loop.codeSomeShards(rows, from, inputs.length, to, outputs.length, 0, TILE_BYTES);
                for (int i = 0; i < outputs.length; i++) {
                    MemorySegment.copy(to[i], 0, Memory.ALL, ValueLayout.JAVA_BYTE, outputs[i] + position, TILE_BYTES);
                }
            }
        };
    }
}
