package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.name;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.syscall.Errno;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Files that are made without a name: gone with their last opener, unless they are linked. */
class UnnamedFilesTest {
    private static final long ROOT = PosixVolume.ROOT_INODE;

    private final PoolBed bed = new PoolBed(3, 24L << 20);
    private final byte[] content = random(50_000, 1);

    @BeforeEach
    void makeAVolume() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            pool.createVolume(new VolumeSpec("v", 0, 0, null));
        }
    }

    private long unnamed(Volume volume) throws FsException {
        long inode =
                volume.makeUnnamed(ROOT, 0666, new PosixVolume.Owner(1, 2, 022)).inode();
        write(volume, inode, 0, content);
        return inode;
    }

    @Test
    void oneThatIsForgottenIsFreed() throws Exception {
        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            long inode = unnamed(volume);
            pool.commit();
            assertThat(volume.attributes(inode).mode() & 0777).isEqualTo(0644);
            assertThat(read(volume, inode, 0, content.length)).isEqualTo(content);
            volume.forget(inode, 1);
            pool.commit();
            assertThatThrownBy(() -> volume.attributes(inode))
                    .isInstanceOfSatisfying(
                            FsException.class, no -> assertThat(no.errno()).isEqualTo(Errno.ESTALE));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void oneThatIsLinkedStaysThroughTheDeathOfTheProcessAndOneThatIsNotGoes() throws Exception {
        Volume before = bed.reopen().volume("v");
        long linked = unnamed(before);
        long lost = unnamed(before);
        before.link(linked, ROOT, name("file"));

        try (StoragePool pool = bed.reopen()) {
            Volume volume = pool.volume("v");
            assertThat(read(volume, "file")).isEqualTo(content);
            assertThat(volume.attributes(linked).links()).isEqualTo(1);
            pool.commit();
            assertThatThrownBy(() -> volume.attributes(lost)).isInstanceOf(FsException.class);
            assertThat(read(volume, "file")).isEqualTo(content);
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void oneThatIsLinkedAndSyncedSurvivesAPowerCut() throws Exception {
        StoragePool pool = bed.reopen();
        Volume volume = pool.volume("v");
        long inode = unnamed(volume);
        volume.link(inode, ROOT, name("file"));
        assertThat(sync(pool, volume, inode)).isNull();

        try (StoragePool after = bed.afterPowerCut().reopen()) {
            assertThat(read(after.volume("v"), "file")).isEqualTo(content);
            assertThat(findings(after)).isEmpty();
        }
    }

    @Test
    void oneThatACommitKnowsIsGoneAfterAPowerCut() throws Exception {
        StoragePool pool = bed.reopen();
        long inode = unnamed(pool.volume("v"));
        pool.commit();

        try (StoragePool after = bed.afterPowerCut().reopen()) {
            after.commit();
            assertThatThrownBy(() -> after.volume("v").attributes(inode)).isInstanceOf(FsException.class);
            assertThat(findings(after)).isEmpty();
        }
    }
}
