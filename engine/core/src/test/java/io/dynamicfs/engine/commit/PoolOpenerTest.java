package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.FeatureWords;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.IdentityLayout;
import io.dynamicfs.engine.format.PoolRecord;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.RootRecord;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PoolOpenerTest {
    private static final long DISK_BYTES = 24L << 20;

    private final EngineContext context =
            new EngineContext(() -> Instant.ofEpochSecond(1_700_000_000), new Random(1), PoolOpenerTest::runInline);
    private final List<MemoryBlockDevice> disks = newDisks(6, "disk");

    private static List<MemoryBlockDevice> newDisks(int count, String prefix) {
        List<MemoryBlockDevice> disks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            disks.add(new MemoryBlockDevice(prefix + i, DISK_BYTES));
        }
        return disks;
    }

    private static List<@Nullable DeviceException> runInline(List<IoRunner.Task> tasks) {
        List<@Nullable DeviceException> results = new ArrayList<>();
        for (IoRunner.Task task : tasks) {
            try {
                task.action().run();
                results.add(null);
            } catch (DeviceException e) {
                results.add(e);
            }
        }
        return results;
    }

    private PoolStore create(List<MemoryBlockDevice> devices, String policy) throws PoolException {
        return PoolOpener.create(
                context, devices, "tank", new PoolRecord(Redundancy.parse(policy), true, 0), AddOptions.DEFAULT);
    }

    /** A pool of the six disks at generation 1. */
    private UUID createTank() throws PoolException {
        PoolStore store = create(disks, "4+2");
        assertThat(store.root().generation()).isEqualTo(1);
        return store.identity().poolId();
    }

    private PoolStore open(List<? extends BlockDevice> devices, OpenOptions options) throws PoolException {
        return PoolOpener.open(context, devices, options).store();
    }

    private PoolStore open(List<? extends BlockDevice> devices) throws PoolException {
        return open(devices, OpenOptions.DEFAULT);
    }

    private PoolException refused(List<? extends BlockDevice> devices, OpenOptions options) {
        PoolException refusal = catchThrowableOfType(PoolException.class, () -> open(devices, options));
        assertThat(refusal).as("refusal").isNotNull();
        assertThat(devices)
                .as("they are the caller's again")
                .allMatch(device -> !((MemoryBlockDevice) device).isClosed());
        return refusal;
    }

    private List<MemoryBlockDevice> without(Integer... missing) {
        List<MemoryBlockDevice> present = new ArrayList<>(disks);
        for (int index : missing) {
            present.remove(disks.get(index));
        }
        return present;
    }

    private static void commit(PoolStore store) {
        CommitRun run = store.beginCommit(new NoVolumes());
        while (run.step()) {
            // To the end.
        }
    }

    private static final class NoVolumes implements CommitContent {
        @Override
        public List<Piece> gather() {
            return List.of();
        }

        @Override
        public Frozen freeze(Storer storer) {
            return new Frozen(List.of(), List.of(), Map.of(), 0);
        }

        @Override
        public List<MemorySegment> unstored() {
            return List.of();
        }

        @Override
        public void published(long generation) {}
    }

    private static MemoryBlockDevice copyOf(MemoryBlockDevice disk, String name) {
        MemoryBlockDevice copy = new MemoryBlockDevice(name, disk.sizeBytes());
        copy.bytes().copyFrom(disk.bytes());
        return copy;
    }

    // Creating

    @Test
    void tooFewDisksAreRefusedWithTheNumberThatIsNeeded() {
        PoolException refusal = catchThrowableOfType(PoolException.class, () -> create(disks.subList(0, 5), "4+2"));
        assertThat(refusal.reason()).isEqualTo(Reason.TOO_FEW_DISKS);
        assertThat(refusal)
                .hasMessageContaining("4+2")
                .hasMessageContaining("6 disks")
                .hasMessageContaining("found 5");
        assertNothingWasWritten();
    }

    @Test
    void aDiskThatIsTooSmallIsRefused() {
        disks.set(3, new MemoryBlockDevice("tiny", DiskGeometry.DISK_BYTES_MIN - 4096));
        PoolException refusal = catchThrowableOfType(PoolException.class, () -> create(disks, "4+2"));
        assertThat(refusal.reason()).isEqualTo(Reason.DISK_TOO_SMALL);
        assertThat(refusal).hasMessageContaining("tiny").hasMessageContaining("" + DiskGeometry.DISK_BYTES_MIN);
        assertNothingWasWritten();
    }

    @Test
    void aForeignSignatureIsRefusedUntilItIsNamed() throws Exception {
        byte[] gpt = "EFI PART".getBytes(StandardCharsets.US_ASCII);
        disks.get(2).bytes().asSlice(512, 8).copyFrom(MemorySegment.ofArray(gpt));
        PoolException refusal = catchThrowableOfType(PoolException.class, () -> create(disks, "4+2"));
        assertThat(refusal.reason()).isEqualTo(Reason.DISK_FOREIGN);
        assertThat(refusal)
                .hasMessageContaining("disk2")
                .hasMessageContaining("GPT at byte 512")
                .hasMessageContaining("--overwrite \"GPT\"");
        assertNothingWasWritten();
        PoolRecord record = new PoolRecord(new Redundancy(4, 2), true, 0);
        PoolException other = catchThrowableOfType(
                PoolException.class,
                () -> PoolOpener.create(context, disks, "tank", record, AddOptions.overwriting(List.of("ext4"))));
        assertThat(other.reason()).isEqualTo(Reason.DISK_FOREIGN);
        PoolOpener.create(context, disks, "tank", record, AddOptions.overwriting(List.of("GPT")));
        assertThat(open(disks).root().generation()).isEqualTo(1);
    }

    @Test
    void aDiskOfAPoolIsRefusedUntilThatPoolIsNamedByItsId() throws Exception {
        String tank = createTank().toString();
        List<MemoryBlockDevice> others = newDisks(6, "other");
        others.set(5, disks.get(1));
        for (AddOptions options : List.of(AddOptions.DEFAULT, AddOptions.overwriting(List.of("DynamicFS")))) {
            PoolException refusal = catchThrowableOfType(
                    PoolException.class,
                    () -> PoolOpener.create(
                            context, others, "second", new PoolRecord(new Redundancy(4, 2), true, 0), options));
            assertThat(refusal.reason()).isEqualTo(Reason.DISK_IN_POOL);
            assertThat(refusal)
                    .hasMessageContaining("disk1")
                    .hasMessageContaining("disk 1 of pool tank")
                    .hasMessageContaining("--overwrite " + tank);
        }
        assertThat(open(disks).root().generation()).isEqualTo(1);
        PoolRecord record = new PoolRecord(new Redundancy(4, 2), true, 0);
        PoolOpener.create(context, others, "second", record, AddOptions.overwriting(List.of(tank)));
        assertThat(open(others).identity().poolName()).isEqualTo("second");
    }

    @Test
    void aDiskThatFailsWhileThePoolIsMadeLeavesTheOthersFree() {
        disks.get(4).failFlushes(true);
        PoolException refusal = catchThrowableOfType(PoolException.class, () -> create(disks, "4+2"));
        assertThat(refusal.reason()).isEqualTo(Reason.DISK_FAILED);
        assertThat(refusal).hasMessageContaining("disk4");
        for (MemoryBlockDevice disk : without(4)) {
            assertThat(DiskLabels.read(disk)).isInstanceOf(DiskLabelReading.Unlabelled.class);
        }
    }

    private void assertNothingWasWritten() {
        assertThat(disks).allSatisfy(disk -> assertThat(disk.writes()).isEmpty());
    }

    // Opening

    @Test
    void openingWritesNothing() throws Exception {
        createTank();
        disks.forEach(disk -> disk.writes().clear());
        PoolStore store = open(disks);
        assertNothingWasWritten();
        assertThat(store.identity().poolName()).isEqualTo("tank");
        assertThat(store.disks().all()).hasSize(6);
        assertThat(store.disks().writable()).hasSize(6);
    }

    @Test
    void theOrderAndTheNamesOfTheDevicesDoNotMatter() throws Exception {
        createTank();
        PoolStore store = open(disks.reversed());
        for (PoolDisk disk : store.disks().all()) {
            assertThat(disk.name()).isEqualTo("disk" + disk.index());
        }
        commit(store);
        assertThat(open(disks).root().generation()).isEqualTo(2);
    }

    @Test
    void everyOpenerStartsAnEpochAndAnIncarnation() throws Exception {
        createTank();
        RootRecord first = open(disks).root();
        PoolStore second = open(disks);
        commit(second);
        commit(second);
        assertThat(second.root().epoch()).isEqualTo(first.epoch() + 1);
        assertThat(second.root().incarnation()).isNotEqualTo(first.incarnation());
        assertThat(second.root().generation()).isEqualTo(3);
    }

    @Test
    void emptyDisksAreNoPool() {
        PoolException refusal = refused(disks, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.POOL_NOT_FOUND);
        assertThat(refusal).hasMessageContaining("none of the 6 disks").hasMessageContaining("disk3: not a disk");
        assertThat(refused(List.of(), OpenOptions.DEFAULT).reason()).isEqualTo(Reason.POOL_NOT_FOUND);
    }

    @Test
    void disksOfTwoPoolsNeedTheNameOfOne() throws Exception {
        UUID first = createTank();
        List<MemoryBlockDevice> others = newDisks(3, "other");
        UUID second = create(others, "3x").identity().poolId();
        List<MemoryBlockDevice> all = new ArrayList<>(disks);
        all.addAll(others);
        PoolException refusal = refused(all, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.POOL_AMBIGUOUS);
        assertThat(refusal).hasMessageContaining(first.toString()).hasMessageContaining(second.toString());
        assertThat(open(all, new OpenOptions(second, false, null, false))
                        .disks()
                        .all())
                .hasSize(3);
        assertThat(open(all, new OpenOptions(first, false, null, false)).disks().all())
                .hasSize(6);
        UUID third = new UUID(4, 4);
        assertThat(refused(all, new OpenOptions(third, false, null, false)))
                .hasMessageContaining("belongs to pool " + third)
                .extracting(PoolException::reason)
                .isEqualTo(Reason.POOL_NOT_FOUND);
    }

    @Test
    void theSameDiskUnderTwoNamesIsRefused() throws Exception {
        createTank();
        List<MemoryBlockDevice> twice = new ArrayList<>(disks);
        twice.add(copyOf(disks.get(2), "copy"));
        PoolException refusal = refused(twice, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.DISK_TWICE);
        assertThat(refusal)
                .hasMessageContaining("disk2")
                .hasMessageContaining("copy")
                .hasMessageContaining("name only one");
    }

    @Test
    void aMinorityOfMissingRootDisksDoesNotMatter() throws Exception {
        createTank();
        PoolStore store = open(without(0, 3));
        assertThat(store.disks().get(3).state().health()).isEqualTo(DiskHealth.FAILED);
        assertThat(store.disks().get(3).state().reason()).contains("missing");
        assertThat(store.disks().get(3).isPresent()).isFalse();
        commit(store);
        assertThat(store.root().rootDisks()).doesNotContain(0, 3);
    }

    @Test
    void aMajorityOfMissingRootDisksIsNamedWithTheWordToUse() throws Exception {
        createTank();
        List<UUID> uuids =
                open(disks).disks().all().stream().map(PoolDisk::uuid).toList();
        List<MemoryBlockDevice> present = without(0, 2, 3);
        PoolException refusal = refused(present, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.DISKS_MISSING);
        assertThat(refusal)
                .hasMessageContaining("2 of its 5 root disks")
                .hasMessageContaining("at least 3")
                .hasMessageContaining("disk 0 (no serial, uuid " + uuids.get(0) + ")")
                .hasMessageContaining("disk 2 (no serial, uuid " + uuids.get(2) + ")")
                .hasMessageContaining("--degraded")
                .hasMessageContaining("generation 1");
        PoolStore degraded = open(present, new OpenOptions(null, true, null, false));
        assertThat(degraded.root().generation()).isEqualTo(1);
        assertThat(degraded.disks().writable()).hasSize(3);
    }

    @Test
    void aRootThatReachedOnlyOneDiskIsNotLost() throws Exception {
        createTank();
        List<MemoryBlockDevice> before =
                disks.stream().map(disk -> copyOf(disk, disk.name())).toList();
        PoolStore store = open(disks);
        commit(store);
        RootRecord newest = store.root();
        // The machine died when only disk 1 had the root; nodes are on all their disks.
        for (MemoryBlockDevice disk : without(1)) {
            restoreRings(disk, before.get(disks.indexOf(disk)));
        }
        PoolStore after = open(disks);
        assertThat(after.root()).isEqualTo(newest);
        commit(after);
        assertThat(open(disks).root().generation()).isEqualTo(newest.generation() + 1);
    }

    private static void restoreRings(MemoryBlockDevice disk, MemoryBlockDevice from) {
        DiskGeometry geometry = new DiskGeometry(disk.sizeBytes());
        for (DiskGeometry.Ring ring : DiskGeometry.Ring.values()) {
            long offset = geometry.ringOffset(ring);
            disk.bytes()
                    .asSlice(offset, DiskGeometry.RING_BYTES)
                    .copyFrom(from.bytes().asSlice(offset, DiskGeometry.RING_BYTES));
        }
    }

    @Test
    void aDiskThatWasAwayComesBackAndIsUsedAgain() throws Exception {
        createTank();
        MemoryBlockDevice away = copyOf(disks.get(2), "disk2");
        PoolStore store = open(without(2));
        for (int i = 0; i < 5; i++) {
            commit(store);
        }
        disks.set(2, away);
        PoolStore after = open(disks);
        assertThat(after.root()).isEqualTo(store.root());
        assertThat(after.disks().get(2).isReadable()).isTrue();
        commit(after);
        commit(after);
        assertThat(open(disks).root()).isEqualTo(after.root());
        // The others may be away now: the disk that returned counts.
        assertThat(open(without(0, 1)).root()).isEqualTo(after.root());
    }

    @Test
    void rollingBackHoldsAfterTheNextOpening() throws Exception {
        createTank();
        PoolStore first = open(disks);
        commit(first);
        PoolStore second = open(disks);
        commit(second);
        commit(second);
        assertThat(second.root().generation()).isEqualTo(4);
        PoolStore back = open(disks, new OpenOptions(null, false, 2L, false));
        assertThat(back.root()).isEqualTo(first.root());
        commit(back);
        assertThat(back.root().generation()).isEqualTo(3);
        assertThat(open(disks).root()).as("not the root that was given up").isEqualTo(back.root());
    }

    @Test
    void rollingBackFurtherThanAnyRootIsRefused() throws Exception {
        createTank();
        PoolException refusal = refused(disks, new OpenOptions(null, false, 0L, false));
        assertThat(refusal.reason()).isEqualTo(Reason.DAMAGED);
        assertThat(refusal).hasMessageContaining("generation 0 or older");
    }

    @Test
    void aChunkMapThatIsDamagedEverywhereIsRefusedWithTheWayBack() throws Exception {
        createTank();
        PoolStore store = open(disks);
        commit(store);
        List<BlockAddress> copies = store.root().chunkMap().copies();
        assertThat(copies).hasSize(3);
        for (BlockAddress copy : copies.subList(0, 2)) {
            flip(disks.get(copy.disk()), copy.offsetBytes());
        }
        assertThat(open(disks).root()).as("one copy is enough").isEqualTo(store.root());
        disks.get(copies.get(2).disk()).failReadsAt(copies.get(2).offsetBytes());
        PoolException refusal = refused(disks, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.DAMAGED);
        assertThat(refusal)
                .hasMessageContaining("chunk map of generation 2")
                .hasMessageContaining("--accept-rollback 1");
    }

    @Test
    void poolTreeNodesThatAreDamagedEverywhereAreRefused() throws Exception {
        createTank();
        PoolStore store = open(disks);
        for (BlockAddress place : store.metadata().places(store.root().poolTree())) {
            flip(disks.get(place.disk()), place.offsetBytes() + 100);
        }
        PoolException refusal = refused(disks, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.DAMAGED);
        assertThat(refusal).hasMessageContaining("generation 1 cannot be read").hasMessageContaining("metadata node");
    }

    private static void flip(MemoryBlockDevice disk, long offset) {
        disk.bytes().set(ValueLayout.JAVA_BYTE, offset, (byte) ~disk.bytes().get(ValueLayout.JAVA_BYTE, offset));
    }

    @Test
    void disksWithoutAnyRootAreRefused() throws Exception {
        createTank();
        MemoryBlockDevice empty = new MemoryBlockDevice("empty", DISK_BYTES);
        disks.forEach(disk -> restoreRings(disk, empty));
        PoolException refusal = refused(disks, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.DAMAGED);
        assertThat(refusal).hasMessageContaining("none of the 6 disks of pool tank");
    }

    private static void relabel(MemoryBlockDevice disk, UnaryOperator<Identity> change) throws DeviceException {
        if (DiskLabels.read(disk) instanceof DiskLabelReading.Labelled(Identity identity, var damaged)) {
            for (long offset : identity.geometry().identityOffsets()) {
                IdentityLayout.encode(change.apply(identity), disk.bytes().asSlice(offset, IdentityLayout.BYTES));
            }
        } else {
            throw new AssertionError(disk.name());
        }
    }

    private static Identity withFeatures(Identity identity, FeatureWords features) {
        return new Identity(
                features,
                identity.poolId(),
                identity.diskId(),
                identity.diskIndex(),
                identity.sizeBytes(),
                identity.createdMillis(),
                identity.poolName());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 6})
    void unknownIncompatibleFeaturesOfAnyDiskForbidThePool(int count) throws Exception {
        createTank();
        for (MemoryBlockDevice disk : disks.subList(0, count)) {
            relabel(disk, identity -> withFeatures(identity, new FeatureWords(0, 0, 1L << 5)));
        }
        disks.forEach(disk -> disk.writes().clear());
        PoolException refusal = refused(disks, OpenOptions.DEFAULT);
        assertThat(refusal.reason()).isEqualTo(Reason.FORMAT_TOO_NEW);
        assertThat(refusal).hasMessageContaining("disk0").hasMessageContaining("bit 5");
        assertNothingWasWritten();
    }

    @Test
    void unknownReadOnlyFeaturesAllowOnlyReading() throws Exception {
        createTank();
        relabel(disks.get(3), identity -> withFeatures(identity, new FeatureWords(0, 1L << 7, 0)));
        assertThat(PoolOpener.open(context, disks, OpenOptions.DEFAULT).readOnlyReason())
                .contains("disk3")
                .contains("bit 7")
                .contains("only read");
    }

    @Test
    void unknownCompatibleFeaturesMeanNothing() throws Exception {
        createTank();
        relabel(disks.get(3), identity -> withFeatures(identity, new FeatureWords(1L << 9, 0, 0)));
        assertThat(open(disks).disks().writable()).hasSize(6);
    }

    @Test
    void aDiskThatWasBeingAddedWhenTheMachineDiedIsTakenInByTheNextCommit() throws Exception {
        createTank();
        MemoryBlockDevice added = new MemoryBlockDevice("added", DISK_BYTES);
        PoolOpener.add(open(disks), added, AddOptions.DEFAULT);
        // No commit: the disk is labelled, and no root knows it.
        disks.add(added);
        PoolStore store = open(disks);
        commit(store);
        assertThat(open(disks).disks().all()).hasSize(7);
        assertThat(open(disks).disks().get(6).isWritable()).isTrue();
    }

    @Test
    void aDiskThatHasThePlaceOfAnotherIsNotTakenForIt() throws Exception {
        createTank();
        MemoryBlockDevice stranger = copyOf(disks.get(4), "stranger");
        relabel(
                stranger,
                identity -> new Identity(
                        identity.features(),
                        identity.poolId(),
                        new UUID(9, 9),
                        identity.diskIndex(),
                        identity.sizeBytes(),
                        identity.createdMillis(),
                        identity.poolName()));
        stranger.writes().clear();
        disks.set(4, stranger);
        PoolStore store = open(disks);
        assertThat(store.disks().get(4).isPresent()).isFalse();
        commit(store);
        assertThat(stranger.writes()).isEmpty();
    }
}
