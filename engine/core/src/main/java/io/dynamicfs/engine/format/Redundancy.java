package io.dynamicfs.engine.format;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many disks may be lost. {@code dataFragments} k = 1 means replicas: 1 + {@code parityFragments} whole copies; k >= 2
 * means Reed-Solomon k+m. Written as {@code 3x} or {@code 4+2}.
 */
public record Redundancy(int dataFragments, int parityFragments) {
    public static final int REPLICAS_MAX = 5;
    public static final int DATA_FRAGMENTS_MAX = 16;
    public static final int PARITY_FRAGMENTS_MAX = 4;

    private static final Pattern REPLICAS = Pattern.compile("([1-9][0-9]?)x");
    private static final Pattern ERASURE = Pattern.compile("([1-9][0-9]?)\\+([1-9][0-9]?)");

    public Redundancy {
        if (dataFragments < 1 || dataFragments > DATA_FRAGMENTS_MAX) {
            throw new IllegalArgumentException(
                    "data fragments must be 1.." + DATA_FRAGMENTS_MAX + ", not " + dataFragments);
        }
        int parityMin = dataFragments == 1 ? 0 : 1;
        if (parityFragments < parityMin || parityFragments > PARITY_FRAGMENTS_MAX) {
            throw new IllegalArgumentException(
                    "parity fragments must be " + parityMin + ".." + PARITY_FRAGMENTS_MAX + ", not " + parityFragments);
        }
    }

    /** Whether the constructor would take them. */
    static boolean isValid(int dataFragments, int parityFragments) {
        return dataFragments >= 1
                && dataFragments <= DATA_FRAGMENTS_MAX
                && parityFragments >= (dataFragments == 1 ? 0 : 1)
                && parityFragments <= PARITY_FRAGMENTS_MAX;
    }

    public static Redundancy replicas(int copies) {
        return new Redundancy(1, copies - 1);
    }

    /** Parses {@code 3x} (1x to 5x) or {@code 4+2} (k 2..16, m 1..4); the exception's message says what was expected. */
    public static Redundancy parse(String text) {
        Matcher replicas = REPLICAS.matcher(text);
        if (replicas.matches()) {
            int copies = Integer.parseInt(replicas.group(1));
            if (copies <= REPLICAS_MAX) {
                return replicas(copies);
            }
        }
        Matcher erasure = ERASURE.matcher(text);
        if (erasure.matches()) {
            int data = Integer.parseInt(erasure.group(1));
            int parity = Integer.parseInt(erasure.group(2));
            if (data >= 2 && data <= DATA_FRAGMENTS_MAX && parity <= PARITY_FRAGMENTS_MAX) {
                return new Redundancy(data, parity);
            }
        }
        throw new IllegalArgumentException(
                "expected replicas 1x to 5x or Reed-Solomon k+m (k 2-16, m 1-4) such as 4+2, found \"" + text + "\"");
    }

    /** Fragments in all, each on a disk of its own. */
    public int fragments() {
        return dataFragments + parityFragments;
    }

    /** Disks that may be lost without losing a byte. */
    public int losses() {
        return parityFragments;
    }

    public boolean isReplicas() {
        return dataFragments == 1;
    }

    @Override
    public String toString() {
        return isReplicas() ? fragments() + "x" : dataFragments + "+" + parityFragments;
    }
}
