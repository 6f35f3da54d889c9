package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code docs/on-disk-format.md} says what the code does: each structure's table has the offsets and sizes of its layout. */
class OnDiskFormatDocumentTest {
    /** Every layout class has its line here. */
    static Stream<Structure> structures() {
        return Stream.of(
                IdentityLayout.STRUCTURE,
                RootRecordLayout.STRUCTURE,
                PoolRecord.STRUCTURE,
                DiskRecord.STRUCTURE,
                VolumeRecord.STRUCTURE,
                ExtentRecord.STRUCTURE,
                PendingFrees.STRUCTURE,
                ChunkMapLayout.HEADER,
                ChunkMapLayout.ENTRY,
                Slice.OF_EXTENT);
    }

    @ParameterizedTest
    @MethodSource("structures")
    void theTableHasTheOffsetsOfTheLayout(Structure structure) throws Exception {
        FormatDocument.assertDescribes(structure);
    }

    @Test
    void theDocumentNamesTheConstants() throws Exception {
        assertThat(FormatDocument.text())
                .contains("`" + IdentityLayout.MAGIC + "`")
                .contains("`" + RootRecordLayout.MAGIC + "`")
                .contains("version is **" + SealedBlock.VERSION_NEWEST + "**")
                .contains("at least " + (DiskGeometry.DISK_BYTES_MIN >> 20) + " MiB")
                .contains("generation mod " + DiskGeometry.RING_SLOTS)
                .contains("`" + ChunkMapLayout.MAGIC_TEXT + "`")
                .contains("at most " + ExtentRecord.LENGTH_MAX + " bytes")
                .contains("areas of more than " + ExtentRecord.INLINE_CHECKSUM_BYTES_MAX + " bytes")
                .contains("at most " + PendingFrees.ENTRIES_MAX + " entries")
                .contains("at most " + Slice.INLINE_BYTES_MAX + " bytes")
                .contains("at most " + DiskRecord.TEXT_BYTES_MAX + " bytes")
                .contains("at most " + VolumeRecord.NAME_BYTES_MAX + " bytes");
    }

    @Test
    void theDocumentHasTheKeysOfThePoolTree() throws Exception {
        assertThat(FormatDocument.text())
                .contains(key(PoolKeys.POOL, PoolKeys.pool(), "pool record"))
                .contains(key(PoolKeys.DISK, PoolKeys.disk(0), "disk record"))
                .contains(key(PoolKeys.VOLUME, PoolKeys.volume(0), "volume record"))
                .contains(key(PoolKeys.EXTENT, PoolKeys.extent(0), "extent record"))
                .contains(key(PoolKeys.CHECKSUMS, PoolKeys.checksums(0, 0), "part of a checksum area"))
                .contains(key(PoolKeys.REVERSE, PoolKeys.reverse(0, 0), "reverse entry"))
                .contains(key(PoolKeys.SPACE, PoolKeys.space(0, 0), "space bitmap"))
                .contains(key(PoolKeys.SLOTS, PoolKeys.slots(0), "used slots"))
                .contains(key(PoolKeys.PENDING, PoolKeys.pending(0, 0), "pending frees"))
                .contains("| " + PoolKeys.NOTE + " | "
                        + PoolKeys.note("n", 0).length + " to "
                        + PoolKeys.note("n".repeat(PoolKeys.NOTE_NAME_BYTES_MAX), 0).length
                        + " bytes | part of a note |")
                .contains("of " + PoolKeys.NOTE_PART_BYTES + " bytes, numbered from 0");
    }

    /** The start of a line of the table of keys: kind, bytes of the whole key, value. */
    private static String key(byte kind, byte[] key, String value) {
        return "| " + kind + " | " + key.length + " bytes | " + value + " |";
    }
}
