package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;
import org.jspecify.annotations.Nullable;

/**
 * What a new volume shall be. A quota of 0 is none; a null {@code redundancy} follows the pool's; {@code reserve} refuses a quota that the
 * pool cannot promise.
 */
public record VolumeSpec(
        String name,
        long quotaBytes,
        long quotaInodes,
        @Nullable Redundancy redundancy,
        boolean reserve) {

    public VolumeSpec(String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy) {
        this(name, quotaBytes, quotaInodes, redundancy, false);
    }
}
