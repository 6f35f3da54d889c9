package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;
import org.jspecify.annotations.Nullable;

/** What a new volume shall be. A quota of 0 is none; a null {@code redundancy} follows the pool's. */
public record VolumeSpec(
        String name,
        long quotaBytes,
        long quotaInodes,
        @Nullable Redundancy redundancy) {}
