package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.BatchArena;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.RootRecord;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IntentLogTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 300;
    private static final long INCARNATION = 99;

    private final List<MemoryBlockDevice> devices = new ArrayList<>();
    private final DiskSet disks;
    private final RootRecord.Log layout = new RootRecord.Log(
            List.of(new BlockAddress(0, 10), new BlockAddress(1, 20), new BlockAddress(2, 30)), BLOCKS, 0, 1);

    IntentLogTest() {
        List<PoolDisk> members = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            devices.add(new MemoryBlockDevice("disk" + i, 2 << 20));
            members.add(new PoolDisk(
                    i, new UUID(0, i), devices.get(i), 2 << 20, "", new PoolDisk.State(DiskHealth.HEALTHY, "", 0)));
        }
        disks = new DiskSet(members);
    }

    private IntentLog open(RootRecord.Log at) {
        return new IntentLog(
                disks,
                IntentLogTest::runInline,
                at,
                INCARNATION,
                new BatchArena(),
                at.startBlock(),
                at.startSequence());
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

    private IntentLog.Replay replay(RootRecord.Log from) {
        return IntentLog.replay(disks, from, INCARNATION, Arena.ofAuto());
    }

    private static byte[] payload(int bytes, long seed) {
        byte[] payload = new byte[bytes];
        new Random(seed).nextBytes(payload);
        return payload;
    }

    private static boolean append(IntentLog log, byte[] payload) {
        int cut = payload.length / 3;
        MemorySegment whole = MemorySegment.ofArray(payload);
        return log.append(List.of(whole.asSlice(0, cut), whole.asSlice(cut)));
    }

    private static void assertPayloads(IntentLog.Replay replay, List<byte[]> expected) {
        assertThat(replay.payloads().stream().map(p -> p.toArray(ValueLayout.JAVA_BYTE)))
                .containsExactlyElementsOf(expected);
    }

    /** Changes one byte of a block of the log on one disk. */
    private void corrupt(int copy, long position, int offset) {
        BlockAddress place = layout.copies().get(copy);
        MemorySegment bytes = devices.get(place.disk()).bytes();
        long at = (place.block() + position % BLOCKS) * BLOCK + offset;
        bytes.set(ValueLayout.JAVA_BYTE, at, (byte) (bytes.get(ValueLayout.JAVA_BYTE, at) ^ 1));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void everyRecordSinceTheStartIsReplayedThroughManyLaps(long seed) {
        Random random = new Random(seed);
        IntentLog log = open(layout);
        List<byte[]> kept = new ArrayList<>();
        List<RootRecord.Log> starts = new ArrayList<>(List.of(log.described()));
        RootRecord.Log start = starts.getFirst();
        for (int i = 0; i < 200; i++) {
            byte[] payload = payload(1 + random.nextInt(random.nextInt(4) == 0 ? 300_000 : 9000), i);
            if (!log.hasRoomFor(payload.length, start.startBlock())) {
                // A commit: what was logged is in a root now.
                start = log.described();
                kept.clear();
            }
            assertThat(append(log, payload)).isTrue();
            kept.add(payload);
            IntentLog.Replay replay = replay(start);
            assertPayloads(replay, kept);
            assertThat(replay.damage()).as("seed %d, record %d", seed, i).isNull();
            assertThat(replay.head()).isEqualTo(log.head());
            assertThat(replay.nextSequence()).isEqualTo(start.startSequence() + kept.size());
        }
        assertThat(log.head()).isGreaterThan(5L * BLOCKS);
    }

    @Test
    void anEmptyLogHoldsNothing() {
        assertPayloads(replay(layout), List.of());
        assertThat(replay(RootRecord.Log.NONE).payloads()).isEmpty();
        assertThat(open(RootRecord.Log.NONE).isIntact()).isFalse();
    }

    @Test
    void aRecordIsOneWriteAndOneFlushOnEachDisk() {
        append(open(layout), payload(50_000, 1));
        assertThat(devices).allSatisfy(device -> {
            assertThat(device.writes()).hasSize(1);
            assertThat(device.flushes()).isEqualTo(1);
        });
    }

    @Test
    void aLastRecordThatIsTornOnAllDisksIsTheEnd() {
        IntentLog log = open(layout);
        append(log, payload(9000, 1));
        long torn = log.head();
        append(log, payload(9000, 2));
        for (int copy = 0; copy < 3; copy++) {
            corrupt(copy, torn + copy, 100);
        }
        IntentLog.Replay replay = replay(layout);
        assertPayloads(replay, List.of(payload(9000, 1)));
        assertThat(replay.damage()).isNull();
        assertThat(replay.head()).isEqualTo(torn);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aRecordThatIsTornOnTwoDisksIsReadFromTheThird(int good) {
        IntentLog log = open(layout);
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            for (int copy = 0; copy < 3; copy++) {
                all.add(payload(5000 + i, i * 3L + copy));
                long position = log.head();
                append(log, all.getLast());
                for (int other = 0; other < 3; other++) {
                    if (other != good) {
                        corrupt(other, position, i % 2 == 0 ? 50 : 200);
                    }
                }
            }
        }
        IntentLog.Replay replay = replay(layout);
        assertPayloads(replay, all);
        assertThat(replay.damage()).isNull();
    }

    @Test
    void aRecordWhoseCopiesAreDamagedInDifferentPlacesIsNotPutTogether() {
        IntentLog log = open(layout);
        append(log, payload(20_000, 1));
        for (int copy = 0; copy < 3; copy++) {
            corrupt(copy, copy, 300);
        }
        assertPayloads(replay(layout), List.of());
    }

    @Test
    void anUnreadableRecordThatOthersFollowIsDamage() {
        IntentLog log = open(layout);
        append(log, payload(5000, 1));
        long lost = log.head();
        append(log, payload(5000, 2));
        append(log, payload(5000, 3));
        append(log, payload(5000, 4));
        for (int copy = 0; copy < 3; copy++) {
            corrupt(copy, lost, 4000);
        }
        IntentLog.Replay replay = replay(layout);
        assertPayloads(replay, List.of(payload(5000, 1)));
        assertThat(replay.damage()).contains("record 2").contains("3 disks").contains("follows");
    }

    @Test
    void damageIsFoundBehindTheEndOfTheRegionToo() {
        IntentLog log = open(layout);
        while (log.head() < BLOCKS - 20) {
            append(log, payload(40_000, 1));
        }
        RootRecord.Log start = log.described();
        long lost = log.head();
        append(log, payload(30_000, 2));
        append(log, payload(60_000, 3));
        assertThat(log.head()).isGreaterThan(BLOCKS);
        for (int copy = 0; copy < 3; copy++) {
            corrupt(copy, lost, 60);
        }
        assertThat(replay(start).damage()).isNotNull();
    }

    @Test
    void damageIsFoundBesideBlocksThatCannotBeRead() {
        IntentLog log = open(layout);
        long lost = log.head();
        append(log, payload(5000, 1));
        append(log, payload(5000, 2));
        long follower = lost + 2;
        for (int copy = 0; copy < 3; copy++) {
            BlockAddress place = layout.copies().get(copy);
            for (int block = 0; block < BLOCKS; block++) {
                boolean readable = copy == 1 && block == follower;
                if (!readable) {
                    devices.get(place.disk()).failReadsAt((place.block() + block) * BLOCK);
                }
            }
        }
        assertThat(replay(layout).damage()).contains("record 1").contains("record 2 follows");
    }

    @Test
    void theWholeLogIsLookedThroughInPiecesOfAMebibyte() {
        append(open(layout), payload(100, 1));
        int[] reads = new int[1];
        List<PoolDisk> counting = new ArrayList<>();
        for (PoolDisk disk : disks.all()) {
            counting.add(new PoolDisk(
                    disk.index(),
                    disk.uuid(),
                    new CountingDevice(devices.get(disk.index()), reads),
                    2 << 20,
                    "",
                    disk.state()));
        }
        IntentLog.replay(new DiskSet(counting), layout, INCARNATION, Arena.ofAuto());
        assertThat(reads[0]).isLessThan(20);
    }

    private record CountingDevice(MemoryBlockDevice device, int[] reads)
            implements io.dynamicfs.engine.device.BlockDevice {
        @Override
        public long sizeBytes() {
            return device.sizeBytes();
        }

        @Override
        public String name() {
            return device.name();
        }

        @Override
        public void read(long offset, MemorySegment target) throws DeviceException {
            reads[0]++;
            device.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source) throws DeviceException {
            device.write(offset, source);
        }

        @Override
        public void flush() throws DeviceException {
            device.flush();
        }

        @Override
        public void discard(long offset, long length) {
            device.discard(offset, length);
        }

        @Override
        public void close() {}
    }

    @Test
    void recordsOfAnotherIncarnationAreNeverReplayed() {
        IntentLog log = open(layout);
        append(log, payload(5000, 1));
        append(log, payload(5000, 2));
        IntentLog.Replay replay = IntentLog.replay(disks, layout, INCARNATION + 1, Arena.ofAuto());
        assertPayloads(replay, List.of());
        assertThat(replay.damage()).isNull();
    }

    @Test
    void whatAnEarlierLapLeftIsNeitherReplayedNorDamage() {
        IntentLog log = open(layout);
        while (log.head() < 3L * BLOCKS) {
            append(log, payload(7000, log.head()));
        }
        IntentLog.Replay replay = replay(log.described());
        assertPayloads(replay, List.of());
        assertThat(replay.damage()).isNull();
    }

    @Test
    void aPayloadThatWouldOverwriteWhatIsKeptHasNoRoom() {
        IntentLog log = open(layout);
        long all = (long) BLOCKS * BLOCK - IntentLog.HEADER_BYTES;
        assertThat(log.hasRoomFor(all, 0)).isTrue();
        assertThat(log.hasRoomFor(all + 1, 0)).isFalse();
        append(log, payload(5000, 1));
        // It would have to start over, and the two blocks at the end count as taken.
        assertThat(log.hasRoomFor(all - 2 * BLOCK, 0)).isTrue();
        assertThat(log.hasRoomFor(all - BLOCK, 0)).isFalse();
        assertThat(log.hasRoomFor(all - 2 * BLOCK, 2)).isTrue();
        assertThat(log.hasRoomFor(all, BLOCKS)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDiskThatFailsBreaksTheLogAndNothingIsAcknowledged(boolean flush) {
        IntentLog log = open(layout);
        assertThat(append(log, payload(100, 1))).isTrue();
        if (flush) {
            devices.get(1).failFlushes(true);
        } else {
            devices.get(1).failWritesAt(21 * BLOCK);
        }
        assertThat(append(log, payload(100, 2))).isFalse();
        assertThat(log.isIntact()).isFalse();
        assertThat(append(log, payload(100, 3))).isFalse();
        assertThat(log.described().startSequence()).isEqualTo(2);
        // It is on two disks and not acknowledged: to replay it or not is both right.
        IntentLog.Replay replay = replay(layout);
        assertThat(replay.damage()).isNull();
        assertThat(replay.payloads().size()).isBetween(1, 2);
        assertThat(replay.payloads().getFirst().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(payload(100, 1));
    }

    @Test
    void hostileBlocksAreNeverReplayed() {
        Random random = new Random(8);
        IntentLog log = open(layout);
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(payload(6000, i));
            append(log, all.getLast());
        }
        byte[][] images = devices.stream()
                .map(d -> d.bytes().toArray(ValueLayout.JAVA_BYTE))
                .toArray(byte[][]::new);
        for (int i = 0; i < 300; i++) {
            for (int copy = 0; copy < 3; copy++) {
                MemorySegment.copy(
                        images[copy], 0, devices.get(copy).bytes(), ValueLayout.JAVA_BYTE, 0, images[copy].length);
                for (int changes = random.nextInt(12); changes > 0; changes--) {
                    corrupt(
                            copy,
                            random.nextInt(8),
                            random.nextBoolean() ? random.nextInt(128) : random.nextInt(BLOCK));
                }
            }
            List<MemorySegment> found = replay(layout).payloads();
            for (int j = 0; j < found.size(); j++) {
                assertThat(found.get(j).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(all.get(j));
            }
        }
    }
}
