package io.dynamicfs.daemon.engine;

import java.nio.file.Path;

/** Where a volume is mounted. {@code connection} is the keeper's number, empty for a mount of the engine's own. */
public record MountedVolume(
        String pool, String volume, Path path, boolean readOnly, long sinceMillis, String connection) {}
