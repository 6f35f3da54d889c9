package io.dynamicfs.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FailureLatchTest {
    private final MemoryBlockDevice disk = new MemoryBlockDevice("disk", 1 << 20);
    private final AtomicLong clock = new AtomicLong();
    private final FailureLatch latch = new FailureLatch(disk, () -> clock.getAndAdd(10));
    private final MemorySegment block = Arena.ofAuto().allocate(8192, BlockDevice.BLOCK_BYTES);

    @Test
    void everyWriteAndFlushFailsAfterAFlushFailedEvenIfTheDiskHasRecovered() throws Exception {
        latch.write(0, block);
        disk.failFlushes(true);
        assertThatThrownBy(latch::flush).isInstanceOf(DeviceException.class);
        disk.failFlushes(false);

        assertThatThrownBy(latch::flush)
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("an earlier flush failed")
                .cause()
                .isSameAs(latch.failedFlush());
        assertThatThrownBy(() -> latch.write(4096, block)).hasMessageContaining("write at 4096");
        assertThat(disk.writes()).containsExactly(0L);
        assertThat(disk.flushes()).isZero();
        latch.read(0, block);
    }

    @Test
    void aFailedWriteDoesNotLatch() throws Exception {
        disk.failWritesAt(0);
        assertThatThrownBy(() -> latch.write(0, block)).isInstanceOf(DeviceException.class);
        latch.write(8192, block);
        latch.flush();
        assertThat(latch.failedFlush()).isNull();
    }

    @Test
    void countsCallsErrorsBytesAndTime() throws Exception {
        disk.failReadsAt(65536);
        latch.read(0, block);
        assertThatThrownBy(() -> latch.read(65536, block)).isInstanceOf(DeviceException.class);
        latch.write(0, block);
        latch.flush();
        latch.discard(0, 4096);

        DeviceCounters counters = latch.counters();
        assertThat(counters.reads()).isEqualTo(new DeviceCounters.Operation(2, 1, 8192, 20));
        assertThat(counters.writes()).isEqualTo(new DeviceCounters.Operation(1, 0, 8192, 10));
        assertThat(counters.flushes()).isEqualTo(new DeviceCounters.Operation(1, 0, 0, 10));
        assertThat(counters.discards()).isEqualTo(new DeviceCounters.Operation(1, 0, 4096, 10));
        assertThat(counters.errors()).isEqualTo(1);
    }

    @Test
    void closingTheLatchClosesTheDisk() {
        latch.close();
        assertThat(disk.isClosed()).isTrue();
    }
}
