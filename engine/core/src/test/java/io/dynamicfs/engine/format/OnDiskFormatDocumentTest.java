package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code docs/on-disk-format.md} says what the code does: each structure's table has the offsets and sizes of its layout. */
class OnDiskFormatDocumentTest {
    private static final Pattern ROW = Pattern.compile("\\| *(\\d+) *\\| *(\\d+) *\\| *([^|]+?) *\\|.*");

    /** One line of a table: offset and size in bytes, and the field's name. */
    record Row(int offset, int bytes, String field) {}

    /** A structure is described in the section with this heading. */
    record Documented(String heading, List<Row> rows) {
        static Documented of(Structure structure) {
            return new Documented(
                    structure.name(),
                    structure.fields().stream()
                            .map(field -> new Row(field.offset(), field.bytes(), field.name()))
                            .toList());
        }
    }

    /** Every layout class has its line here. */
    static Stream<Documented> structures() {
        return Stream.of(Documented.of(IdentityLayout.STRUCTURE), Documented.of(RootRecordLayout.STRUCTURE));
    }

    @ParameterizedTest
    @MethodSource("structures")
    void theTableHasTheOffsetsOfTheLayout(Documented structure) throws Exception {
        assertThat(table(structure.heading()))
                .as("table in the section \"%s\" of %s", structure.heading(), document())
                .containsExactlyElementsOf(structure.rows());
    }

    @ParameterizedTest
    @MethodSource("structures")
    void fieldsFollowEachOtherWithoutGaps(Documented structure) {
        int end = 0;
        for (Row row : structure.rows()) {
            assertThat(row.offset()).as(row.field()).isEqualTo(end);
            end += row.bytes();
        }
    }

    @Test
    void theDocumentNamesTheConstants() throws Exception {
        assertThat(Files.readString(document()))
                .contains("`" + IdentityLayout.MAGIC + "`")
                .contains("`" + RootRecordLayout.MAGIC + "`")
                .contains("version is **" + SealedBlock.VERSION_NEWEST + "**")
                .contains("at least " + (DiskGeometry.DISK_BYTES_MIN >> 20) + " MiB")
                .contains("generation mod " + DiskGeometry.RING_SLOTS);
    }

    private static List<Row> table(String heading) throws Exception {
        List<Row> rows = new ArrayList<>();
        boolean inSection = false;
        for (String line : Files.readAllLines(document())) {
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
    private static Path document() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve("docs/on-disk-format.md"))) {
                return at.resolve("docs/on-disk-format.md");
            }
        }
        throw new AssertionError("no directory above has docs/on-disk-format.md");
    }
}
