package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.Signature;
import io.dynamicfs.engine.device.Signatures;
import io.dynamicfs.engine.format.FeatureWords;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.IdentityLayout;
import io.dynamicfs.engine.format.Samples;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class DiskLabelsTest {
    private static final long SIZE = (18L << 20) + 8192;
    private final Random random = new Random(42);
    private final MemoryBlockDevice disk = new MemoryBlockDevice("disk", SIZE);
    private final Identity identity = identity("pool", SIZE);

    @Test
    void aFormattedDiskIsRecognised() throws Exception {
        disk.bytes().fill((byte) 0x5a);
        DiskLabels.format(disk, identity);
        assertThat(DiskLabels.read(disk)).isEqualTo(new DiskLabelReading.Labelled(identity, List.of()));
        assertThat(new RootRing(disk, identity).read()).isEqualTo(new RootRingReading(List.of(), List.of()));
        assertThat(Signatures.find(disk)).hasSize(4).allMatch(s -> s.name().equals(Signatures.DYNAMICFS));
    }

    @Test
    void formattingRemovesForeignSignaturesAtBothEnds() throws Exception {
        byte[] gpt = "EFI PART".getBytes(StandardCharsets.US_ASCII);
        disk.bytes().asSlice(512, 8).copyFrom(MemorySegment.ofArray(gpt));
        disk.bytes().asSlice(SIZE - 512, 8).copyFrom(MemorySegment.ofArray(gpt));
        assertThat(Signatures.find(disk)).extracting(Signature::name).containsExactly("GPT", "GPT");
        DiskLabels.format(disk, identity("pool", 17L << 20));
        assertThat(Signatures.find(disk)).extracting(Signature::name).doesNotContain("GPT");
    }

    @Test
    void anErasedDiskIsUnlabelledAndHasNoRoots() throws Exception {
        Identity smaller = identity("pool", 17L << 20);
        DiskLabels.format(disk, smaller);
        DiskLabels.erase(disk);
        assertThat(DiskLabels.read(disk)).isEqualTo(new DiskLabelReading.Unlabelled());
        assertThat(smaller.geometry().identityOffsets())
                .allMatch(offset -> disk.bytes().get(ValueLayout.JAVA_BYTE, offset) == 0);
        assertThat(new RootRing(disk, smaller).read().findings()).isEmpty();
    }

    @Test
    void aBlankOrForeignDiskIsUnlabelled() {
        assertThat(DiskLabels.read(disk)).isEqualTo(new DiskLabelReading.Unlabelled());
        disk.bytes().fill((byte) 0x5a);
        assertThat(DiskLabels.read(disk)).isEqualTo(new DiskLabelReading.Unlabelled());
    }

    @Test
    void anyOneCopyIsEnoughAndHealsTheOthers() throws Exception {
        for (int kept = 0; kept < 4; kept++) {
            DiskLabels.format(disk, identity);
            for (int i = 0; i < 4; i++) {
                if (i != kept) {
                    flipBit(identity.geometry().identityOffsets().get(i));
                }
            }
            DiskLabelReading.Labelled reading = labelled();
            assertThat(reading.identity()).isEqualTo(identity);
            assertThat(reading.damaged()).hasSize(3);
            assertThat(reading.describe()).contains("BLAKE3");
            assertThat(DiskLabels.heal(disk, reading)).isEqualTo(3);
            assertThat(labelled().damaged()).isEmpty();
        }
    }

    @Test
    void anUnreadableCopyIsAFindingNotAnError() throws Exception {
        DiskLabels.format(disk, identity);
        disk.failReadsAt(64 << 10);
        assertThat(labelled().damaged())
                .extracting(DiskLabelReading.Copy::offset)
                .containsExactly(64L << 10);
    }

    @Test
    void aDiskThatHasLostAllCopiesIsNotTakenForABlankOne() throws Exception {
        DiskLabels.format(disk, identity);
        identity.geometry().identityOffsets().forEach(this::flipBit);
        assertThat(DiskLabels.read(disk)).isInstanceOf(DiskLabelReading.Unusable.class);
    }

    @Test
    void anInterruptedChangeIsFinishedByHealingFromTheFirstCopy() throws Exception {
        DiskLabels.format(disk, identity);
        Identity renamed = new Identity(
                FeatureWords.NONE, identity.poolId(), identity.diskId(), identity.diskIndex(), SIZE, 1, "renamed");
        disk.failWritesAt(68 << 10);
        assertThatThrownBy(() -> DiskLabels.write(disk, renamed)).isInstanceOf(DeviceException.class);
        assertThat(labelled().identity()).isEqualTo(renamed);
        assertThat(labelled().damaged()).hasSize(3);
    }

    @Test
    void anInterruptedFormatLeavesNothingOfTheOldPool() throws Exception {
        DiskLabels.format(disk, identity);
        disk.failFlushes(true);
        assertThatThrownBy(() -> DiskLabels.format(disk, identity("other", SIZE)))
                .isInstanceOf(DeviceException.class);
        assertThat(DiskLabels.read(disk)).isEqualTo(new DiskLabelReading.Unlabelled());
    }

    @Test
    void copiesOfTwoDisksContradictEachOther() throws Exception {
        DiskLabels.format(disk, identity);
        MemorySegment head = disk.bytes().asSlice(64 << 10, 8192);
        MemorySegment kept = MemorySegment.ofArray(new byte[8192]).copyFrom(head);
        DiskLabels.format(disk, identity("other", SIZE));
        head.copyFrom(kept);
        assertThat(DiskLabels.read(disk)).isInstanceOf(DiskLabelReading.Contradictory.class);
    }

    @Test
    void aGrownDiskKeepsItsLabelAndAShrunkOneSaysSo() throws Exception {
        Identity smaller = identity("pool", 17L << 20);
        DiskLabels.format(disk, smaller);
        assertThat(labelled().identity()).isEqualTo(smaller);
        assertThat(labelled().damaged()).isEmpty();

        MemoryBlockDevice shrunk = new MemoryBlockDevice("shrunk", 16L << 20);
        shrunk.bytes().copyFrom(disk.bytes().asSlice(0, 16L << 20));
        assertThat(DiskLabels.read(shrunk)).isEqualTo(new DiskLabelReading.Shrunk(smaller, 16L << 20));
    }

    @Test
    void aLaterVersionIsNeverOverruledByAnOlderCopy() throws Exception {
        DiskLabels.format(disk, identity);
        Identity later =
                new Identity(new FeatureWords(0, 0, 1 << 5), identity.poolId(), identity.diskId(), 3, SIZE, 0, "pool");
        IdentityLayout.encode(later, disk.bytes().asSlice(68 << 10, 4096));
        assertThat(DiskLabels.read(disk)).isInstanceOf(DiskLabelReading.Unusable.class);
        assertThat(DiskLabels.read(disk).describe()).contains("bit 5").contains("newer release");
    }

    @Test
    void aDiskThatForgetsWritesFailsFormatting() {
        disk.dropWrites(true);
        assertThatThrownBy(() -> DiskLabels.format(disk, identity))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("reads back differently");
    }

    @Test
    void theFirstCopyIsDurableBeforeTheOthersAreWritten() throws Exception {
        DiskLabels.format(disk, identity);
        disk.writes().clear();
        disk.failFlushes(true);
        assertThatThrownBy(() -> DiskLabels.write(disk, identity)).isInstanceOf(DeviceException.class);
        assertThat(disk.writes()).containsExactly(64L << 10);
    }

    private DiskLabelReading.Labelled labelled() {
        DiskLabelReading reading = DiskLabels.read(disk);
        assertThat(reading).isInstanceOf(DiskLabelReading.Labelled.class);
        return (DiskLabelReading.Labelled) reading;
    }

    private void flipBit(long block) {
        long at = block + 40 + random.nextInt(4000);
        byte before = disk.bytes().get(ValueLayout.JAVA_BYTE, at);
        disk.bytes().set(ValueLayout.JAVA_BYTE, at, (byte) (before ^ 4));
    }

    private Identity identity(String pool, long size) {
        UUID disk = Samples.uuid(random);
        return new Identity(FeatureWords.NONE, Samples.uuid(random), disk, 3, size, 1_700_000_000_000L, pool);
    }
}
