package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.PoolBed.makeFile;
import static io.dynamicfs.engine.fs.PoolBed.random;
import static io.dynamicfs.engine.fs.PoolBed.read;
import static io.dynamicfs.engine.fs.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class OvertakenReaderTest {

    /** Runs something once, in the middle of the next read. */
    private static final class Interrupted implements BlockDevice {
        private final MemoryBlockDevice device;
        private final AtomicReference<Runnable> once;

        Interrupted(MemoryBlockDevice device, AtomicReference<Runnable> once) {
            this.device = device;
            this.once = once;
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
            Runnable action = once.getAndSet(null);
            if (action != null) {
                action.run();
            }
            device.read(offset, target);
        }

        @Override
        public void write(long offset, MemorySegment source) throws DeviceException {
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
    void aReaderThatCommitsOvertakeStillReadsTheVersionItBeganWith() throws Exception {
        PoolBed bed = new PoolBed(6, 64L << 20);
        AtomicReference<Runnable> once = new AtomicReference<>();
        List<BlockDevice> devices = new ArrayList<>();
        bed.disks().forEach(disk -> devices.add(new Interrupted(disk, once)));
        int length = 9 << 20;
        try (StoragePool pool = bed.create("4+2", devices)) {
            Volume volume = pool.createVolume(new VolumeSpec("v", 0, 0, null));
            long inode = makeFile(volume, "file");
            write(volume, inode, 0, random(length, 1));
            pool.commit();
            once.set(() -> {
                try {
                    write(volume, inode, 0, random(length, 2));
                    for (int i = 0; i < 8; i++) {
                        pool.commit();
                    }
                } catch (FsException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(read(volume, inode, 0, length)).isEqualTo(random(length, 1));
            assertThat(read(volume, inode, 0, length)).isEqualTo(random(length, 2));
        }
    }
}
