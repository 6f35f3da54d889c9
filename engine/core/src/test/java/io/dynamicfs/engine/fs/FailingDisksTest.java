package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.format.DiskHealth;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Disks that die under load, are missing, and come back: what writers see of it, and what is said of the disks. */
class FailingDisksTest {
    private static final long DISK_BYTES = 24L << 20;

    /** Answers every call with an error from a moment on. */
    private static final class MortalDisk implements BlockDevice {
        private final MemoryBlockDevice device;
        private boolean dead;

        MortalDisk(MemoryBlockDevice device) {
            this.device = device;
        }

        private void requireAlive(String operation, long offset) throws DeviceException {
            if (dead) {
                throw new DeviceException(name(), operation, offset, "input/output error (EIO)");
            }
        }

        @Override
        public String name() {
            return device.name();
        }

        @Override
        public long sizeBytes() {
            return device.sizeBytes();
        }

        @Override
        public void read(long offset, MemorySegment target) throws DeviceException {
            requireAlive("read", offset);
            device.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source) throws DeviceException {
            requireAlive("write", offset);
            device.write(offset, source);
        }

        @Override
        public void flush() throws DeviceException {
            requireAlive("flush", 0);
            device.flush();
        }

        @Override
        public void discard(long offset, long length) throws DeviceException {
            requireAlive("discard", offset);
            device.discard(offset, length);
        }

        @Override
        public void close() {
            device.close();
        }
    }

    private final PoolBed bed = new PoolBed(6, DISK_BYTES);
    private final List<MortalDisk> disks =
            bed.disks().stream().map(MortalDisk::new).toList();

    private static List<MemoryBlockDevice> without(PoolBed bed, Integer... indexes) {
        List<MemoryBlockDevice> left = new ArrayList<>();
        for (int i = 0; i < bed.disks().size(); i++) {
            if (!List.of(indexes).contains(i)) {
                left.add(bed.disks().get(i));
            }
        }
        return left;
    }

    private static StoragePool open(PoolBed bed, List<? extends BlockDevice> disks, OpenOptions options)
            throws PoolException {
        return StoragePool.open(bed.context(), disks, options, bed.survivor());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void twoDisksThatDieUnderLoadAreNamedAndNobodySeesAnError(int first) throws Exception {
        StoragePool pool = bed.create("4+2", disks);
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        List<Long> files = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            if (i == 10) {
                disks.get(first).dead = true;
            }
            if (i == 13) {
                disks.get(5 - first / 2).dead = true;
            }
            long inode = makeFile(volume, "file" + i);
            files.add(inode);
            write(volume, inode, 0, random(1000 + i * 20_000, i));
            if (i % 3 == 0) {
                assertThat(sync(pool, volume, inode)).isNull();
            }
            if (i % 4 == 0) {
                pool.commit();
            }
            assertThat(read(volume, files.get(i / 2), 0, 1 << 20)).isEqualTo(random(1000 + i / 2 * 20_000, i / 2));
        }
        pool.commit();
        PoolStatus status = pool.status();
        assertThat(status.readOnlyReason()).isEmpty();
        assertThat(status.healthy()).isFalse();
        assertThat(status.missingDisks()).isZero();
        assertThat(status.redundancyMargin()).isZero();
        assertThat(status.disks().stream().filter(disk -> disk.health() == DiskHealth.FAILED))
                .extracting(DiskStatus::name)
                .containsExactlyInAnyOrder("disk" + first, "disk" + (5 - first / 2));
        assertThat(status.disks()).allMatch(DiskStatus::present);
        assertThat(status.disks().stream().filter(disk -> disk.health() == DiskHealth.FAILED))
                .allSatisfy(disk -> assertThat(disk.reason()).isNotEmpty());

        PoolBed after = bed.afterPowerCut();
        try (StoragePool reopened = open(after, without(after, first, 5 - first / 2), OpenOptions.DEFAULT)) {
            for (int i = 0; i < files.size(); i++) {
                assertThat(read(reopened.volume("v"), "file" + i)).isEqualTo(random(1000 + i * 20_000, i));
            }
        }
    }

    @Test
    void aDiskThatOnlyReadersMeetIsNamedToo() throws Exception {
        StoragePool pool = bed.create("4+2", disks);
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = makeFile(volume, "file");
        write(volume, inode, 0, random(8 << 20, 1));
        pool.commit();
        // Not a root disk: no commit writes to it while nothing changes.
        disks.get(5).dead = true;
        for (int i = 0; i < 400; i++) {
            assertThat(read(volume, inode, i * 20_000L, 20_000)).hasSize(20_000);
        }
        pool.commit();
        assertThat(pool.status().disks().get(5).health()).isEqualTo(DiskHealth.FAILED);
        assertThat(pool.status().disks().get(5).reason()).contains("reads in a row failed");
    }

