package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.format.Redundancy;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What holds for a whole pool and can be changed: redundancy and notes; and what it can promise to volumes. */
class PoolSettingsTest {
    private static final long DISK_BYTES = 24L << 20;

    private static PoolChange notes(Map<String, String> notes) {
        return new PoolChange(null, notes);
    }

    private static PoolChange redundancy(String policy) {
        return new PoolChange(Redundancy.parse(policy), Map.of());
    }

    private static void assertRefused(Reason reason, String message, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PoolException.class,
                        refusal -> assertThat(refusal.reason()).isEqualTo(reason))
                .hasMessageContaining(message);
    }

    @Test
    void notesAreDurableWhenTheChangeReturns() throws Exception {
        PoolBed bed = new PoolBed(6, DISK_BYTES);
        StoragePool pool = bed.create("4+2");
        String manifest = "{\"näme\": \"" + "ü☂".repeat(4000) + "\"}";
        pool.change(notes(Map.of("storagepool", manifest, "do-not-adopt", "true")));
        assertThat(pool.status().notes()).containsEntry("storagepool", manifest).containsEntry("do-not-adopt", "true");

        PoolBed after = bed.afterPowerCut();
        StoragePool reopened = after.reopen();
        assertThat(reopened.status().notes())
                .containsEntry("storagepool", manifest)
                .hasSize(2);
        assertThat(findings(reopened)).isEmpty();
        reopened.change(notes(Map.of("storagepool", "short", "do-not-adopt", "")));

        StoragePool last = after.afterPowerCut().reopen();
        assertThat(last.status().notes()).isEqualTo(Map.of("storagepool", "short"));
        last.change(notes(Map.of("storagepool", "")));
        assertThat(last.status().notes()).isEmpty();
        assertThat(findings(last)).isEmpty();
    }

    @Test
    void notesOfOneNameBeginWithAnother() throws Exception {
        PoolBed bed = new PoolBed(3, DISK_BYTES);
        bed.create("2x").change(notes(Map.of("a", "1", "ab", "2", "a b", "3")));
        assertThat(bed.afterPowerCut().reopen().status().notes()).isEqualTo(Map.of("a", "1", "ab", "2", "a b", "3"));
    }

    @Test
    void notesThatAreTooLargeOrHaveNoNameAreRefusedAndNothingChanges() throws Exception {
        try (StoragePool pool = new PoolBed(3, DISK_BYTES).create("2x")) {
            pool.change(notes(Map.of("kept", "text")));
            assertRefused(
                    Reason.INVALID_ARGUMENT,
                    "65536 bytes at most",
                    () -> pool.change(notes(Map.of("large", "x".repeat(PoolChange.NOTES_BYTES_MAX)))));
            assertRefused(Reason.INVALID_ARGUMENT, "a note's name", () -> pool.change(notes(Map.of("", "x"))));
            assertRefused(Reason.INVALID_ARGUMENT, "a note's name", () -> pool.change(notes(Map.of("a\0b", "x"))));
            assertRefused(
                    Reason.INVALID_ARGUMENT, "a note's name", () -> pool.change(notes(Map.of("n".repeat(129), "x"))));
            assertThat(pool.status().notes()).isEqualTo(Map.of("kept", "text"));
            pool.change(notes(Map.of("kept", "", "large", "x".repeat(PoolChange.NOTES_BYTES_MAX - 5))));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void anotherRedundancyHoldsForWhatIsWrittenAfterwards() throws Exception {
        PoolBed bed = new PoolBed(6, DISK_BYTES);
        StoragePool pool = bed.create("4+2");
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long usable = pool.status().usableBytes();
        write(volume, makeFile(volume, "coded"), 0, random(400_000, 1));
        pool.commit();
        long used = pool.status().usedBytes();

        pool.change(redundancy("3x"));
        assertThat(pool.status().redundancy()).isEqualTo(Redundancy.parse("3x"));
        assertThat(pool.status().usableBytes()).isLessThan(usable);
        long written = pool.status().usedBytes();
        write(volume, makeFile(volume, "copied"), 0, random(400_000, 2));
        pool.commit();
        assertThat(used).isPositive();
        assertThat(pool.status().usedBytes() - written).isGreaterThanOrEqualTo(3 * 400_000);

        try (StoragePool after = bed.afterPowerCut().reopen()) {
            assertThat(after.status().redundancy()).isEqualTo(Redundancy.parse("3x"));
            assertThat(read(after.volume("v"), "coded")).isEqualTo(random(400_000, 1));
            assertThat(read(after.volume("v"), "copied")).isEqualTo(random(400_000, 2));
            assertThat(findings(after)).isEmpty();
        }
    }

    @Test
    void aRedundancyThatTheDisksCannotHoldIsRefused() throws Exception {
        try (StoragePool pool = new PoolBed(6, DISK_BYTES).create("4+2")) {
            assertRefused(
                    Reason.TOO_FEW_DISKS, "needs 10 disks, pool tank has 6", () -> pool.change(redundancy("8+2")));
            assertRefused(Reason.REDUNDANCY_TOO_HIGH, "at most 2", () -> pool.change(redundancy("4x")));
            assertRefused(Reason.TOO_FEW_DISKS, "needs 10 disks", () -> pool.capacity(Redundancy.parse("8+2")));
            assertThat(pool.status().redundancy()).isEqualTo(Redundancy.parse("4+2"));
        }
    }

    @Test
    void promisesAreCountedUnderTheRedundancyThatIsAskedFor() throws Exception {
        try (StoragePool pool = new PoolBed(6, DISK_BYTES).create("4+2")) {
            PoolCapacity empty = pool.capacity(null);
            assertThat(empty.rawBytes()).isEqualTo(6 * DISK_BYTES);
            assertThat(empty.reservedBytes()).isZero();
            assertThat(empty.availableBytes()).isPositive().isLessThan(empty.usableBytes());
            assertThat(pool.capacity(Redundancy.parse("3x")).usableBytes())
                    .isBetween(empty.usableBytes() * 45 / 100, empty.usableBytes() * 55 / 100);

            long quota = 40L << 20;
            pool.createVolume(new VolumeSpec("coded", quota, 0, null, true));
            assertThat(pool.capacity(null).reservedBytes()).isEqualTo(quota);
            assertThat(pool.status().reservedBytes()).isEqualTo(quota);
            assertThat(pool.capacity(null).availableBytes()).isEqualTo(empty.availableBytes() - quota);
            // 40 MiB as 4+2 are 60 MiB on the disks, as three copies as many as 20 MiB.
            assertThat(pool.capacity(Redundancy.parse("3x")).reservedBytes()).isEqualTo(quota / 2);
            pool.createVolume(new VolumeSpec("copies", 1 << 20, 0, Redundancy.parse("3x"), true));
            assertThat(pool.capacity(null).reservedBytes()).isEqualTo(quota + (2 << 20));

            Volume unlimited = pool.createVolume(new VolumeSpec("unlimited", 0, 0, null, true));
            write(unlimited, makeFile(unlimited, "file"), 0, random(1 << 20, 1));
            pool.commit();
            assertThat(pool.capacity(null).reservedBytes()).isEqualTo(quota + (3 << 20));
            assertThat(pool.capacity(null).usedBytes()).isEqualTo(1 << 20);
        }
    }

    @Test
    void whatIsPromisedToOneVolumeIsNotPromisedToAnother() throws Exception {
        try (StoragePool pool = new PoolBed(6, DISK_BYTES).create("4+2")) {
            long available = pool.capacity(null).availableBytes();
            assertRefused(
                    Reason.POOL_FULL,
                    "can promise " + available,
                    () -> pool.createVolume(new VolumeSpec("all", available + 1, 0, null, true)));
            pool.createVolume(new VolumeSpec("half", available / 2, 0, null, true));
            assertRefused(
                    Reason.POOL_FULL,
                    "volume other needs",
                    () -> pool.createVolume(new VolumeSpec("other", available, 0, null, true)));
            assertThat(pool.volumes()).hasSize(1);
            assertRefused(
                    Reason.CAPACITY_EXCEEDED,
                    "growing volume half",
                    () -> pool.setVolume("half", new VolumeChange(available + 1, null, null, true)));
            pool.setVolume("half", new VolumeChange(available, null, null, true));
            assertThat(pool.capacity(null).availableBytes()).isZero();
            // Shrinking needs nothing, and who does not ask for a promise gets none.
            pool.setVolume("half", new VolumeChange(available - 4096, null, null, true));
            pool.createVolume(new VolumeSpec("limited", available, 0, null));
            pool.deleteVolume("limited");
            assertThat(pool.capacity(null).availableBytes()).isEqualTo(4096);
        }
    }

    @Test
    void aPromiseIsKeptToTheLastByte() throws Exception {
        PoolBed bed = new PoolBed(6, DISK_BYTES);
        try (StoragePool pool = bed.create("4+2")) {
            long promised = pool.capacity(null).availableBytes() / 4096 * 4096;
            Volume volume = pool.createVolume(new VolumeSpec("v", promised, 0, null, true));
            Volume greedy = pool.createVolume(new VolumeSpec("greedy", 0, 0, null));
            assertThat(greedy.statistics().totalBytes()).isPositive();
            byte[] block = random(1 << 20, 3);
            long inode = makeFile(volume, "file");
            for (long at = 0; at < promised; at += block.length) {
                int length = (int) Math.min(block.length, promised - at);
                write(volume, inode, at, java.util.Arrays.copyOf(block, length));
            }
            pool.commit();
            assertThat(volume.storedBytes()).isEqualTo(promised);
            // Writing it all anew needs no more room, only commits.
            byte[] other = random(1 << 20, 4);
            for (long at = 0; at < promised; at += other.length) {
                int length = (int) Math.min(other.length, promised - at);
                write(volume, inode, at, java.util.Arrays.copyOf(other, length));
            }
            pool.commit();
            assertThat(volume.storedBytes()).isEqualTo(promised);
            assertThat(findings(pool)).isEmpty();
        }
    }
}
