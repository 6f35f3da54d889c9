package io.dynamicfs.engine.format;

import java.util.List;

/** Where the fixed structures of a disk are; all values are byte offsets or sizes. {@code sizeBytes} is what the identity says. */
public record DiskGeometry(long sizeBytes) {
    public static final int BLOCK_BYTES = 4096;
    public static final int LABEL_AREA_BYTES = 1 << 20;

    /** Less than this leaves no room worth having between the two label areas. */
    public static final long DISK_BYTES_MIN = 16L << 20;

    public static final int RING_SLOTS = 32;
    public static final int RING_BYTES = RING_SLOTS * BLOCK_BYTES;

    private static final int IDENTITY_OFFSET = 64 << 10;
    private static final int IDENTITY_COPY_OFFSET = IDENTITY_OFFSET + BLOCK_BYTES;
    private static final int RING_OFFSET = 128 << 10;

    /** The two rings of root records: A in the first label area, B in the last. */
    public enum Ring {
        A,
        B
    }

    public DiskGeometry {
        if (sizeBytes < DISK_BYTES_MIN || sizeBytes % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("a disk has at least " + DISK_BYTES_MIN + " bytes, a multiple of "
                    + BLOCK_BYTES + ", not " + sizeBytes);
        }
    }

    /** First byte of the data area. */
    public long dataStart() {
        return LABEL_AREA_BYTES;
    }

    /** First byte after the data area, where the last label area starts. */
    public long tail() {
        return (sizeBytes - LABEL_AREA_BYTES) / LABEL_AREA_BYTES * LABEL_AREA_BYTES;
    }

    /** The four copies of the identity block, in the order in which they are written. */
    public List<Long> identityOffsets() {
        return List.of(
                (long) IDENTITY_OFFSET,
                (long) IDENTITY_COPY_OFFSET,
                tail() + IDENTITY_OFFSET,
                tail() + IDENTITY_COPY_OFFSET);
    }

    public long ringOffset(Ring ring) {
        return switch (ring) {
            case A -> RING_OFFSET;
            case B -> tail() + RING_OFFSET;
        };
    }

    public long slotOffset(Ring ring, int slot) {
        return ringOffset(ring) + (long) slot * BLOCK_BYTES;
    }

    public static int slot(long generation) {
        return (int) Long.remainderUnsigned(generation, RING_SLOTS);
    }
}
