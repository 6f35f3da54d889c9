package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code docs/on-disk-format.md}, to be compared with the code. */
public final class FormatDocument {
    private static final Pattern ROW = Pattern.compile("\\| *(\\d+) *\\| *(\\d+) *\\| *([^|]+?) *\\|.*");

    private FormatDocument() {}

    /** One line of a table: offset and size in bytes, and the field's name. */
    private record Row(int offset, int bytes, String field) {}

    /** The section that has the structure's name as its heading has a table of exactly its fields, without gaps. */
    public static void assertDescribes(Structure structure) throws IOException {
        List<Row> expected = structure.fields().stream()
                .map(field -> new Row(field.offset(), field.bytes(), field.name()))
                .toList();
        assertThat(table(structure.name()))
                .as("table in the section \"%s\" of %s", structure.name(), path())
                .containsExactlyElementsOf(expected);
        int end = 0;
        for (Row row : expected) {
            assertThat(row.offset()).as(row.field()).isEqualTo(end);
            end += row.bytes();
        }
    }

    public static String text() throws IOException {
        return Files.readString(path());
    }

    private static List<Row> table(String heading) throws IOException {
        List<Row> rows = new ArrayList<>();
        boolean inSection = false;
        for (String line : Files.readAllLines(path())) {
            if (line.startsWith("#")) {
                inSection = line.replaceFirst("#+ +", "").strip().equals(heading);
            }
            Matcher row = ROW.matcher(line);
            if (inSection && row.matches()) {
                rows.add(new Row(Integer.parseInt(row.group(1)), Integer.parseInt(row.group(2)), row.group(3)));
            }
        }
        return rows;
    }

    /** The build runs in the module's directory, an editor in that of the repository. */
    private static Path path() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve("docs/on-disk-format.md"))) {
                return at.resolve("docs/on-disk-format.md");
            }
        }
        throw new AssertionError("no directory above has docs/on-disk-format.md");
    }
}
