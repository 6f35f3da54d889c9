package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;
import org.jspecify.annotations.Nullable;

/**
 * New settings of a volume; null leaves a value as it is, a quota of 0 removes it. Redundancy holds
 * for what is written from now on. {@code reserve} refuses a larger quota that the pool cannot promise.
 */
public record VolumeChange(
        @Nullable Long quotaBytes,
        @Nullable Long quotaInodes,
        @Nullable Redundancy redundancy,
        boolean reserve) {

    public VolumeChange(@Nullable Long quotaBytes, @Nullable Long quotaInodes, @Nullable Redundancy redundancy) {
        this(quotaBytes, quotaInodes, redundancy, false);
    }
}
