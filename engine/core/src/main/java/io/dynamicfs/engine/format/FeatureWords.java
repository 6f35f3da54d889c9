package io.dynamicfs.engine.format;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Three sets of feature bits. An unknown bit in {@code compatible} means nothing to a reader, in {@code readOnlyCompatible}
 * that it must not write, in {@code incompatible} that it must not even read.
 */
public record FeatureWords(long compatible, long readOnlyCompatible, long incompatible) {
    public static final FeatureWords NONE = new FeatureWords(0, 0, 0);

    /** Features of this version: there is none yet. */
    private static final long KNOWN_READ_ONLY_COMPATIBLE = 0;

    private static final long KNOWN_INCOMPATIBLE = 0;

    public long unknownIncompatible() {
        return incompatible & ~KNOWN_INCOMPATIBLE;
    }

    /** Whether this version may write where these features are in use. */
    public boolean writable() {
        return (readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE) == 0;
    }

    /** Bit numbers, as in {@code bit 3, bit 17}. */
    public static String describe(long bits) {
        return IntStream.range(0, Long.SIZE)
                .filter(i -> (bits >>> i & 1) != 0)
                .mapToObj(i -> "bit " + i)
                .collect(Collectors.joining(", "));
    }
}
