package io.dynamicfs.engine.format;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * Who a disk is. {@code diskIndex} is its position in the pool, 0..65535, never given to another disk; {@code sizeBytes} is
 * what the pool uses of it; {@code createdMillis} counts from 1970.
 */
public record Identity(
        FeatureWords features,
        UUID poolId,
        UUID diskId,
        int diskIndex,
        long sizeBytes,
        long createdMillis,
        String poolName) {
    public static final int POOL_NAME_BYTES_MAX = 64;
    public static final int DISK_INDEX_MAX = 0xffff;

    /** Throws {@link IllegalArgumentException} for what cannot be written. */
    public Identity {
        int nameBytes = poolName.getBytes(StandardCharsets.UTF_8).length;
        if (nameBytes < 1 || nameBytes > POOL_NAME_BYTES_MAX) {
            throw new IllegalArgumentException("a pool name has 1 to " + POOL_NAME_BYTES_MAX + " bytes of UTF-8, \""
                    + poolName + "\" has " + nameBytes);
        }
        if (diskIndex < 0 || diskIndex > DISK_INDEX_MAX) {
            throw new IllegalArgumentException("a disk index is 0 to " + DISK_INDEX_MAX + ", not " + diskIndex);
        }
        if (!sizeIsValid(sizeBytes)) {
            throw new IllegalArgumentException("a disk has at least " + DiskGeometry.DISK_BYTES_MIN
                    + " bytes, a multiple of " + DiskGeometry.BLOCK_BYTES + ", not " + sizeBytes);
        }
    }

    static boolean sizeIsValid(long sizeBytes) {
        return sizeBytes >= DiskGeometry.DISK_BYTES_MIN && sizeBytes % DiskGeometry.BLOCK_BYTES == 0;
    }

    public DiskGeometry geometry() {
        return new DiskGeometry(sizeBytes);
    }
}
