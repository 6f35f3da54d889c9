package io.dynamicfs.engine.hash;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * BLAKE3 of whole buffers, and of their 16 KiB groups. A group is a subtree of the hash, so the values of all groups prove the
 * root, and each group is verified alone. All methods are safe for use by many threads.
 */
public final class Blake3 {
    public static final int GROUP_BYTES = 16384;

    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final int WARM_UP_BYTES = 1 << 20;
    private static final int WARM_UP_CALLS = 48;
    private static final ThreadLocal<Blake3Hasher> HASHER =
            ThreadLocal.withInitial(() -> new Blake3Hasher(fastestKernel()));

    private Blake3() {}

    /** The hash of all of {@code data}; heap segments are copied on the way. */
    public static Digest hash(MemorySegment data) {
        try {
            return HASHER.get().hash(data);
        } finally {
            Reference.reachabilityFence(data);
        }
    }

    public static Digest hash(byte[] data) {
        return hash(MemorySegment.ofArray(data));
    }

    /** Groups of an extent of {@code length} bytes; an empty one has a group too. */
    public static int groups(long length) {
        if (length < 0 || length > (long) Integer.MAX_VALUE / Digest.BYTES * GROUP_BYTES) {
            throw new IllegalArgumentException("no extent has " + length + " bytes");
        }
        return Math.max(1, Math.toIntExact((length + GROUP_BYTES - 1) / GROUP_BYTES));
    }

    /**
     * Writes {@link Digest#BYTES} bytes for each group of the first {@code length} bytes of {@code data}, which is native
     * memory. The last group may be short; the value of a single group is the hash itself.
     */
    public static void groupValues(MemorySegment data, long length, byte[] target) {
        requireValues(target, length);
        try {
            HASHER.get().groupValues(data, length, target);
        } finally {
            Reference.reachabilityFence(data);
        }
    }

    /** The hash of the {@code length} bytes whose group values these are. */
    public static Digest root(byte[] groupValues, long length) {
        requireValues(groupValues, length);
        return HASHER.get().root(groupValues, length);
    }

    /** True if every group in {@code data} has its value; see {@link #firstMismatch}. */
    public static boolean verifyGroups(MemorySegment data, int firstGroup, long extentLength, byte[] groupValues) {
        return firstMismatch(data, firstGroup, extentLength, groupValues) < 0;
    }

    /**
     * The index in the extent of the first group that does not have its value, or -1. {@code data} is native memory and holds
     * whole groups from {@code firstGroup} on, or all to the end of the extent.
     */
    public static int firstMismatch(MemorySegment data, int firstGroup, long extentLength, byte[] groupValues) {
        requireValues(groupValues, extentLength);
        int groups = groups(extentLength);
        if (firstGroup < 0 || firstGroup >= groups) {
            throw new IllegalArgumentException("expected a group below " + groups + ", found " + firstGroup);
        }
        long left = extentLength - (long) firstGroup * GROUP_BYTES;
        long bytes = data.byteSize();
        boolean wholeGroups = bytes > 0 && bytes < left && bytes % GROUP_BYTES == 0;
        if (bytes != left && !wholeGroups) {
            throw new IllegalArgumentException(
                    "expected whole groups or the last " + left + " bytes of the extent, found " + bytes + " bytes");
        }
        try {
            return HASHER.get().firstMismatch(data, firstGroup, extentLength, groupValues);
        } finally {
            Reference.reachabilityFence(data);
        }
    }

    /** How hashes are computed here, for logs and status. */
    public static String kernelName() {
        return fastestKernel().name();
    }

    /** Makes the kernel compile now; takes up to a few seconds. Until then hashing is a hundred times slower. */
    public static void warmUp() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(WARM_UP_BYTES + 1);
            byte[] values = new byte[groups(data.byteSize()) * Digest.BYTES];
            for (int i = 0; i < WARM_UP_CALLS; i++) {
                groupValues(data, data.byteSize(), values);
                Digest expected = root(values, data.byteSize());
                if (!hash(data).equals(expected) || !verifyGroups(data, 0, data.byteSize(), values)) {
                    throw new IllegalStateException("BLAKE3 kernel " + kernelName() + " contradicts itself");
                }
            }
        }
    }

    private static Blake3Kernel fastestKernel() {
        // The class of the vector kernel is not touched without its module: it could not be linked.
        boolean vectors = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent() && VectorKernel.isSupported();
        return vectors ? new VectorKernel() : new ScalarKernel();
    }

    private static void requireValues(byte[] groupValues, long length) {
        int expected = groups(length) * Digest.BYTES;
        if (groupValues.length < expected) {
            throw new IllegalArgumentException(
                    "expected at least " + expected + " bytes of group values, found " + groupValues.length);
        }
    }
}
