package io.dynamicfs.daemon.engine;

import java.nio.file.Path;

/** Where a volume is mounted. */
public record MountedVolume(String pool, String volume, Path path, boolean readOnly, long sinceMillis) {}
