package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.name;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.truncate;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.syscall.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Space, quotas and the ends of files. */
class SpaceTest {

    @Test
    void cuttingAFileOfVeryManyExtentsIsOneCommitLikeAnyOther() throws Exception {
        PoolBed bed = new PoolBed(5, 84L << 20);
        try (StoragePool pool = bed.create("5x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            byte[] block = random(4096, 1);
            for (int i = 0; i < 12_000; i++) {
                write(volume, inode, i * 8192L, block);
            }
            pool.commit();
            truncate(volume, inode, 0);
            pool.commit();
            assertThat(findings(pool)).isEmpty();
            commitUntilIdle(pool);
            assertThat(findings(pool)).isEmpty();
            assertThat(pool.status().usedBytes()).isLessThan(60L << 20);
        }
    }

    @Test
    void aFullPoolRefusesSmallWritesAtOnceAndEverythingAcceptedCanBeSynced() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long filler = makeFile(volume, "filler");
            fill(volume, 1 << 20, filler);
            truncate(volume, filler, volume.attributes(filler).size() - (4 << 20));
            for (int i = 0; i < 6; i++) {
                pool.commit();
            }
            long inode = makeFile(volume, "file");
            int written = 0;
            try {
                for (; written < 20_000; written++) {
                    write(volume, inode, written * 8192L + 100, new byte[] {1});
                }
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
            }
            assertThat(written).isBetween(100, 19_999);
            assertThat(sync(pool, volume, inode)).isNull();
            pool.commit();
            assertThat(sync(pool, volume, inode)).isNull();
            volume.unlink(PosixVolume.ROOT_INODE, name("filler"));
            volume.forget(filler, 1);
            write(volume, inode, 0, random(1 << 20, 1));
            assertThat(sync(pool, volume, inode)).isNull();
        }
    }

    @Test
    void writersThatFillTheMemoryTogetherShareTheCommitsThatEmptyIt() throws Exception {
        PoolBed bed = new PoolBed(3, 128L << 20);
        try (StoragePool pool = bed.create("1x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            byte[] data = random(1 << 20, 1);
            List<Callable<Long>> writers = new ArrayList<>();
            for (int i = 0; i < 96; i++) {
                long inode = makeFile(volume, "file" + i);
                writers.add(() -> {
                    for (int at = 0; at < 3; at++) {
                        write(volume, inode, (long) at << 20, data);
                        makeFile(volume, inode + "-" + at);
                    }
                    return inode;
                });
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(writers.size())) {
                for (Future<Long> writer : threads.invokeAll(writers)) {
                    assertThat(read(volume, writer.get(), 2L << 20, 1 << 20)).isEqualTo(data);
                }
            }
            // 288 MiB through 32 MiB of memory; one commit for each who waits would be a hundred.
            assertThat(pool.status().generation()).isLessThan(50);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void whatWasCutOffInAFullPoolCanBeWrittenAgainAtOnce() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            fill(volume, 1 << 20, inode);
            commitUntilIdle(pool);
            long size = volume.attributes(inode).size();
            truncate(volume, inode, size - (4 << 20));
            for (int i = 4; i > 1; i--) {
                write(volume, inode, size - ((long) i << 20), random(1 << 20, i));
            }
            assertThat(sync(pool, volume, inode)).isNull();
        }
    }

    /** Writes steps at the end of each file in turn until there is no room; what two files wrote lies side by side. */
    private static int fill(Volume volume, int step, long... inodes) throws FsException {
        byte[] data = random(step, 3);
        for (int written = 0; ; written++) {
            long inode = inodes[written % inodes.length];
            try {
                write(volume, inode, (long) written * step, data);
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
                return written;
            }
        }
    }

    /** As {@link #fill}, half a chunk at a time, each stored before the next. */
    private static void fillSynced(StoragePool pool, Volume volume, long... inodes) throws FsException {
        byte[] data = random(512 << 10, 3);
        for (int written = 0; ; written++) {
            try {
                write(volume, inodes[written % inodes.length], (long) written * data.length, data);
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
                return;
            }
            pool.commit();
        }
    }

    private static void commitUntilIdle(StoragePool pool) {
        for (int idle = 0; idle < 6; ) {
            idle = pool.needsCommit() ? 0 : idle + 1;
            pool.commit();
        }
    }

    @Test
    void roomInSinglePiecesHoldsLargeWritesAndSurvivesBothDeaths() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        StoragePool pool = bed.create("3x");
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long goes = makeFile(volume, "goes");
        long stays = makeFile(volume, "stays");
        int blocks = fill(volume, 4096, goes, stays);
        assertThat(blocks).isGreaterThan(3000);
        volume.unlink(PosixVolume.ROOT_INODE, name("goes"));
        volume.forget(goes, 1);
        commitUntilIdle(pool);
        byte[] large = random(1 << 20, 9);
        long file = makeFile(volume, "large");
        int written = 0;
        for (; written < blocks * 2048L / large.length - 1; written++) {
            write(volume, file, (long) written * large.length, large);
        }
        assertThat(written).isGreaterThan(4);
        assertThat(sync(pool, volume, file)).isNull();

        PoolBed unplugged = bed.afterPowerCut();
        for (StoragePool successor : List.of(unplugged.reopen(), bed.reopen())) {
            Volume found = successor.volume("v");
            for (int i = 0; i < written; i++) {
                assertThat(read(found, file, (long) i * large.length, large.length))
                        .isEqualTo(large);
            }
            assertThat(read(found, stays, 4096, 4096)).isEqualTo(random(4096, 3));
            assertThat(findings(successor)).isEmpty();
            successor.close();
        }
    }

    @Test
    void aFullPoolInPiecesOutlivesADiskAndGivesAllSpaceBack() throws Exception {
        PoolBed bed = new PoolBed(4, 24L << 20);
        StoragePool pool = bed.create("2x");
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long empty = volume.statistics().availableBytes();
        List<Long> files = new ArrayList<>();
        byte[] data = random(4096, 5);
        try {
            for (int i = 0; ; i++) {
                long inode = makeFile(volume, "file" + i);
                files.add(inode);
                write(volume, inode, 0, data);
                volume.forget(inode, 1);
            }
        } catch (FsException e) {
            assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
        }
        pool.commit();
        for (int i = 0; i < files.size(); i += 2) {
            volume.unlink(PosixVolume.ROOT_INODE, name("file" + i));
        }
        bed.disks().get(1).failFlushes(true);
        pool.commit();
        // Nodes need whole runs on as many disks as they have copies, which with a disk less may be missing although
        // blocks
        // are free. Then the volume says that it has no inodes left; what gives space back works in any case.
        int made = 0;
        for (int i = 0; i < 20; i++) {
            try {
                makeFile(volume, "more" + i);
                made++;
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
                assertThat(volume.statistics().freeInodes()).isZero();
            }
            pool.commit();
        }
        assertThat(made).isPositive();
        for (int i = 1; i < files.size() - 1; i += 2) {
            assertThat(read(volume, "file" + i)).isEqualTo(data);
        }
        for (int i = 1; i < files.size(); i += 2) {
            volume.unlink(PosixVolume.ROOT_INODE, name("file" + i));
        }
        commitUntilIdle(pool);
        makeFile(volume, "again");
        assertThat(volume.statistics().availableBytes()).isGreaterThan(empty / 2);
        pool.close();
    }

    @Test
    void overwritingAFragmentedFullPoolNeverStopsIt() throws Exception {
        PoolBed bed = new PoolBed(3, 20L << 20);
        try (StoragePool pool = bed.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            int blocks = fill(volume, 4096, inode, makeFile(volume, "between"));
            truncate(volume, inode, (blocks - 2000) * 4096L);
            commitUntilIdle(pool);
            Random random = new Random(1);
            int written = 0;
            for (int i = 0; i < 4000; i++) {
                try {
                    write(volume, inode, random.nextInt((blocks - 2000) / 2) * 8192L, random(4096, i));
                    written++;
                } catch (FsException e) {
                    assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
                }
            }
            assertThat(written).isEqualTo(4000);
            assertThat(sync(pool, volume, inode)).isNull();
            truncate(volume, inode, 0);
            assertThat(sync(pool, volume, inode)).isNull();
            commitUntilIdle(pool);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aSyncOfWhatHasNoRoomAfterDisksFailedSaysSoEveryTimeUntilThereIsRoom() throws Exception {
        PoolBed bed = new PoolBed(5, 24L << 20);
        try (StoragePool pool = bed.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long filler = makeFile(volume, "filler");
            fill(volume, 1 << 20, filler);
            truncate(volume, filler, volume.attributes(filler).size() - (6 << 20));
            commitUntilIdle(pool);
            long inode = makeFile(volume, "file");
            byte[] data = random(5 << 20, 7);
            for (int i = 0; i < 5; i++) {
                write(volume, inode, (long) i << 20, Arrays.copyOfRange(data, i << 20, (i + 1) << 20));
            }
            bed.disks().get(1).failFlushes(true);
            bed.disks().get(3).failFlushes(true);
            for (int i = 0; i < 3; i++) {
                FsException refused = sync(pool, volume, inode);
                assertThat(refused)
                        .as("sync " + i)
                        .isInstanceOfSatisfying(
                                FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.ENOSPC));
                assertThat(pool.filesNotStored()).isOne();
                assertThat(read(volume, inode, 0, data.length)).isEqualTo(data);
            }
            truncate(volume, filler, 0);
            commitUntilIdle(pool);
            assertThat(sync(pool, volume, inode)).isNull();
            assertThat(pool.filesNotStored()).isZero();
            try (StoragePool found = bed.afterPowerCut().reopen()) {
                assertThat(read(found.volume("v"), "file")).isEqualTo(data);
            }
        }
    }

    @Test
    void manySmallFilesThatEndAsBytesInTheTreeAreTakenOnlyAsFarAsTheTreeHasRoom() throws Exception {
        PoolBed bed = new PoolBed(3, 64L << 20);
        try (StoragePool pool = bed.create("3x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long[] small = new long[8000];
            for (int i = 0; i < small.length; i++) {
                small[i] = makeFile(volume, "small" + i);
            }
            long goes = makeFile(volume, "goes");
            long stays = makeFile(volume, "stays");
            fillSynced(pool, volume, goes, stays);
            volume.unlink(PosixVolume.ROOT_INODE, name("goes"));
            volume.forget(goes, 1);
            commitUntilIdle(pool);
            int written = 0;
            try {
                for (; written < small.length; written++) {
                    write(volume, small[written], 0, random(2000, written));
                }
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
            }
            assertThat(written).isBetween(100, small.length - 1);
            pool.commit();
            for (int i = 0; i < written; i++) {
                assertThat(read(volume, small[i], 0, 2000)).isEqualTo(random(2000, i));
            }
            for (int i = 0; i < small.length; i++) {
                volume.unlink(PosixVolume.ROOT_INODE, name("small" + i));
                volume.forget(small[i], 1);
            }
            commitUntilIdle(pool);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aVolumeAtItsQuotaCanStillBeWrittenOver() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 1 << 20, 0, null));
            long inode = makeFile(volume, "file");
            write(volume, inode, 0, random(1 << 20, 1));
            pool.commit();
            write(volume, inode, 4096, random(8192, 2));
            assertThat(read(volume, inode, 4096, 8192)).isEqualTo(random(8192, 2));
            try {
                write(volume, inode, (1 << 20) - 100, random(101, 2));
                assertThat(false).as("refused").isTrue();
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.EDQUOT);
            }
        }
    }

    @Test
    void theLastBytesThatAFileCanHaveAreKept() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            for (long end : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE - 4095, 1L << 62}) {
                long inode = makeFile(volume, "file" + end);
                write(volume, inode, end - 10_000, random(10_000, 1));
                pool.commit();
                assertThat(volume.attributes(inode).size()).isEqualTo(end);
                assertThat(read(volume, inode, end - 10_000, 10_000)).isEqualTo(random(10_000, 1));
                truncate(volume, inode, end - 5_000);
                pool.commit();
                truncate(volume, inode, Long.MAX_VALUE);
                pool.commit();
                assertThat(read(volume, inode, end - 10_000, 10_000))
                        .isEqualTo(Arrays.copyOf(Arrays.copyOf(random(10_000, 1), 5_000), 10_000));
            }
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aFileWithLostBytesTakesNewOnesAndHoldsUpNobody() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("1x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            write(volume, inode, 0, random(100_000, 1));
            pool.commit();
            int damaged = bed.damage(Arrays.copyOf(random(100_000, 1), 4096));
            assertThat(damaged).isOne();
            write(volume, inode, 1000, random(100, 2));
            assertThat(sync(pool, volume, inode)).isNull();
            pool.commit();
            assertThat(sync(pool, volume, inode)).isNull();
            assertThat(read(volume, inode, 1000, 100)).isEqualTo(random(100, 2));
            assertThat(volume.oldestLayer()).isNull();
        }
    }

    @Test
    void whatHasNoPlaceAfterOpeningCanBeReadAndWaitsForRoom() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        StoragePool dying = bed.create("3x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = makeFile(volume, "file");
        write(volume, inode, 0, random(50_000, 1));
        assertThat(sync(dying, volume, inode)).isNull();

        for (PoolBed found : List.of(bed, bed.afterPowerCut())) {
            found.disks().forEach(disk -> disk.failFlushes(true));
            StoragePool readOnly = found.reopen();
            assertThat(readOnly.status().readOnlyReason()).contains("bring the missing disks");
            assertThat(read(readOnly.volume("v"), "file")).isEqualTo(random(50_000, 1));
            try {
                makeFile(readOnly.volume("v"), "more");
                assertThat(false).as("refused").isTrue();
            } catch (FsException e) {
                assertThat(e.errno()).isEqualTo(Errno.EROFS);
            }
            readOnly.close();
            assertThat(readOnly.closedCleanly()).isFalse();

            found.disks().forEach(disk -> disk.failFlushes(false));
            try (StoragePool pool = found.reopen()) {
                assertThat(read(pool.volume("v"), "file")).isEqualTo(random(50_000, 1));
                assertThat(findings(pool)).isEmpty();
            }
        }
    }
}
