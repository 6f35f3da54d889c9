package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.name;
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

/** Copies that share what is stored, and those that cannot. */
class SharedExtentsTest {
    private static final int SIZE = 1_000_000;
    private static final long ROOT = PosixVolume.ROOT_INODE;

    private final PoolBed bed = new PoolBed(3, 32L << 20);
    private final byte[] content = random(SIZE, 1);

    @BeforeEach
    void makeAStoredFile() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            pool.createVolume(new VolumeSpec("v", 0, 0, null));
            write(pool.volume("v"), makeFile(pool.volume("v"), "file"), 0, content);
        }
    }

    private static long inode(Volume volume, String name) throws FsException {
        return volume.lookup(ROOT, name(name)).inode();
    }

    private static long copyAll(Volume volume, long source, long target, long length) throws FsException {
        long done = 0;
        while (done < length) {
            long part = volume.copy(source, done, target, done, length - done);
            if (part == 0) {
                return done;
            }
            done += part;
        }
        return done;
    }

    private static long used(StoragePool pool) {
        for (int i = 0; i < 5; i++) {
            pool.commit();
        }
        return pool.status().usedBytes();
    }

    @Test
    void aCopyOfWhatIsStoredTakesNoSpaceAndLivesOnItsOwn() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long source = inode(volume, "file");
            long before = used(pool);
            long target = makeFile(volume, "copy");
            assertThat(volume.copy(source, 0, target, 0, Long.MAX_VALUE)).isEqualTo(SIZE);
            assertThat(read(volume, "copy")).isEqualTo(content);
            assertThat(used(pool)).isLessThan(before + SIZE / 2);
            assertThat(volume.storedBytes()).isEqualTo(2L * SIZE);
            assertThat(findings(pool)).isEmpty();

            byte[] changed = content.clone();
            byte[] part = random(100_000, 2);
            System.arraycopy(part, 0, changed, 333_333, part.length);
            write(volume, source, 333_333, part);
            pool.commit();
            assertThat(read(volume, "file")).isEqualTo(changed);
            assertThat(read(volume, "copy")).isEqualTo(content);
            assertThat(findings(pool)).isEmpty();

            volume.unlink(ROOT, name("file"));
            volume.forget(source, 2);
            pool.commit();
            pool.commit();
            assertThat(read(volume, "copy")).isEqualTo(content);
            assertThat(findings(pool)).isEmpty();

            volume.unlink(ROOT, name("copy"));
            volume.forget(target, 2);
            assertThat(used(pool)).isLessThan(before - SIZE);
            assertThat(volume.storedBytes()).isZero();
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aCopySurvivesTheDeathOfTheProcessAlsoWhenBothFilesChangeAfterIt() throws Exception {
        Volume before = bed.reopen().volume("v");
        long source = inode(before, "file");
        long target = makeFile(before, "copy");
        assertThat(copyAll(before, source, target, SIZE)).isEqualTo(SIZE);
        write(before, source, 0, random(200_000, 3));
        write(before, target, 500_000, random(1000, 4));
        PoolBed.truncate(before, source, 300_000);

        byte[] expected = content.clone();
        System.arraycopy(random(1000, 4), 0, expected, 500_000, 1000);
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            assertThat(read(volume, "copy")).isEqualTo(expected);
            assertThat(read(volume, "file")).hasSize(300_000).startsWith(random(200_000, 3));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aCopyThatIsSyncedSurvivesAPowerCut() throws Exception {
        StoragePool pool = bed.reopen();
        Volume volume = pool.volume("v");
        long target = makeFile(volume, "copy");
        assertThat(copyAll(volume, inode(volume, "file"), target, SIZE)).isEqualTo(SIZE);
        assertThat(sync(pool, volume, target)).isNull();

        try (StoragePool after = bed.afterPowerCut().reopen()) {
            assertThat(read(after.volume("v"), "copy")).isEqualTo(content);
            assertThat(findings(after)).isEmpty();
        }
    }

    @Test
    void whatIsNotStoredYetOrNotInWholeBlocksIsCopied() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long source = inode(volume, "file");
            write(volume, source, 4096, random(5000, 5));
            byte[] now = read(volume, source, 0, SIZE);
            long target = makeFile(volume, "copy");
            long used = pool.status().usedBytes();
            assertThat(volume.copy(source, 0, target, 0, SIZE)).isEqualTo(SIZE);
            assertThat(read(volume, "copy")).isEqualTo(now);
            pool.commit();
            assertThat(pool.status().usedBytes()).isGreaterThan(used + SIZE);

            assertThat(volume.copy(source, 77, target, 200_000, 1000)).isEqualTo(1000);
            System.arraycopy(now.clone(), 77, now, 200_000, 1000);
            assertThat(read(volume, "copy")).isEqualTo(now);
            assertThat(volume.copy(source, SIZE - 10, target, 0, 5000)).isEqualTo(10);
            assertThat(volume.copy(source, SIZE, target, 0, 5000)).isZero();
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void partsOfOneFileAreSharedWithinIt() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long file = inode(volume, "file");
            assertThat(volume.copy(file, 0, file, 524_288, 262_144)).isEqualTo(262_144);
            byte[] expected = content.clone();
            System.arraycopy(content, 0, expected, 524_288, 262_144);
            assertThat(read(volume, "file")).isEqualTo(expected);
            pool.commit();
            assertThat(read(volume, "file")).isEqualTo(expected);
            assertThat(findings(pool)).isEmpty();
            refused(Errno.EINVAL, () -> volume.copy(file, 0, file, 4096, 8192));
            refused(Errno.EINVAL, () -> volume.copy(file, -1, file, 4096, 8));
            refused(Errno.EISDIR, () -> volume.copy(ROOT, 0, file, 0, 8));
        }
    }

    @Test
    void extentsThatAreSharedVeryOftenAreCopiedInTheEnd() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long file = inode(volume, "file");
            long many = makeFile(volume, "many");
            byte[] once = Arrays.copyOf(content, 983_040);
            // 2^31 bytes of one extent are more than its record can count.
            for (int i = 0; i < 2200; i++) {
                assertThat(volume.copy(file, 0, many, (long) i * once.length, once.length))
                        .isEqualTo(once.length);
            }
            pool.commit();
            assertThat(read(volume, many, 2199L * once.length, once.length)).isEqualTo(once);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aQuotaCountsWhatIsShared() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            pool.setVolume("v", new VolumeChange(1_500_000L, null, null, false));
            Volume volume = pool.volume("v");
            long target = makeFile(volume, "copy");
            refused(Errno.EDQUOT, () -> volume.copy(inode(volume, "file"), 0, target, 0, SIZE));
            assertThat(volume.attributes(target).size()).isZero();
        }
    }

    private interface Call {
        void run() throws FsException;
    }

    private static void refused(Errno errno, Call call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        FsException.class, no -> assertThat(no.errno()).isEqualTo(errno));
    }
}
