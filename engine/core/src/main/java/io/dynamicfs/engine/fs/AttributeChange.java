package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Timestamp;
import org.jspecify.annotations.Nullable;

/** What chmod, chown, truncate and utimensat change; null leaves a value as it is. {@code mode} has permission bits only. */
public record AttributeChange(
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable Timestamp accessed,
        @Nullable Timestamp modified) {}
