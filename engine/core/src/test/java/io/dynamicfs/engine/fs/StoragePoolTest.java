package io.dynamicfs.engine.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.Redundancy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StoragePoolTest {
    private static final long DISK_BYTES = 64L << 20;
    private static final long SURVIVOR_BYTES = 32L << 20;
    private static final PosixVolume.Owner ROOT = new PosixVolume.Owner(0, 0);

    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private SurvivorMemory survivor = newSurvivor();
    private final EngineContext context =
            new EngineContext(() -> Instant.ofEpochSecond(1_700_000_000), new Random(1), StoragePoolTest::runInline);

    private static SurvivorMemory newSurvivor() {
        return new SurvivorMemory(Arena.ofAuto().allocate(SURVIVOR_BYTES, 4096));
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

    @BeforeEach
    void makeDisks() {
        for (int i = 0; i < 6; i++) {
            disks.add(new MemoryBlockDevice("disk" + i, DISK_BYTES));
        }
    }

    private StoragePool create(String redundancy) throws PoolException {
        return StoragePool.create(context, disks, new PoolSpec("tank", Redundancy.parse(redundancy), true), survivor);
    }

    private StoragePool reopen() throws PoolException {
        return StoragePool.open(context, disks, OpenOptions.DEFAULT, survivor);
    }

    private static byte[] name(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static long makeFile(Volume volume, String name) throws FsException {
        return volume.make(PosixVolume.ROOT_INODE, name(name), Inode.REGULAR | 0644, 0, ROOT)
                .inode();
    }

    private static byte[] random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    private static void write(Volume volume, long inode, long offset, byte[] data) throws FsException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(data.length, 8);
            MemorySegment.copy(data, 0, source, ValueLayout.JAVA_BYTE, 0, data.length);
            volume.write(inode, offset, source);
        }
    }

    private static byte[] read(Volume volume, long inode, long offset, int length) throws FsException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(Math.max(length, 1), 8);
            int count = volume.read(inode, offset, target.asSlice(0, length));
            return target.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void aFileIsReadBackBeforeAndAfterTheCommitAndAfterReopening() throws Exception {
        byte[] data = random(5_000_000, 7);
        try (StoragePool pool = create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            write(volume, inode, 0, data);
            assertThat(read(volume, inode, 0, data.length)).isEqualTo(data);
            pool.commit();
            assertThat(read(volume, inode, 0, data.length)).isEqualTo(data);
            assertThat(read(volume, inode, 1_234_567, 4096))
                    .isEqualTo(java.util.Arrays.copyOfRange(data, 1_234_567, 1_234_567 + 4096));
        }
        try (StoragePool pool = reopen()) {
            Volume volume = pool.volume("v");
            long inode = volume.lookup(PosixVolume.ROOT_INODE, name("file")).inode();
            assertThat(read(volume, inode, 0, data.length)).isEqualTo(data);
        }
    }

    @Test
    void everythingIsReadWithTwoOfSixDisksOverwritten() throws Exception {
        byte[] data = random(9_000_000, 8);
        try (StoragePool pool = create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            long small = makeFile(volume, "small");
            write(volume, inode, 0, data);
            write(volume, small, 0, java.util.Arrays.copyOf(data, 10_000));
            pool.commit();
            for (int lost : new int[] {1, 4}) {
                overwrite(disks.get(lost), lost);
            }
            assertThat(read(volume, inode, 0, data.length)).isEqualTo(data);
            assertThat(read(volume, small, 0, 10_000)).isEqualTo(java.util.Arrays.copyOf(data, 10_000));
            assertThat(pool.status().counters().reconstructedReads()).isPositive();
        }
    }

    @Test
    void theDeathOfTheProcessLosesNothingThatWasAnswered() throws Exception {
        byte[] data = random(300_000, 9);
        StoragePool dying = create("4+2");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = makeFile(volume, "file");
        write(volume, inode, 0, data);
        dying.commit();
        write(volume, inode, 100_000, name("changed"));
        makeFile(volume, "second");
        volume.rename(PosixVolume.ROOT_INODE, name("second"), PosixVolume.ROOT_INODE, name("third"), 0);

        try (StoragePool pool = reopen()) {
            Volume after = pool.volume("v");
            long found = after.lookup(PosixVolume.ROOT_INODE, name("file")).inode();
            assertThat(read(after, found, 100_000, 7)).isEqualTo(name("changed"));
            assertThat(after.lookup(PosixVolume.ROOT_INODE, name("third")).size())
                    .isZero();
        }
    }

    @Test
    void aPowerCutKeepsWhatWasSynced() throws Exception {
        StoragePool dying = create("4+2");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long synced = makeFile(volume, "synced");
        write(volume, synced, 0, random(70_000, 3));
        List<String> answers = new ArrayList<>();
        volume.sync(synced, false, failure -> answers.add(String.valueOf(failure)));
        dying.serveSyncs();
        assertThat(answers).containsExactly("null");
        assertThat(dying.status().counters().logRecords()).isEqualTo(1);
        makeFile(volume, "not-synced");

        survivor = newSurvivor();
        try (StoragePool pool = reopen()) {
            Volume after = pool.volume("v");
            long found = after.lookup(PosixVolume.ROOT_INODE, name("synced")).inode();
            assertThat(read(after, found, 0, 70_000)).isEqualTo(random(70_000, 3));
            assertThatThrownBy(() -> after.lookup(PosixVolume.ROOT_INODE, name("not-synced")))
                    .isInstanceOf(FsException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void whatWasSyncedDuringACommitThatMovesTheLogOutlivesAPowerCut(int failing) throws Exception {
        StoragePool dying = create("4+2");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long gathered = makeFile(volume, "gathered");
        long synced = makeFile(volume, "synced");
        dying.commit();
        write(volume, gathered, 0, random(400_000, 1));
        CommitSteps commit = dying.beginCommit();
        commit.step();
        write(volume, synced, 0, random(50_000, 2));
        List<String> answers = new ArrayList<>();
        volume.sync(synced, false, failure -> answers.add(String.valueOf(failure)));
        dying.serveSyncs();
        assertThat(answers).containsExactly("null");
        // A disk that forgets what is written loses its trust, and the log that it holds moves with this commit.
        disks.get(failing).dropWrites(true);
        commit.step();
        disks.get(failing).dropWrites(false);
        while (commit.step()) {
            // To the end.
        }

        survivor = newSurvivor();
        try (StoragePool pool = reopen()) {
            Volume after = pool.volume("v");
            assertThat(read(after, gathered, 0, 400_000)).isEqualTo(random(400_000, 1));
            assertThat(read(after, synced, 0, 50_000)).isEqualTo(random(50_000, 2));
        }
    }

    @Test
    void whatIsWrittenPartlyOverLostBytesIsStoredWithoutThem() throws Exception {
        StoragePool pool = create("3x");
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = fileWithALostBlock(pool, volume);
        write(volume, inode, 10, name("partly over what is lost"));
        write(volume, inode, 1 << 20, random(600_000, 4));
        List<String> answers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            volume.sync(inode, false, failure -> answers.add(failure == null ? "durable" : "not stored"));
            pool.serveSyncs();
        }
        assertThat(answers).containsExactly("durable", "durable");
        assertThat(read(volume, inode, 10, 4)).isEqualTo(name("part"));
        assertThat(read(volume, inode, 1 << 20, 600_000)).isEqualTo(random(600_000, 4));
        assertThatThrownBy(() -> read(volume, inode, 0, 5)).isInstanceOf(FsException.class);
    }

    @Test
    void whatWasSyncedAndCannotBeStoredAfterOpeningOutlivesTheNextPowerCut() throws Exception {
        StoragePool dying = create("3x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = fileWithALostBlock(dying, volume);
        write(volume, inode, 10, name("acknowledged"));
        List<String> answers = new ArrayList<>();
        volume.sync(inode, false, failure -> answers.add(String.valueOf(failure)));
        dying.serveSyncs();
        assertThat(answers).containsExactly("null");

        for (int death = 0; death < 3; death++) {
            survivor = newSurvivor();
            StoragePool pool = reopen();
            assertThat(read(pool.volume("v"), inode, 10, 12)).isEqualTo(name("acknowledged"));
            pool.commit();
        }
    }

    /** A file of 8 KiB in the last commit, whose first block no disk has any more. */
    private long fileWithALostBlock(StoragePool pool, Volume volume) throws FsException {
        byte[] data = random(8192, 12);
        long inode = makeFile(volume, "damaged");
        write(volume, inode, 0, data);
        pool.commit();
        for (MemoryBlockDevice disk : disks) {
            for (long at = 0; at < DISK_BYTES; at += 4096) {
                if (disk.bytes()
                                .asSlice(at, 4096)
                                .mismatch(MemorySegment.ofArray(data).asSlice(0, 4096))
                        < 0) {
                    disk.bytes().set(ValueLayout.JAVA_BYTE, at, (byte) (data[0] + 1));
                }
            }
        }
        return inode;
    }

    @Test
    void aCheckOfAnIntactPoolFindsNothing() throws Exception {
        try (StoragePool pool = create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            for (int i = 0; i < 300; i++) {
                long inode = makeFile(volume, "file" + i);
                write(volume, inode, 0, random(1000 * i, i));
                if (i % 50 == 0) {
                    pool.commit();
                }
            }
            for (int i = 0; i < 300; i += 3) {
                volume.unlink(PosixVolume.ROOT_INODE, name("file" + i));
                volume.forget(i + 2, 1);
            }
            for (int i = 0; i < 6; i++) {
                pool.commit();
                CheckReport report = pool.check(new CheckOptions(true), (step, done, total) -> {});
                assertThat(report.findings()).isEmpty();
            }
        }
    }

    @Test
    void aCheckNamesTheFilesThatThreeLostDisksTake() throws Exception {
        try (StoragePool pool = create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "big");
            write(volume, inode, 0, random(4 << 20, 5));
            pool.commit();
            for (int lost : new int[] {0, 2, 4}) {
                damageLastWrites(disks.get(lost));
            }
            CheckReport report = pool.check(new CheckOptions(true), (step, done, total) -> {});
            assertThat(report.findings())
                    .filteredOn(finding -> finding.severity() == CheckReport.Severity.LOST)
                    .extracting(CheckReport.Finding::path)
                    .containsOnly("/big");
            assertThatThrownBy(() -> read(volume, inode, 0, 4 << 20))
                    .isInstanceOfSatisfying(
                            FsException.class,
                            e -> assertThat(e.errno()).isEqualTo(io.dynamicfs.engine.syscall.Errno.EIO));
        }
    }

    /** Damages the highest blocks in use: space is taken upwards, so they are the last fragments written. */
    private static void damageLastWrites(MemoryBlockDevice disk) {
        byte[] content = disk.bytes().toArray(ValueLayout.JAVA_BYTE);
        int last = -1;
        for (int block = 256; block < content.length / 4096 - 256; block++) {
            boolean used = false;
            for (int i = 0; i < 4096; i += 512) {
                used |= content[block * 4096 + i] != 0;
            }
            last = used ? block : last;
        }
        for (int block = last; block > last - 64; block--) {
            disk.bytes().set(ValueLayout.JAVA_BYTE, block * 4096L, (byte) (content[block * 4096] + 1));
        }
    }

    private static void overwrite(BlockDevice disk, long seed) throws DeviceException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment noise = arena.allocate(1 << 20, 4096);
            Random random = new Random(seed);
            byte[] bytes = new byte[1 << 20];
            for (long at = 0; at < disk.sizeBytes(); at += bytes.length) {
                random.nextBytes(bytes);
                MemorySegment.copy(bytes, 0, noise, ValueLayout.JAVA_BYTE, 0, bytes.length);
                disk.write(at, noise);
            }
        }
    }
}
