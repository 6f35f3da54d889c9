package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.Redundancy;

/**
 * How the bytes of an extent are cut. Under k+m with k >= 2, data fragment i holds the bytes from i * F on, F being the length
 * divided by k and rounded up to whole checksum groups; the last stored fragment is cut after the last block with data, and
 * fragments behind it are not stored (they are zeros). The m parity fragments have F bytes each. Replicas hold everything.
 */
public record ExtentGeometry(int length, Redundancy redundancy) {
    public static final int GROUP_BYTES = 16384;

    /** Shorter extents are stored as replicas. */
    public static final int ERASURE_BYTES_MIN = 64 << 10;

    /** F: bytes of a whole fragment, a multiple of {@link #GROUP_BYTES} when k >= 2, of a block otherwise. */
    public int fragmentBytes() {
        int k = redundancy.dataFragments();
        return k == 1 ? roundUp(length, DiskGeometry.BLOCK_BYTES) : roundUp(divideUp(length, k), GROUP_BYTES);
    }

    /** Bytes of fragment {@code i} on its disk, a multiple of a block; 0 when it is not stored. */
    public int storedBytes(int i) {
        return roundUp(contentBytes(i), DiskGeometry.BLOCK_BYTES);
    }

    /** Bytes of fragment {@code i} that a checksum covers; what follows to the end of the block is zero. */
    int contentBytes(int i) {
        if (redundancy.isReplicas()) {
            return length;
        }
        if (i >= redundancy.dataFragments()) {
            return fragmentBytes();
        }
        return Math.clamp((long) length - (long) i * fragmentBytes(), 0, fragmentBytes());
    }

    public int storedBlocks(int i) {
        return storedBytes(i) / DiskGeometry.BLOCK_BYTES;
    }

    /** Checksum groups of the extent's data. */
    public int groups() {
        return divideUp(length, GROUP_BYTES);
    }

    /** CRC32C values of one parity fragment; replicas need none, each is checked as data. */
    public int parityGroups() {
        return redundancy.isReplicas() ? 0 : fragmentBytes() / GROUP_BYTES;
    }

    /**
     * Bytes of the checksum area: 32 for each data group, then 4 for each group of each parity fragment. A replicated extent of
     * one group has none, its digest says it all.
     */
    public int checksumBytes() {
        int parity = parityGroups() * Integer.BYTES * redundancy.parityFragments();
        return redundancy.isReplicas() && groups() == 1 ? 0 : groups() * 32 + parity;
    }

    static int roundUp(int value, int unit) {
        return divideUp(value, unit) * unit;
    }

    private static int divideUp(int value, int unit) {
        return (value + unit - 1) / unit;
    }
}
