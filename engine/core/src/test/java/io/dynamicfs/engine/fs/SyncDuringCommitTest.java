package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.name;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names move and syncs are served between the steps of a commit; then the power is cut. */
class SyncDuringCommitTest {
    private static final int STEPS = 8;

    private static boolean step(CommitSteps commit, int steps) {
        for (int i = 0; i < steps; i++) {
            if (!commit.step()) {
                return false;
            }
        }
        return true;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, PosixVolume.RENAME_EXCHANGE})
    void aRenameOverAFileShowsTheDataOfTheNewOneWheneverItIsSynced(int flags) throws Exception {
        for (int renameAt = 0; renameAt < STEPS; renameAt++) {
            for (int syncAt = renameAt; syncAt < STEPS; syncAt++) {
                PoolBed bed = new PoolBed(4, 24L << 20);
                StoragePool pool = bed.create("2x");
                Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
                long oldFile = makeFile(volume, "old");
                write(volume, oldFile, 0, random(5000, 1));
                long newFile = makeFile(volume, "new");
                long other = makeFile(volume, "other");
                pool.commit();
                write(volume, newFile, 0, random(6000, 2));
                write(volume, oldFile, 0, random(7000, 3));

                CommitSteps commit = pool.beginCommit();
                boolean running = step(commit, renameAt);
                volume.rename(PosixVolume.ROOT_INODE, name("new"), PosixVolume.ROOT_INODE, name("old"), flags);
                if (running) {
                    step(commit, syncAt - renameAt);
                }
                assertThat(sync(pool, volume, other)).isNull();

                String when = "rename after step " + renameAt + ", sync after step " + syncAt;
                try (StoragePool after = bed.afterPowerCut().reopen()) {
                    assertThat(read(after.volume("v"), "old")).as(when).isEqualTo(random(6000, 2));
                    if (flags == PosixVolume.RENAME_EXCHANGE) {
                        assertThat(read(after.volume("v"), "new")).as(when).isEqualTo(random(7000, 3));
                    }
                }
            }
        }
    }

    @Test
    void aFileThatNoCommitCanStoreIsNeverCalledSynced() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            write(volume, inode, 0, random(20 << 20, 1));
            bed.disks().get(2).failFlushes(true);
            assertThat(sync(pool, volume, inode)).isNotNull();
            assertThat(sync(pool, volume, inode)).isNotNull();
        }
    }
}
