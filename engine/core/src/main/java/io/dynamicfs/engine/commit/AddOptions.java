package io.dynamicfs.engine.commit;

import java.util.Collection;
import java.util.Set;

/**
 * How a disk joins a pool. {@code overwrite} names what may be destroyed on it: foreign signatures as {@code Signatures} calls
 * them, and other pools by their id.
 */
public record AddOptions(Set<String> overwrite) {
    public static final AddOptions DEFAULT = new AddOptions(Set.of());

    public AddOptions {
        overwrite = Set.copyOf(overwrite);
    }

    public static AddOptions overwriting(Collection<String> names) {
        return new AddOptions(Set.copyOf(names));
    }
}
