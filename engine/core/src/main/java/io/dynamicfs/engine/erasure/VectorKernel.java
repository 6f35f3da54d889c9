package io.dynamicfs.engine.erasure;

import com.backblaze.erasure.Galois;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Multiplies 16 bytes at a time: a product in GF(256) is the sum of the products of the low and of the high four bits, and a
 * shuffle looks up sixteen of those at once. Source: Plank, Greenan, Miller, "Screaming Fast Galois Field Arithmetic", 2013.
 *
 * <p>Two outputs are computed from two inputs at a time, so that the eight tables stay in registers, over tiles that stay in
 * the first cache. The loops are written out: vectors stay in registers only within one method.
 */
final class VectorKernel implements CodingKernel {
    static final String NAME = "vector-128";

    private static final int TILE_BYTES = ErasureCode.LENGTH_UNIT;
    private static final int NIBBLES = 16;
    private static final int TABLE_BYTES = 2 * NIBBLES;
    private static final VectorSpecies<Byte> S = ByteVector.SPECIES_128;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final long ZEROS = Arena.global().allocate(TILE_BYTES, 64).address();
    private static final VectorOperators.Associative XOR = VectorOperators.XOR;
    private static final VectorOperators.Binary SHR = VectorOperators.LSHR;

    /** False where the machine has no 128-bit vectors: the library would emulate them object by object. */
    static boolean isSupported() {
        return ByteVector.SPECIES_PREFERRED.vectorBitSize() >= S.vectorBitSize();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Transform prepare(byte[][] rows) {
        int inputCount = rows[0].length;
        byte[] tables = tables(rows);
        return (inputs, outputs, length) -> {
            for (long position = 0; position < length; position += TILE_BYTES) {
                for (int row = 0; row < outputs.length; row += 2) {
                    int table = row * inputCount * TABLE_BYTES;
                    if (row + 1 < outputs.length) {
                        int other = table + inputCount * TABLE_BYTES;
                        twoRows(
                                inputs,
                                position,
                                outputs[row] + position,
                                outputs[row + 1] + position,
                                tables,
                                table,
                                other);
                    } else {
                        oneRow(inputs, position, outputs[row] + position, tables, table);
                    }
                }
            }
        };
    }

    /** For each coefficient c, row by row: c times 0..15, then c times 0x00, 0x10 .. 0xF0. */
    private static byte[] tables(byte[][] rows) {
        byte[] tables = new byte[rows.length * rows[0].length * TABLE_BYTES];
        int at = 0;
        for (byte[] row : rows) {
            for (byte coefficient : row) {
                for (int nibble = 0; nibble < NIBBLES; nibble++) {
                    tables[at + nibble] = Galois.multiply(coefficient, (byte) nibble);
                    tables[at + NIBBLES + nibble] = Galois.multiply(coefficient, (byte) (nibble << 4));
                }
                at += TABLE_BYTES;
            }
        }
        return tables;
    }

    private static void twoRows(long[] inputs, long position, long p, long q, byte[] tables, int tableP, int tableQ) {
        int j = 0;
        for (; j + 1 < inputs.length; j += 2) {
            long first = inputs[j] + position;
            long second = inputs[j + 1] + position;
            long sumP = j == 0 ? ZEROS : p;
            long sumQ = j == 0 ? ZEROS : q;
            addTwoToTwo(first, second, sumP, sumQ, p, q, tables, tableP + j * TABLE_BYTES, tableQ + j * TABLE_BYTES);
        }
        if (j < inputs.length) {
            long sumP = j == 0 ? ZEROS : p;
            long sumQ = j == 0 ? ZEROS : q;
            addOneToOne(inputs[j] + position, sumP, p, tables, tableP + j * TABLE_BYTES);
            addOneToOne(inputs[j] + position, sumQ, q, tables, tableQ + j * TABLE_BYTES);
        }
    }

    private static void oneRow(long[] inputs, long position, long p, byte[] tables, int table) {
        int j = 0;
        for (; j + 1 < inputs.length; j += 2) {
            long sum = j == 0 ? ZEROS : p;
            addTwoToOne(inputs[j] + position, inputs[j + 1] + position, sum, p, tables, table + j * TABLE_BYTES);
        }
        if (j < inputs.length) {
            addOneToOne(inputs[j] + position, j == 0 ? ZEROS : p, p, tables, table + j * TABLE_BYTES);
        }
    }

    // Shuffles take indexes modulo 16, so neither nibble needs a mask: bits that the shift brings in from the neighbour
    // fall
    // away like the high nibble of the byte itself.

    private static void addTwoToTwo(
            long first, long second, long sumP, long sumQ, long p, long q, byte[] tables, int tableP, int tableQ) {
        ByteVector firstLowP = ByteVector.fromArray(S, tables, tableP);
        ByteVector firstHighP = ByteVector.fromArray(S, tables, tableP + NIBBLES);
        ByteVector secondLowP = ByteVector.fromArray(S, tables, tableP + TABLE_BYTES);
        ByteVector secondHighP = ByteVector.fromArray(S, tables, tableP + TABLE_BYTES + NIBBLES);
        ByteVector firstLowQ = ByteVector.fromArray(S, tables, tableQ);
        ByteVector firstHighQ = ByteVector.fromArray(S, tables, tableQ + NIBBLES);
        ByteVector secondLowQ = ByteVector.fromArray(S, tables, tableQ + TABLE_BYTES);
        ByteVector secondHighQ = ByteVector.fromArray(S, tables, tableQ + TABLE_BYTES + NIBBLES);
        for (int i = 0; i < TILE_BYTES; i += NIBBLES) {
            ByteVector a = ByteVector.fromMemorySegment(S, Memory.ALL, first + i, LE);
            ByteVector b = ByteVector.fromMemorySegment(S, Memory.ALL, second + i, LE);
            ByteVector aHigh = a.reinterpretAsShorts().lanewise(SHR, 4).reinterpretAsBytes();
            ByteVector bHigh = b.reinterpretAsShorts().lanewise(SHR, 4).reinterpretAsBytes();
            ByteVector.fromMemorySegment(S, Memory.ALL, sumP + i, LE)
                    .lanewise(XOR, a.selectFrom(firstLowP))
                    .lanewise(XOR, aHigh.selectFrom(firstHighP))
                    .lanewise(XOR, b.selectFrom(secondLowP))
                    .lanewise(XOR, bHigh.selectFrom(secondHighP))
                    .intoMemorySegment(Memory.ALL, p + i, LE);
            ByteVector.fromMemorySegment(S, Memory.ALL, sumQ + i, LE)
                    .lanewise(XOR, a.selectFrom(firstLowQ))
                    .lanewise(XOR, aHigh.selectFrom(firstHighQ))
                    .lanewise(XOR, b.selectFrom(secondLowQ))
                    .lanewise(XOR, bHigh.selectFrom(secondHighQ))
                    .intoMemorySegment(Memory.ALL, q + i, LE);
        }
    }

    private static void addTwoToOne(long first, long second, long sum, long p, byte[] tables, int table) {
        ByteVector firstLow = ByteVector.fromArray(S, tables, table);
        ByteVector firstHigh = ByteVector.fromArray(S, tables, table + NIBBLES);
        ByteVector secondLow = ByteVector.fromArray(S, tables, table + TABLE_BYTES);
        ByteVector secondHigh = ByteVector.fromArray(S, tables, table + TABLE_BYTES + NIBBLES);
        for (int i = 0; i < TILE_BYTES; i += NIBBLES) {
            ByteVector a = ByteVector.fromMemorySegment(S, Memory.ALL, first + i, LE);
            ByteVector b = ByteVector.fromMemorySegment(S, Memory.ALL, second + i, LE);
            ByteVector aHigh = a.reinterpretAsShorts().lanewise(SHR, 4).reinterpretAsBytes();
            ByteVector bHigh = b.reinterpretAsShorts().lanewise(SHR, 4).reinterpretAsBytes();
            ByteVector.fromMemorySegment(S, Memory.ALL, sum + i, LE)
                    .lanewise(XOR, a.selectFrom(firstLow))
                    .lanewise(XOR, aHigh.selectFrom(firstHigh))
                    .lanewise(XOR, b.selectFrom(secondLow))
                    .lanewise(XOR, bHigh.selectFrom(secondHigh))
                    .intoMemorySegment(Memory.ALL, p + i, LE);
        }
    }

    private static void addOneToOne(long first, long sum, long p, byte[] tables, int table) {
        ByteVector low = ByteVector.fromArray(S, tables, table);
        ByteVector high = ByteVector.fromArray(S, tables, table + NIBBLES);
        for (int i = 0; i < TILE_BYTES; i += NIBBLES) {
            ByteVector a = ByteVector.fromMemorySegment(S, Memory.ALL, first + i, LE);
            ByteVector aHigh = a.reinterpretAsShorts().lanewise(SHR, 4).reinterpretAsBytes();
            ByteVector.fromMemorySegment(S, Memory.ALL, sum + i, LE)
                    .lanewise(XOR, a.selectFrom(low))
                    .lanewise(XOR, aHigh.selectFrom(high))
                    .intoMemorySegment(Memory.ALL, p + i, LE);
        }
    }
}
