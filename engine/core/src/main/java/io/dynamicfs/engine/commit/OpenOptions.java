package io.dynamicfs.engine.commit;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The operator's words for opening a pool. {@code poolId} chooses one when the disks hold several; {@code degraded} opens
 * without a majority of the root disks, or with data missing; {@code acceptRollback} is the generation to go back to although
 * newer ones may exist. {@code mountsOutlive} says that mounts of an engine before this one may still be there, and refer to
 * files that have no name any more.
 */
public record OpenOptions(
        @Nullable UUID poolId,
        boolean degraded,
        @Nullable Long acceptRollback,
        boolean readOnly,
        boolean mountsOutlive) {
    public static final OpenOptions DEFAULT = new OpenOptions(null, false, null, false);

    public OpenOptions(@Nullable UUID poolId, boolean degraded, @Nullable Long acceptRollback, boolean readOnly) {
        this(poolId, degraded, acceptRollback, readOnly, false);
    }
}
