package io.dynamicfs.csi.volume;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A volume's handle: the id of its pool, which moves with the disks, and its name there. */
public record VolumeId(UUID pool, String volume) {
    private static final Pattern SYNTAX = Pattern.compile(
            "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/(" + VolumeName.SYNTAX + ")");

    /** Empty when the text is no handle of ours. */
    public static Optional<VolumeId> parse(String handle) {
        Matcher matcher = SYNTAX.matcher(handle);
        return matcher.matches()
                ? Optional.of(new VolumeId(UUID.fromString(matcher.group(1)), matcher.group(2)))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return pool + "/" + volume;
    }
}
