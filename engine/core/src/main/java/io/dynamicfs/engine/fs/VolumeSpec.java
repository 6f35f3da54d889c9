package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;
import org.jspecify.annotations.Nullable;

/**
 * What a new volume shall be. A quota of 0 is none; a null {@code redundancy} follows the pool's; {@code reserve} refuses a quota that the
 * pool cannot promise. Its root directory belongs to {@code owner}.
 */
public record VolumeSpec(
        String name,
        long quotaBytes,
        long quotaInodes,
        @Nullable Redundancy redundancy,
        boolean reserve,
        PosixVolume.Owner owner) {
    private static final PosixVolume.Owner ROOT = new PosixVolume.Owner(0, 0);

    public VolumeSpec(
            String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy, boolean reserve) {
        this(name, quotaBytes, quotaInodes, redundancy, reserve, ROOT);
    }

    public VolumeSpec(String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy) {
        this(name, quotaBytes, quotaInodes, redundancy, false);
    }

    public VolumeSpec ownedBy(PosixVolume.Owner newOwner) {
        return new VolumeSpec(name, quotaBytes, quotaInodes, redundancy, reserve, newOwner);
    }
}
