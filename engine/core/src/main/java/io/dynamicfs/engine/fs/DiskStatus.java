package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.DiskHealth;
import java.util.UUID;

/**
 * One disk of a pool. {@code index} is its position, never reused; {@code name} the path it has, or had when it is missing;
 * {@code serial} is empty where the disk has none; {@code reason} says why it is in its state since {@code sinceMillis} (empty
 * when healthy); {@code present} unless the pool was opened without it. Errors and repairs are counted since the pool was opened.
 */
public record DiskStatus(
        int index,
        String name,
        String serial,
        UUID uuid,
        long sizeBytes,
        long usedBytes,
        DiskHealth health,
        String reason,
        long sinceMillis,
        long readErrors,
        long writeErrors,
        long checksumErrors,
        long repaired,
        boolean present) {}
