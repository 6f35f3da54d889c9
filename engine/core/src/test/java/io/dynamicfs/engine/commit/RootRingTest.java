package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.dynamicfs.engine.commit.RootRingReading.Finding;
import io.dynamicfs.engine.commit.RootRingReading.Kind;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskGeometry.Ring;
import io.dynamicfs.engine.format.FeatureWords;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.RootRecordLayout;
import io.dynamicfs.engine.format.RootSlot;
import io.dynamicfs.engine.format.Samples;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RootRingTest {
    private static final long SIZE = 16L << 20;
    private final Random random = new Random(11);
    private final MemoryBlockDevice disk = new MemoryBlockDevice("disk", SIZE);
    private final Identity identity =
            new Identity(FeatureWords.NONE, Samples.uuid(random), Samples.uuid(random), 2, SIZE, 0, "pool");
    private final DiskGeometry geometry = identity.geometry();
    private final RootRing ring = new RootRing(disk, identity);

    @Test
    void rootsComeBackNewestFirstAndEachOnce() throws Exception {
        for (long generation = 1; generation <= 40; generation++) {
            ring.write(root(1, generation));
        }
        ring.write(root(2, 20));
        RootRingReading reading = ring.read();
        assertThat(reading.findings()).isEmpty();
        assertThat(reading.roots()).hasSize(32);
        assertThat(reading.roots().getFirst()).isEqualTo(root(2, 20));
        assertThat(reading.roots().get(1)).isEqualTo(root(1, 40));
        assertThat(reading.roots().getLast()).isEqualTo(root(1, 9));
    }

    @Test
    void aRootIsTwoWritesOfOneBlockEach() throws Exception {
        ring.write(root(1, 33));
        assertThat(disk.writes()).containsExactly(geometry.slotOffset(Ring.A, 1), geometry.slotOffset(Ring.B, 1));
        assertThat(disk.flushes()).isZero();
    }

    @Test
    void aTornRootInOneRingIsFoundAndTheOtherRingHasIt() throws Exception {
        ring.write(root(1, 5));
        damage(geometry.slotOffset(Ring.A, 5) + 2000);
        RootRingReading reading = ring.read();
        assertThat(reading.roots()).containsExactly(root(1, 5));
        assertThat(reading.findings())
                .extracting(Finding::kind, Finding::ring, Finding::slot)
                .containsExactly(tuple(Kind.TORN, Ring.A, 5));
    }

    @Test
    void aRootThatWasTornInBothRingsLeavesTheOneBefore() throws Exception {
        ring.write(root(1, 5));
        ring.write(root(1, 6));
        damage(geometry.slotOffset(Ring.A, 6));
        damage(geometry.slotOffset(Ring.B, 6));
        assertThat(ring.read().roots()).containsExactly(root(1, 5));
        assertThat(kinds()).containsExactly(Kind.TORN, Kind.TORN);
    }

    @Test
    void aMisdirectedWriteIsNotARoot() throws Exception {
        ring.write(root(1, 5));
        copy(geometry.slotOffset(Ring.A, 5), geometry.slotOffset(Ring.A, 7));
        copy(geometry.slotOffset(Ring.A, 5), geometry.slotOffset(Ring.B, 5));
        assertThat(ring.read().roots()).containsExactly(root(1, 5));
        assertThat(kinds()).containsExactly(Kind.MISDIRECTED, Kind.MISDIRECTED);
    }

    @Test
    void aRootOfAnotherDiskOrAnotherPoolIsNotARoot() throws Exception {
        Identity otherDisk =
                new Identity(FeatureWords.NONE, identity.poolId(), Samples.uuid(random), 2, SIZE, 0, "pool");
        new RootRing(disk, otherDisk).write(root(1, 5));
        assertThat(ring.read().roots()).isEmpty();
        assertThat(kinds()).containsExactly(Kind.MISDIRECTED, Kind.MISDIRECTED);

        Identity otherPool =
                new Identity(FeatureWords.NONE, Samples.uuid(random), identity.diskId(), 2, SIZE, 0, "pool");
        new RootRing(disk, otherPool).write(root(1, 5));
        assertThat(ring.read().roots()).isEmpty();
        assertThat(kinds()).containsExactly(Kind.FOREIGN_POOL, Kind.FOREIGN_POOL);
    }

    @Test
    void aRootInTheSlotOfAnotherGenerationIsNotARoot() {
        put(Ring.A, 9, FeatureWords.NONE, root(1, 5));
        assertThat(ring.read().roots()).isEmpty();
        assertThat(kinds()).containsExactly(Kind.MISDIRECTED);
    }

    @Test
    void twoRootsOfOneGenerationContradictEachOther() throws Exception {
        ring.write(root(1, 5));
        put(Ring.B, 5, FeatureWords.NONE, root(1, 5, 999));
        RootRingReading reading = ring.read();
        assertThat(reading.roots()).containsExactly(root(1, 5));
        assertThat(kinds()).containsExactly(Kind.CONTRADICTORY);
    }

    @Test
    void unknownFeaturesAreNamedAndNoRootIsBelieved() throws Exception {
        ring.write(root(1, 5));
        assertThat(ring.read().holdsOtherVersions()).isFalse();
        put(Ring.A, 6, new FeatureWords(0, 0, 1), root(1, 6));
        assertThat(kinds()).containsExactly(Kind.UNKNOWN_FEATURES);
        assertThat(ring.read().holdsOtherVersions()).isTrue();
    }

    @Test
    void oneUnreadableSlotHidesNoOther() throws Exception {
        for (long generation = 1; generation <= 32; generation++) {
            ring.write(root(1, generation));
        }
        disk.failReadsAt(geometry.slotOffset(Ring.A, 3));
        disk.failReadsAt(geometry.slotOffset(Ring.B, 3));
        RootRingReading reading = ring.read();
        assertThat(reading.roots()).hasSize(31).doesNotContain(root(1, 3));
        assertThat(kinds()).containsExactly(Kind.UNREADABLE, Kind.UNREADABLE);
    }

    @Test
    void aFailedWriteOfOneRingIsThrownAfterTheOtherWasTried() {
        disk.failWritesAt(geometry.slotOffset(Ring.A, 5));
        assertThatThrownBy(() -> ring.write(root(1, 5))).isInstanceOf(DeviceException.class);
        assertThat(ring.read().roots()).containsExactly(root(1, 5));
    }

    @Test
    void rubbishInTheRingsIsReportedSlotBySlot() {
        byte[] rubbish = new byte[DiskGeometry.RING_BYTES];
        random.nextBytes(rubbish);
        disk.bytes().asSlice(geometry.ringOffset(Ring.A), rubbish.length).copyFrom(MemorySegment.ofArray(rubbish));
        assertThat(ring.read().roots()).isEmpty();
        assertThat(kinds()).hasSize(32).containsOnly(Kind.TORN);
    }

    private List<Kind> kinds() {
        return ring.read().findings().stream().map(Finding::kind).toList();
    }

    private void damage(long at) {
        disk.bytes().set(ValueLayout.JAVA_BYTE, at, (byte) (disk.bytes().get(ValueLayout.JAVA_BYTE, at) ^ 0x10));
    }

    private void copy(long from, long to) {
        disk.bytes().asSlice(to, 4096).copyFrom(disk.bytes().asSlice(from, 4096));
    }

    private void put(Ring to, int slot, FeatureWords features, RootRecord root) {
        long offset = geometry.slotOffset(to, slot);
        RootRecordLayout.encode(
                new RootSlot(features, identity.poolId(), identity.diskId(), 2, slot, offset, root),
                disk.bytes().asSlice(offset, 4096));
    }

    private static RootRecord root(long epoch, long generation) {
        return root(epoch, generation, 7);
    }

    private static RootRecord root(long epoch, long generation, long incarnation) {
        return new RootRecord(
                generation,
                epoch,
                incarnation,
                Digest.ZERO,
                false,
                0,
                2,
                3,
                List.of(0, 1, 2),
                NodePointer.NONE,
                RootRecord.ChunkMap.NONE,
                RootRecord.Log.NONE,
                0,
                1,
                1);
    }
}
