package io.dynamicfs.engine.format;

import java.util.UUID;

/** A root record as it is in one slot of one disk: the state, and where it says that it is. {@code deviceOffset} is in bytes. */
public record RootSlot(
        FeatureWords features, UUID poolId, UUID diskId, int diskIndex, int slot, long deviceOffset, RootRecord root) {}
