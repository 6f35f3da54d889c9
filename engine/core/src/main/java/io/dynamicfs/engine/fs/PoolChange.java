package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** New settings of a pool: null leaves its redundancy, which holds for what is written from now on; an empty note is removed. */
public record PoolChange(@Nullable Redundancy redundancy, Map<String, String> notes) {
    /** All notes of a pool together, names included, in bytes of UTF-8. */
    public static final int NOTES_BYTES_MAX = 64 << 10;

    public PoolChange {
        notes = Map.copyOf(notes);
    }
}
