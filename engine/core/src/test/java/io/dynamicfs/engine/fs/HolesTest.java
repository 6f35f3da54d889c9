package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.syscall.Errno;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ranges that are made zero, space that is asked for in advance, and where holes are. */
class HolesTest {
    private static final int SIZE = 1_000_000;

    private final PoolBed bed = new PoolBed(3, 32L << 20);
    private final byte[] content = random(SIZE, 1);

    @BeforeEach
    void makeAStoredFile() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            pool.createVolume(new VolumeSpec("v", 0, 0, null));
            write(pool.volume("v"), makeFile(pool.volume("v"), "file"), 0, content);
        }
    }

    private static long inode(Volume volume) throws FsException {
        return volume.lookup(PosixVolume.ROOT_INODE, PoolBed.name("file")).inode();
    }

    private byte[] zeroed(int from, int to, int size) {
        byte[] expected = Arrays.copyOf(content, size);
        Arrays.fill(expected, from, to, (byte) 0);
        return expected;
    }

    @Test
    void aHoleIsZeroAtOnceAndItsSpaceIsFreeAfterCommits() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long inode = inode(volume);
            long free = volume.statistics().availableBytes();

            volume.zero(inode, 4096, 900_000, false);
            assertThat(read(volume, "file")).isEqualTo(zeroed(4096, 904_096, SIZE));
            assertThat(volume.seek(inode, 0, true)).isEqualTo(4096);
            assertThat(volume.seek(inode, 5000, false)).isEqualTo(904_096);
            pool.commit();
            assertThat(read(volume, "file")).isEqualTo(zeroed(4096, 904_096, SIZE));
            assertThat(volume.attributes(inode).blocks()).isEqualTo((SIZE - 900_000 + 511) / 512);
            assertThat(volume.seek(inode, 0, true)).isEqualTo(4096);
            assertThat(volume.seek(inode, 5000, false)).isEqualTo(904_096);

            volume.zero(inode, 0, SIZE, false);
            for (int i = 0; i < 5; i++) {
                pool.commit();
            }
            assertThat(volume.attributes(inode).blocks()).isZero();
            assertThat(volume.attributes(inode).size()).isEqualTo(SIZE);
            assertThat(volume.statistics().availableBytes()).isGreaterThan(free + 800_000);
            assertThatThrownBy(() -> volume.seek(inode, 0, false))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.ENXIO));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aHoleSurvivesTheDeathOfTheProcess() throws Exception {
        Volume volume = bed.reopen().volume("v");
        volume.zero(inode(volume), 1000, 500_000, false);
        write(volume, inode(volume), 2000, random(100, 2));
        volume.zero(inode(volume), SIZE - 10, 100_000, true);

        byte[] expected = zeroed(1000, 501_000, SIZE + 99_990);
        System.arraycopy(random(100, 2), 0, expected, 2000, 100);
        Arrays.fill(expected, SIZE - 10, SIZE, (byte) 0);
        try (StoragePool pool = bed.reopen()) {
            assertThat(read(pool.volume("v"), "file")).isEqualTo(expected);
            pool.commit();
            assertThat(read(pool.volume("v"), "file")).isEqualTo(expected);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aSyncedHoleSurvivesAPowerCut() throws Exception {
        StoragePool before = bed.reopen();
        Volume volume = before.volume("v");
        volume.zero(inode(volume), 1000, 500_000, false);
        assertThat(sync(before, volume, inode(volume))).isNull();

        try (StoragePool pool = bed.afterPowerCut().reopen()) {
            assertThat(read(pool.volume("v"), "file")).isEqualTo(zeroed(1000, 501_000, SIZE));
        }
    }

    @Test
    void whatIsAllocatedReadsAsZerosAndMoreThanThereIsIsRefused() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long inode = inode(volume);
            volume.allocate(inode, 0, SIZE + 5000, true);
            assertThat(read(volume, "file")).isEqualTo(Arrays.copyOf(content, SIZE + 5000));
            volume.allocate(inode, 0, SIZE + 50_000, false);
            assertThat(volume.attributes(inode).size()).isEqualTo(SIZE + 5000);
            assertThatThrownBy(() -> volume.allocate(inode, 0, 1L << 40, true))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.ENOSPC));
            assertThatThrownBy(() -> volume.allocate(inode, 1, Long.MAX_VALUE, true))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EFBIG));
            assertThatThrownBy(() -> volume.zero(PosixVolume.ROOT_INODE, 0, 1, false))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EISDIR));
            pool.setVolume(volume.name(), new VolumeChange(2_000_000L, null, null));
            assertThatThrownBy(() -> volume.allocate(inode, 0, 3_500_000, true))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EDQUOT));
            volume.allocate(inode, 0, 1_900_000, true);
            assertThat(volume.attributes(inode).size()).isEqualTo(1_900_000);
        }
    }

    @Test
    void aHoleOverVeryManyExtentsIsOneCommitLikeAnyOtherAlsoWherePartsAreWrittenAgain() throws Exception {
        PoolBed many = new PoolBed(5, 84L << 20);
        try (StoragePool pool = many.create("5x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            byte[] block = random(4096, 1);
            int blocks = 8000;
            for (int i = 0; i < blocks; i++) {
                write(volume, inode, i * 8192L, block);
            }
            pool.commit();
            long stored = volume.storedBytes();

            volume.zero(inode, 4096, (blocks - 2) * 8192L, false);
            for (int i = 10; i < blocks; i += 10) {
                write(volume, inode, i * 8192L + 4096, random(100, i));
            }
            pool.commit();
            assertThat(findings(pool)).isEmpty();
            for (int idle = 0; idle < 6; idle = pool.needsCommit() ? 0 : idle + 1) {
                pool.commit();
            }
            assertThat(findings(pool)).isEmpty();
            assertThat(volume.storedBytes()).isLessThan(stored / 2);
            assertThat(read(volume, inode, 0, 4096)).isEqualTo(block);
            assertThat(read(volume, inode, 8192, 4096)).isEqualTo(new byte[4096]);
            assertThat(read(volume, inode, 81_920 + 4096, 100)).isEqualTo(random(100, 10));
            assertThat(read(volume, inode, (blocks - 1) * 8192L, 4096)).isEqualTo(block);
            assertThat(volume.seek(inode, 0, true)).isEqualTo(4096);
        }
    }

    @Test
    void aHoleMakesRoomInAFullPoolAndWhatIsAllocatedWaitsForIt() throws Exception {
        PoolBed full = new PoolBed(3, 24L << 20);
        try (StoragePool pool = full.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            long size = 0;
            try {
                for (; ; size += 1 << 20) {
                    write(volume, inode, size, random(1 << 20, size));
                }
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
            }
            assertThat(size).isGreaterThan(8 << 20);
            long other = makeFile(volume, "other");
            assertThatThrownBy(() -> volume.allocate(other, 0, 4 << 20, true))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.ENOSPC));
            assertThat(volume.attributes(other).size()).isZero();

            volume.zero(inode, 1 << 20, 6 << 20, false);
            volume.allocate(other, 0, 4 << 20, true);
            for (int i = 0; i < 4; i++) {
                write(volume, other, (long) i << 20, random(1 << 20, i));
            }
            assertThat(sync(pool, volume, other)).isNull();
            assertThat(read(volume, other, 3 << 20, 1 << 20)).isEqualTo(random(1 << 20, 3));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void whatIsWrittenAndNotStoredYetNeedsNoRoomTwiceWhenItIsAllocated() throws Exception {
        PoolBed small = new PoolBed(3, 24L << 20);
        try (StoragePool pool = small.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            long room = volume.statistics().availableBytes();
            long size = 0;
            for (; size < room * 5 / 8; size += 1 << 20) {
                write(volume, inode, size, random(1 << 20, size));
            }
            volume.allocate(inode, 0, size, true);
            assertThat(read(volume, inode, 0, 1 << 20)).isEqualTo(random(1 << 20, 0));
        }
    }
}
