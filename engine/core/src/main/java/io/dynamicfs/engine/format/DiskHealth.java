package io.dynamicfs.engine.format;

/** How far a disk is trusted. */
public enum DiskHealth {
    /** Takes new fragments. */
    HEALTHY(0),
    /** Had intermittent errors: read last, takes nothing new. */
    SUSPECT(1),
    /** Failed in part: read last, takes nothing new. */
    DEGRADED(2),
    /** Is being emptied: takes nothing new. */
    DRAINING(3),
    /** Offline: missing, or its writes cannot be trusted. */
    FAILED(4);

    private final int code;

    DiskHealth(int code) {
        this.code = code;
    }

    /** How it is stored. */
    int code() {
        return code;
    }

    static DiskHealth of(int code) {
        for (DiskHealth health : values()) {
            if (health.code == code) {
                return health;
            }
        }
        throw new CorruptRecordException("disk record", "health 0.." + (values().length - 1), String.valueOf(code));
    }
}
