package io.dynamicfs.engine.fs;

/** What a disk may be used for. Only {@link #HEALTHY} disks take new fragments. */
public enum DiskHealth {
    HEALTHY,
    /** Had intermittent errors; read as last choice. */
    SUSPECT,
    /** Parts of it fail; read as last choice. */
    DEGRADED,
    /** Being emptied; read as last choice. */
    DRAINING,
    /** Missing, or not this pool's disk any more; neither read nor written. */
    FAILED
}
