package io.dynamicfs.csi.service;

import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.csi.v1.VolumeHealth;
import io.dynamicfs.csi.v1.VolumeHealthErrorType;
import java.util.Optional;

/** A pool's state as the health of its volumes. Pure. */
final class HealthReport {
    private HealthReport() {}

    /** Nothing but the id when all is well. */
    static VolumeHealth of(String volume, Pool pool) {
        VolumeHealth.Builder health = VolumeHealth.newBuilder().setVolumeId(volume);
        entry(pool).ifPresent(health::addHealthStatuses);
        return health.build();
    }

    static VolumeHealth inaccessible(String volume, String reason, String message) {
        return VolumeHealth.newBuilder()
                .setVolumeId(volume)
                .addHealthStatuses(entry(VolumeHealthErrorType.INACCESSIBLE, reason, message))
                .build();
    }

    private static Optional<VolumeHealth.VolumeHealthEntry> entry(Pool pool) {
        if (pool.getState() == PoolState.POOL_STATE_STOPPED) {
            return Optional.of(entry(VolumeHealthErrorType.INACCESSIBLE, "PoolStopped", pool.getReason()));
        }
        if (pool.getRedundancyMargin() < 0) {
            return Optional.of(entry(VolumeHealthErrorType.DATA_LOSS, "TooManyDisksLost", pool.getReason()));
        }
        return switch (pool.getState()) {
            case POOL_STATE_READ_ONLY ->
                Optional.of(entry(VolumeHealthErrorType.DEGRADED, "PoolReadOnly", pool.getReason()));
            case POOL_STATE_DEGRADED ->
                Optional.of(entry(VolumeHealthErrorType.DEGRADED, "PoolDegraded", pool.getReason()));
            case POOL_STATE_HEALTHY, POOL_STATE_STOPPED, POOL_STATE_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
        };
    }

    private static VolumeHealth.VolumeHealthEntry entry(VolumeHealthErrorType type, String reason, String message) {
        return VolumeHealth.VolumeHealthEntry.newBuilder()
                .setStatus(type)
                .setReason(reason)
                .setMessage(message)
                .build();
    }
}