    @Test
    void aPoolOpensByItselfWithAsManyDisksMissingAsItsRedundancySurvives() throws Exception {
        byte[] data = random(3_000_000, 4);
        try (StoragePool pool = bed.create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            write(volume, makeFile(volume, "file"), 0, data);
            write(volume, makeFile(volume, "small"), 0, random(10, 1));
        }
        IntStream.range(0, 6)
                .forEach(first -> IntStream.range(first + 1, 6).forEach(second -> {
                    PoolBed after = bed.afterPowerCut();
                    try (StoragePool pool = open(after, without(after, first, second), OpenOptions.DEFAULT)) {
                        assertThat(pool.status().missingDisks()).isEqualTo(2);
                        assertThat(pool.status().redundancyMargin()).isZero();
                        assertThat(pool.status().readOnlyReason()).isEmpty();
                        assertThat(read(pool.volume("v"), "file")).isEqualTo(data);
                        Volume volume = pool.volume("v");
                        long more = makeFile(volume, "more");
                        write(volume, more, 0, data);
                        assertThat(sync(pool, volume, more)).isNull();
                    } catch (PoolException | FsException e) {
                        throw new AssertionError("without " + first + " and " + second, e);
                    }
                }));
    }

    @Test
    void withMoreDisksMissingAPoolOpensOnlyForWhoeverAsksForWhatIsLeft() throws Exception {
        try (StoragePool pool = bed.create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            write(volume, makeFile(volume, "file"), 0, random(3_000_000, 4));
        }
        // Three of five root disks are there: nothing newer can exist, but data is missing.
        PoolBed after = bed.afterPowerCut();
        assertThatThrownBy(() -> open(after, without(after, 0, 1, 5), OpenOptions.DEFAULT))
                .isInstanceOfSatisfying(
                        PoolException.class,
                        refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DISKS_MISSING))
                .hasMessageContaining("can do without 2 of its 6 disks")
                .hasMessageContaining("3 are missing")
                .hasMessageContaining("--degraded");
        try (StoragePool pool = open(after, without(after, 0, 1, 5), new OpenOptions(null, true, null, false))) {
            assertThat(pool.status().redundancyMargin()).isEqualTo(-1);
            assertThatThrownBy(() -> read(pool.volume("v"), "file")).isInstanceOf(FsException.class);
        }
    }

    @Test
    void disksThatComeBackAreNeverBelievedInWhatTheyMissed() throws Exception {
        byte[] before = random(2_000_000, 1);
        byte[] after = random(2_000_000, 2);
        try (StoragePool pool = bed.create("4+2")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            write(volume, makeFile(volume, "changed"), 0, before);
            write(volume, makeFile(volume, "kept"), 0, before);
        }
        PoolBed old = bed.afterPowerCut();
        try (StoragePool pool = open(bed, without(bed, 0, 3), OpenOptions.DEFAULT)) {
            Volume volume = pool.volume("v");
            for (int i = 0; i < 12; i++) {
                // Often enough that space is used again that held something else.
                write(volume, inode(volume, "changed"), 0, i == 11 ? after : random(2_000_000, 100 + i));
                pool.commit();
            }
            pool.change(new PoolChange(null, Map.of("note", "new")));
        }
        List<MemoryBlockDevice> mixed = new ArrayList<>(bed.disks());
        mixed.set(0, old.disks().get(0));
        mixed.set(3, old.disks().get(3));
        try (StoragePool pool = open(bed, mixed, OpenOptions.DEFAULT)) {
            assertThat(pool.status().notes()).containsEntry("note", "new");
            assertThat(read(pool.volume("v"), "changed")).isEqualTo(after);
            assertThat(read(pool.volume("v"), "kept")).isEqualTo(before);
            assertThat(pool.status().counters().unreadable()).isZero();
            pool.commit();
            assertThat(findings(pool)).noneMatch(finding -> finding.contains("LOST"));
        }
        // Alone they know only what is old, and they are too few to say so.
        assertThatThrownBy(
                        () -> open(old, List.of(old.disks().get(0), old.disks().get(3)), OpenOptions.DEFAULT))
                .isInstanceOfSatisfying(
                        PoolException.class,
                        refusal -> assertThat(refusal.reason()).isEqualTo(Reason.DISKS_MISSING));
    }

    private static long inode(Volume volume, String name) throws FsException {
        Attributes file = volume.lookup(PosixVolume.ROOT_INODE, PoolBed.name(name));
        volume.forget(file.inode(), 1);
        return file.inode();
    }
}
