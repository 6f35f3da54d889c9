package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.Redundancy;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * One moment of a pool. Sizes in bytes: {@code rawBytes} of all disks, {@code usableBytes} for file data under the pool's
 * redundancy, {@code usedBytes} stored on the disks, {@code reservedBytes} what the quotas of all volumes promise under the
 * pool's redundancy. {@code readOnlyReason} is empty while the pool takes writes.
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
        long reservedBytes,
        Map<String, String> notes,
        PoolCounters counters) {

    public PoolStatus {
        disks = List.copyOf(disks);
        notes = Map.copyOf(notes);
    }

    /** Disks that the pool was opened without. */
    public int missingDisks() {
        return (int) disks.stream().filter(disk -> !disk.present()).count();
    }

    /** How many disks may still be lost; -1 when more have gone than the redundancy survives. */
    public int redundancyMargin() {
        long gone = disks.stream()
                .filter(disk -> !disk.present() || disk.health() == DiskHealth.FAILED)
                .count();
        return (int) Math.max(-1, redundancy.losses() - gone);
    }

    /** Whether every disk is healthy and the pool takes writes. */
    public boolean healthy() {
        return readOnlyReason.isEmpty() && disks.stream().allMatch(disk -> disk.health() == DiskHealth.HEALTHY);
    }
}
