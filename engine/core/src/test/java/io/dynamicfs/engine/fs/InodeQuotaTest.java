package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.name;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.syscall.Errno;
import org.junit.jupiter.api.Test;

/** How many inodes a volume may have; its root directory is one. */
class InodeQuotaTest {
    private static final long ROOT = PosixVolume.ROOT_INODE;

    private final PoolBed bed = new PoolBed(3, 24L << 20);

    private interface Call {
        void run() throws FsException;
    }

    private static void refused(Call call) {
        assertThatThrownBy(call::run)
                .hasMessageContaining("has all of its")
                .isInstanceOfSatisfying(
                        FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.EDQUOT));
    }

    @Test
    void everyKindOfInodeCountsAndFurtherNamesDoNot() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 4, null));
            assertThat(volume.statistics().totalInodes()).isEqualTo(4);
            assertThat(volume.statistics().freeInodes()).isEqualTo(3);
            long file = makeFile(volume, "file");
            volume.makeUnnamed(ROOT, 0600, PoolBed.ROOT);
            volume.make(ROOT, name("directory"), Inode.DIRECTORY | 0755, 0, PoolBed.ROOT);
            assertThat(volume.statistics().freeInodes()).isZero();

            refused(() -> makeFile(volume, "one more"));
            refused(() -> volume.make(ROOT, name("d"), Inode.DIRECTORY | 0755, 0, PoolBed.ROOT));
            refused(() -> volume.make(ROOT, name("fifo"), Inode.FIFO | 0644, 0, PoolBed.ROOT));
            refused(() -> volume.symlink(ROOT, name("link"), name("target"), PoolBed.ROOT));
            refused(() -> volume.makeUnnamed(ROOT, 0600, PoolBed.ROOT));
            volume.link(file, ROOT, name("another name"));
            volume.rename(ROOT, name("file"), ROOT, name("renamed"), 0);
        }
    }

    @Test
    void whatIsDeletedMakesRoomAtOnce() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 2, null));
            for (int i = 0; i < 5; i++) {
                long file = makeFile(volume, "file");
                volume.unlink(ROOT, name("file"));
                volume.forget(file, 1);
            }
        }
    }

    @Test
    void aQuotaBelowUseKeepsWhatThereIsAndLetsItShrink() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            for (int i = 0; i < 4; i++) {
                volume.forget(makeFile(volume, "file" + i), 1);
            }
            pool.setVolume("v", new VolumeChange(null, 3L, null));
            assertThat(volume.statistics().freeInodes()).isZero();
            refused(() -> makeFile(volume, "more"));
            volume.unlink(ROOT, name("file0"));
            volume.unlink(ROOT, name("file1"));
            refused(() -> makeFile(volume, "more"));
            volume.unlink(ROOT, name("file2"));
            makeFile(volume, "more");
        }
    }
}
