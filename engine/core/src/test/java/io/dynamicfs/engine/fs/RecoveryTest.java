package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.sync;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Openers that die while they recover. */
class RecoveryTest {

    /** Dies at the first write into the ring of root records at the start of the disk. */
    private static final class DiesAtRoot implements BlockDevice {
        private final MemoryBlockDevice device;

        DiesAtRoot(MemoryBlockDevice device) {
            this.device = device;
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
            device.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source) throws DeviceException {
            if (offset >= 128 << 10 && offset < 1 << 20) {
                throw new IllegalStateException("the process dies here");
            }
            device.write(offset, source);
        }

        @Override
        public void flush() throws DeviceException {
            device.flush();
        }

        @Override
        public void discard(long offset, long length) {
            device.discard(offset, length);
        }

        @Override
        public void close() {
            device.close();
        }
    }

    @Test
    void aRootThatADeadOpenerLeftOnOneDiskNeverWinsOverALaterOpener() throws Exception {
        PoolBed bed = new PoolBed(3, 24L << 20);
        StoragePool first = bed.create("2x");
        first.createVolume(new VolumeSpec("v", 0, 0, null));

        PoolBed afterFirst = bed.afterPowerCut();
        List<MemoryBlockDevice> disks = afterFirst.disks();
        List<BlockDevice> dying = List.of(disks.get(0), new DiesAtRoot(disks.get(1)), new DiesAtRoot(disks.get(2)));
        assertThatThrownBy(
                        () -> StoragePool.open(afterFirst.context(), dying, OpenOptions.DEFAULT, afterFirst.survivor()))
                .hasMessageContaining("dies here");

        PoolBed afterSecond = afterFirst.afterPowerCut();
        List<MemoryBlockDevice> withoutFirst =
                new ArrayList<>(afterSecond.disks().subList(1, 3));
        StoragePool third =
                StoragePool.open(afterSecond.context(), withoutFirst, OpenOptions.DEFAULT, afterSecond.survivor());
        Volume volume = third.volume("v");
        long inode = makeFile(volume, "file");
        write(volume, inode, 0, random(5000, 1));
        assertThat(sync(third, volume, inode)).isNull();

        try (StoragePool last = afterSecond.afterPowerCut().reopen()) {
            assertThat(read(last.volume("v"), "file")).isEqualTo(random(5000, 1));
        }
    }
}
