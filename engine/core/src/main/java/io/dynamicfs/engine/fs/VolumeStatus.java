package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;

/** One volume. {@code redundancy} is the one in force, {@code inherited} when it is the pool's; a quota of 0 is none. */
public record VolumeStatus(
        String name,
        long id,
        long usedBytes,
        long usedInodes,
        long quotaBytes,
        long quotaInodes,
        Redundancy redundancy,
        boolean inherited) {}
