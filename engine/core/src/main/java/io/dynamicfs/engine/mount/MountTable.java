package io.dynamicfs.engine.mount;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The mounts that this process sees, as in {@code /proc/self/mountinfo}: later entries lie on top of earlier ones. */
public record MountTable(List<Entry> entries) {
    private static final Path SELF = Path.of("/proc/self/mountinfo");
    private static final int DEVICE = 2;
    private static final int ROOT = 3;
    private static final int POINT = 4;
    private static final int OPTIONS = 5;
    private static final int OPTIONAL = 6;

    /**
     * {@code device} is major:minor of the superblock, {@code root} what of it is mounted, {@code options} are those of this
     * mount alone.
     */
    public record Entry(String device, Path root, Path point, List<String> options, String type, String source) {
        public boolean isReadOnly() {
            return options.contains("ro");
        }
    }

    public static MountTable read() throws IOException {
        // Paths are bytes of no certain encoding; ISO 8859-1 keeps every byte until the octal escapes are undone.
        return parse(Files.readString(SELF, StandardCharsets.ISO_8859_1));
    }

    public static MountTable parse(String mountInfo) {
        List<Entry> entries = new ArrayList<>();
        for (String line : mountInfo.lines().toList()) {
            List<String> fields = List.of(line.split(" "));
            int separator = OPTIONAL;
            while (separator < fields.size() && !fields.get(separator).equals("-")) {
                separator++;
            }
            if (separator + 2 < fields.size()) {
                entries.add(new Entry(
                        fields.get(DEVICE),
                        Path.of(unescape(fields.get(ROOT))),
                        Path.of(unescape(fields.get(POINT))),
                        List.of(fields.get(OPTIONS).split(",")),
                        unescape(fields.get(separator + 1)),
                        unescape(fields.get(separator + 2))));
            }
        }
        return new MountTable(List.copyOf(entries));
    }

    /** The mount on top at {@code point}, an absolute path without symbolic links. */
    public Optional<Entry> at(Path point) {
        return entries.stream().filter(entry -> entry.point().equals(point)).reduce((below, above) -> above);
    }

    /** All mounts of one superblock. */
    public List<Entry> ofDevice(String device) {
        return entries.stream().filter(entry -> entry.device().equals(device)).toList();
    }

    /** Spaces, tabs, newlines and backslashes are written as a backslash and three octal digits. */
    private static String unescape(String field) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < field.length(); i++) {
            if (field.charAt(i) == '\\' && i + 3 < field.length()) {
                bytes.write(Integer.parseInt(field.substring(i + 1, i + 4), 8));
                i += 3;
            } else {
                bytes.write(field.charAt(i));
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
