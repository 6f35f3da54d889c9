package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** Erasure coding of Intel's ISA-L ({@code libisal.so.2}, Debian package libisal2), where it is installed. */
public final class Isal {
    private static final String LIBRARY = "libisal.so.2";
    private static final int TABLE_BYTES = 32;
    private static final int POINTERS_MAX = 64;
    private static final @Nullable Library ISAL = load();
    private static final ThreadLocal<MemorySegment> POINTERS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG, POINTERS_MAX));

    private Isal() {}

    /** A record so that the JIT sees constant handles. */
    private record Library(MethodHandle initTables, MethodHandle encodeData) {}

    private static @Nullable Library load() {
        Linker linker = Linker.nativeLinker();
        try {
            SymbolLookup library = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
            // void ec_init_tables(int k, int rows, unsigned char *a, unsigned char *gftbls)
            MethodHandle initTables = linker.downcallHandle(
                    library.findOrThrow("ec_init_tables"),
                    FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
            // void ec_encode_data(int len, int k, int rows, unsigned char *gftbls, unsigned char **data, **coding)
            MethodHandle encodeData = linker.downcallHandle(
                    library.findOrThrow("ec_encode_data"),
                    FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
            return new Library(initTables, encodeData);
        } catch (IllegalArgumentException | NoSuchElementException absent) {
            return null;
        }
    }

    public static boolean available() {
        return ISAL != null;
    }

    /** Multiplication tables of a matrix over GF(2^8) with polynomial 0x11D, in memory that the collector frees. */
    public static MemorySegment tables(byte[][] rows) {
        int inputs = rows[0].length;
        MemorySegment tables = Arena.ofAuto().allocate((long) TABLE_BYTES * inputs * rows.length, 64);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment matrix = arena.allocate((long) inputs * rows.length);
            for (int row = 0; row < rows.length; row++) {
                MemorySegment.copy(rows[row], 0, matrix, JAVA_BYTE, (long) row * inputs, inputs);
            }
            library().initTables().invokeExact(inputs, rows.length, matrix, tables);
        } catch (Throwable t) {
            throw failed(t);
        }
        return tables;
    }

    /** Each output becomes its row of the matrix times the inputs; addresses of {@code length} bytes, below 2 GiB. */
    public static void encode(MemorySegment tables, long[] inputs, long[] outputs, long length) {
        if (tables.byteSize() != (long) TABLE_BYTES * inputs.length * outputs.length) {
            throw new IllegalArgumentException("tables are not for " + inputs.length + " to " + outputs.length);
        }
        MemorySegment pointers = POINTERS.get();
        long outputPointers = (long) inputs.length * Long.BYTES;
        MemorySegment.copy(inputs, 0, pointers, JAVA_LONG, 0, inputs.length);
        MemorySegment.copy(outputs, 0, pointers, JAVA_LONG, outputPointers, outputs.length);
        try {
            library()
                    .encodeData()
                    .invokeExact(
                            Math.toIntExact(length),
                            inputs.length,
                            outputs.length,
                            tables,
                            pointers.address(),
                            pointers.address() + outputPointers);
        } catch (Throwable t) {
            throw failed(t);
        } finally {
            Reference.reachabilityFence(pointers);
        }
    }

    private static Library library() {
        Library library = ISAL;
        if (library == null) {
            throw new IllegalStateException(LIBRARY + " is not installed");
        }
        return library;
    }

    private static RuntimeException failed(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(t);
        };
    }
}
