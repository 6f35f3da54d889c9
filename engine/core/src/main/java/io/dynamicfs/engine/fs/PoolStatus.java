package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.Redundancy;
import java.util.List;
import java.util.UUID;

/**
 * One moment of a pool. Sizes in bytes: {@code rawBytes} of all disks, {@code usableBytes} for file data under the pool's
 * redundancy, {@code usedBytes} stored on the disks. {@code readOnlyReason} is empty while the pool takes writes.
 */
public record PoolStatus(
        String name,
        UUID id,
        long generation,
        long epoch,
        Redundancy redundancy,
        boolean verifyWrites,
        String readOnlyReason,
        List<DiskStatus> disks,
        long rawBytes,
        long usableBytes,
        long usedBytes,
        PoolCounters counters) {

    public PoolStatus {
        disks = List.copyOf(disks);
    }

    /** Whether every disk is healthy and the pool takes writes. */
    public boolean healthy() {
        return readOnlyReason.isEmpty() && disks.stream().allMatch(disk -> disk.health() == DiskHealth.HEALTHY);
    }
}
