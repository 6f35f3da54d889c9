package io.dynamicfs.engine.commit;

import org.jspecify.annotations.Nullable;

/** How a disk joins a pool. {@code overwriteSignature} names the foreign content that may be destroyed, null for none. */
public record AddOptions(@Nullable String overwriteSignature) {
    public static final AddOptions DEFAULT = new AddOptions(null);
}
