package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.ROOT;
import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.name;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.format.Inode;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** A pool whose mounts outlive the process: what the successor knows of requests without an answer and of files without a name. */
class TakeoverTest {
    private static final long CONNECTION = 0x7dd1_0c4a_5a5aL;
    private static final OpenOptions MOUNTS_OUTLIVE = new OpenOptions(null, false, null, false, true);

    private final PoolBed bed = new PoolBed(3, 32L << 20);

    private StoragePool takeOver() throws Exception {
        return StoragePool.open(bed.context(), bed.disks(), MOUNTS_OUTLIVE, bed.survivor());
    }

    private static long makeDirectory(Volume volume, String name) throws FsException {
        return volume.make(PosixVolume.ROOT_INODE, name(name), Inode.DIRECTORY | 0755, 0, ROOT)
                .inode();
    }

    @Test
    void aSuccessorKnowsWhatWasDoneAndNotAnswered() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        volume.begin(CONNECTION, 2);
        long answered = makeDirectory(volume, "answered");
        volume.replied();
        volume.begin(CONNECTION, 4);
        long made = makeDirectory(volume, "made");
        // Its commit must not make it forget.
        dying.commit();
        dying.commit();

        StoragePool second = takeOver();
        Volume after = second.volume("v");
        assertThat(after.outcome(CONNECTION, 2)).isEqualTo(OptionalLong.empty());
        assertThat(after.outcome(CONNECTION + 1, 4)).isEqualTo(OptionalLong.empty());
        assertThat(answered).isNotEqualTo(made);
        // It dies as well, before the kernel has asked again.
        try (StoragePool third = takeOver()) {
            Volume last = third.volume("v");
            assertThat(last.outcome(CONNECTION, 4)).isEqualTo(OptionalLong.of(made));
            last.replied();
            assertThat(last.outcome(CONNECTION, 4)).isEqualTo(OptionalLong.empty());
            assertThat(last.lookup(PosixVolume.ROOT_INODE, name("made")).inode())
                    .isEqualTo(made);
        }
    }

    @Test
    void whatWasNotRecordedIsNotTakenForDone() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        volume.begin(CONNECTION, 2);
        assertThatThrownBy(() -> volume.unlink(PosixVolume.ROOT_INODE, name("nothing")))
                .isInstanceOf(FsException.class);
        try (StoragePool pool = takeOver()) {
            assertThat(pool.volume("v").outcome(CONNECTION, 2)).isEqualTo(OptionalLong.empty());
        }
    }

    @Test
    void theEndOfAConnectionEndsWhatIsKnownOfIt() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        volume.begin(CONNECTION, 2);
        makeDirectory(volume, "made");
        StoragePool second = takeOver();
        second.volume("v").disconnected(CONNECTION);
        try (StoragePool third = takeOver()) {
            assertThat(third.volume("v").outcome(CONNECTION, 2)).isEqualTo(OptionalLong.empty());
        }
    }

    @Test
    void moreRequestsThanThereIsRoomForPushOutTheOldest() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        for (int i = 0; i < 112; i++) {
            volume.begin(CONNECTION, i);
            makeDirectory(volume, "d" + i);
        }
        StoragePool second = takeOver();
        second.volume("v").begin(CONNECTION, 1000);
        makeDirectory(second.volume("v"), "new");
        try (StoragePool third = takeOver()) {
            Volume last = third.volume("v");
            assertThat(last.outcome(CONNECTION, 0)).isEqualTo(OptionalLong.empty());
            assertThat(last.outcome(CONNECTION, 1)).isPresent();
            assertThat(last.outcome(CONNECTION, 1000)).isPresent();
        }
    }

    @Test
    void aFileWithoutANameStaysUntilTheKernelHasBeenAsked() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long open = makeFile(volume, "open");
        write(volume, open, 0, random(200_000, 1));
        long closed = makeFile(volume, "closed");
        long named = makeFile(volume, "named");
        volume.unlink(PosixVolume.ROOT_INODE, name("open"));
        volume.unlink(PosixVolume.ROOT_INODE, name("closed"));
        dying.commit();

        try (StoragePool pool = takeOver()) {
            Volume after = pool.volume("v");
            after.unlink(PosixVolume.ROOT_INODE, name("named"));
            pool.commit();
            assertThat(after.unconfirmedOrphans()).containsExactlyInAnyOrder(open, closed, named);
            assertThat(read(after, open, 0, 200_000)).isEqualTo(random(200_000, 1));

            after.confirmUnreferenced(closed);
            after.remember(open);
            assertThat(pool.needsCommit()).isTrue();
            pool.commit();
            assertThat(after.unconfirmedOrphans()).containsExactly(named);
            assertThat(pool.needsCommit()).isFalse();
            assertThatThrownBy(() -> after.attributes(closed)).isInstanceOf(FsException.class);

            // The kernel forgets it: it is asked once more, as it may have learned it from two engines.
            after.forget(open, 1);
            assertThat(after.unconfirmedOrphans()).containsExactlyInAnyOrder(open, named);
            after.disconnected(CONNECTION);
            pool.commit();
            assertThat(after.inodes()).isEqualTo(1);
        }
    }

    @Test
    void aPoolWhoseMountsEndWithTheProcessFreesAtOnce() throws Exception {
        StoragePool dying = bed.create("2x");
        Volume volume = dying.createVolume(new VolumeSpec("v", 0, 0, null));
        long open = makeFile(volume, "open");
        volume.unlink(PosixVolume.ROOT_INODE, name("open"));
        dying.commit();
        try (StoragePool pool = bed.reopen()) {
            assertThatThrownBy(() -> pool.volume("v").attributes(open)).isInstanceOf(FsException.class);
        }
    }
}
