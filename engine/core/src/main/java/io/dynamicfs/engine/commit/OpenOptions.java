package io.dynamicfs.engine.commit;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The operator's words for opening a pool. {@code poolId} chooses one when the disks hold several; {@code degraded} opens
 * without a majority of the root disks; {@code acceptRollback} is the generation to go back to although newer ones may exist.
 */
public record OpenOptions(
        @Nullable UUID poolId, boolean degraded, @Nullable Long acceptRollback, boolean readOnly) {
    public static final OpenOptions DEFAULT = new OpenOptions(null, false, null, false);
}
