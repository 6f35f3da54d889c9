package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.extent.ExtentGeometry;
import io.dynamicfs.engine.format.FormatDocument;
import io.dynamicfs.engine.format.Structure;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code docs/on-disk-format.md} says of logs, extents and space is what the code does. */
class CommitFormatDocumentTest {

    static Stream<Structure> structures() {
        return Stream.of(IntentLog.HEADER, SurvivorLog.HEADER, AnswerTable.ENTRY, SurvivorLog.RECORD);
    }

    @ParameterizedTest
    @MethodSource("structures")
    void theTableHasTheOffsetsOfTheLayout(Structure structure) throws Exception {
        FormatDocument.assertDescribes(structure);
    }

    @Test
    void theDocumentNamesTheConstants() throws Exception {
        assertThat(FormatDocument.text())
                .contains("`" + IntentLog.MAGIC_TEXT + "`")
                .contains("`" + SurvivorLog.MAGIC_TEXT + "`")
                .contains("groups of " + ExtentGeometry.GROUP_BYTES + " bytes")
                .contains("shorter than " + ExtentGeometry.ERASURE_BYTES_MIN + " bytes")
                .contains("parts of " + CommitRun.CHECKSUM_PART_BYTES + " bytes")
                .contains("region is " + DiskSpace.REGION_BLOCKS + " blocks");
    }
}
