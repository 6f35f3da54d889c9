package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.mount.MountOption;
import java.nio.file.Path;
import java.util.Set;

/** Where a volume is mounted. {@code connection} is the keeper's number, empty for a mount of the engine's own. */
public record MountedVolume(
        String pool, String volume, Path path, Set<MountOption> options, long sinceMillis, String connection) {

    public MountedVolume {
        options = Set.copyOf(options);
    }

    public boolean readOnly() {
        return options.contains(MountOption.READ_ONLY);
    }
}
