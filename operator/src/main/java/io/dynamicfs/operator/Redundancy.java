package io.dynamicfs.operator;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Copies ({@code 3x}) or Reed-Solomon ({@code 4+2}), as far as the operator has to count disks and bytes. */
record Redundancy(int dataFragments, int parityFragments) {
    private static final Pattern TEXT = Pattern.compile("([1-5])x|([2-9]|1[0-6])\\+([1-4])");

    static Optional<Redundancy> parse(@Nullable String text) {
        Matcher matcher = TEXT.matcher(text == null ? "" : text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        if (matcher.group(1) != null) {
            return Optional.of(new Redundancy(1, Integer.parseInt(matcher.group(1)) - 1));
        }
        return Optional.of(new Redundancy(Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3))));
    }

    /** Disks that it needs on each node. */
    int fragments() {
        return dataFragments + parityFragments;
    }

    /** How many bytes under this redundancy take the place of {@code bytes} under {@code other}. */
    long convert(long bytes, Redundancy other) {
        double share = (double) dataFragments / fragments();
        double otherShare = (double) other.dataFragments / other.fragments();
        return (long) (bytes / otherShare * share);
    }

    @Override
    public String toString() {
        return dataFragments == 1 ? fragments() + "x" : dataFragments + "+" + parityFragments;
    }
}
