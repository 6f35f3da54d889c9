package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.findings;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.Timestamp;
import org.junit.jupiter.api.Test;

/** When reading changes the time of access, and when the disks hear of it. */
class AccessTimesTest {
    private static final long NOW = 1_700_000_000;
    private static final long DAY = 24 * 60 * 60;

    private final PoolBed bed = new PoolBed(3, 24L << 20);

    private static Timestamp at(long seconds) {
        return new Timestamp(seconds, 0);
    }

    private static Attributes times(long accessed, long modified, long changed) {
        return new Attributes(2, 0100644, 1, 0, 0, 0, 0, 0, at(accessed), at(modified), at(changed), at(0));
    }

    @Test
    void relativeTimesFollowChangesAndDays() {
        AccessTimes relative = AccessTimes.RELATIVE;
        assertThat(relative.changes(times(NOW - 10, NOW - 10, NOW - 20), at(NOW)))
                .isTrue();
        assertThat(relative.changes(times(NOW - 10, NOW - 20, NOW - 10), at(NOW)))
                .isTrue();
        assertThat(relative.changes(times(NOW - 10, NOW - 11, NOW - 12), at(NOW)))
                .isFalse();
        assertThat(relative.changes(times(NOW - DAY, 1, 1), at(NOW))).isTrue();
        assertThat(relative.changes(times(NOW - DAY + 1, 1, 1), at(NOW))).isFalse();
        assertThat(AccessTimes.ALWAYS.changes(times(NOW, 1, 1), at(NOW))).isTrue();
        assertThat(AccessTimes.NEVER.changes(times(1, 2, 3), at(NOW))).isFalse();
    }

    private static long oldFile(Volume volume) throws FsException {
        long inode = makeFile(volume, "file");
        write(volume, inode, 0, random(100_000, 1));
        volume.setAttributes(inode, new AttributeChange(null, null, null, null, at(1), at(2)));
        return inode;
    }

    @Test
    void aReadShowsAtOnceAndIsStoredByTheNextCommitOfWhateverKind() throws Exception {
        StoragePool pool = bed.create("2x");
        Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = oldFile(volume);
        pool.commit();
        long generation = pool.status().generation();

        assertThat(volume.accessed(inode, AccessTimes.NEVER)).isFalse();
        assertThat(volume.attributes(inode).accessed()).isEqualTo(at(1));
        assertThat(volume.accessed(inode, AccessTimes.RELATIVE)).isTrue();
        assertThat(volume.attributes(inode).accessed()).isEqualTo(at(NOW));
        assertThat(volume.attributes(inode).modified()).isEqualTo(at(2));
        assertThat(pool.needsCommit()).isFalse();
        assertThat(pool.status().generation()).isEqualTo(generation);

        pool.commit();
        assertThat(volume.attributes(inode).accessed()).isEqualTo(at(NOW));
        try (StoragePool after = bed.afterPowerCut().reopen()) {
            assertThat(after.volume("v").attributes(inode).accessed()).isEqualTo(at(NOW));
            assertThat(findings(after)).isEmpty();
        }
    }

    @Test
    void aTimeThatNoCommitHasStoredIsLostWithTheProcessAndNothingElse() throws Exception {
        StoragePool before = bed.create("2x");
        Volume volume = before.createVolume(new VolumeSpec("v", 0, 0, null));
        long inode = oldFile(volume);
        before.commit();
        volume.accessed(inode, AccessTimes.ALWAYS);

        try (StoragePool pool = bed.reopen()) {
            assertThat(pool.volume("v").attributes(inode).accessed()).isEqualTo(at(1));
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void aTimeThatIsSetAfterAReadStays() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = oldFile(volume);
            volume.accessed(inode, AccessTimes.ALWAYS);
            volume.setAttributes(inode, new AttributeChange(null, null, null, null, at(5), null));
            pool.commit();
            assertThat(volume.attributes(inode).accessed()).isEqualTo(at(5));
        }
    }

    @Test
    void aFileThatGoesBeforeItsTimeIsStoredIsNoTrouble() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = oldFile(volume);
            pool.commit();
            volume.accessed(inode, AccessTimes.ALWAYS);
            volume.unlink(PosixVolume.ROOT_INODE, PoolBed.name("file"));
            volume.accessed(inode, AccessTimes.ALWAYS);
            volume.forget(inode, 1);
            pool.commit();
            pool.commit();
            assertThat(findings(pool)).isEmpty();
        }
    }

    @Test
    void moreThanACommitShallCarryMakeOneDue() throws Exception {
        try (StoragePool pool = bed.create("2x")) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            for (int i = 0; i <= Volume.ACCESSES_MAX; i++) {
                long inode = makeFile(volume, "file" + i);
                volume.accessed(inode, AccessTimes.ALWAYS);
            }
            assertThat(pool.needsCommit()).isTrue();
            pool.commit();
            assertThat(pool.needsCommit()).isFalse();
        }
    }
}
