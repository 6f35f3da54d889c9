package io.dynamicfs.engine.device;

import io.dynamicfs.engine.device.DeviceCounters.Operation;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes a failed flush final: every later write and flush fails with it until the disk is opened anew, because the kernel
 * reports lost writes only once. Counts what the disk does, and how long it takes.
 */
public final class FailureLatch implements BlockDevice {
    private final BlockDevice device;
    private final LongSupplier nanoTime;
    private final AtomicReference<@Nullable DeviceException> failedFlush = new AtomicReference<>();
    private final Meter reads = new Meter();
    private final Meter writes = new Meter();
    private final Meter flushes = new Meter();
    private final Meter discards = new Meter();

    private interface Call {
        void run() throws DeviceException;
    }

    private static final class Meter {
        private final LongAdder calls = new LongAdder();
        private final LongAdder errors = new LongAdder();
        private final LongAdder bytes = new LongAdder();
        private final LongAdder nanos = new LongAdder();

        Operation snapshot() {
            return new Operation(calls.sum(), errors.sum(), bytes.sum(), nanos.sum());
        }
    }

    /** Closing the latch closes {@code device}. */
    public FailureLatch(BlockDevice device, LongSupplier nanoTime) {
        this.device = device;
        this.nanoTime = nanoTime;
    }

    public DeviceCounters counters() {
        return new DeviceCounters(reads.snapshot(), writes.snapshot(), flushes.snapshot(), discards.snapshot());
    }

    /** The flush that failed first, or null while there is none. */
    public @Nullable DeviceException failedFlush() {
        return failedFlush.get();
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public String serial() {
        return device.serial();
    }

    @Override
    public long sizeBytes() {
        return device.sizeBytes();
    }

    @Override
    public void read(long offset, MemorySegment target) throws DeviceException {
        measure(reads, target.byteSize(), () -> device.read(offset, target));
    }

    @Override
    public void write(long offset, MemorySegment source) throws DeviceException {
        refuseAfterFailedFlush("write", offset);
        measure(writes, source.byteSize(), () -> device.write(offset, source));
    }

    @Override
    public void flush() throws DeviceException {
        refuseAfterFailedFlush("flush", 0);
        try {
            measure(flushes, 0, device::flush);
        } catch (DeviceException e) {
            failedFlush.compareAndSet(null, e);
            throw e;
        }
        // A flush beside this one may have failed and taken the report of writes that this one was to cover.
        refuseAfterFailedFlush("flush", 0);
    }

    @Override
    public void discard(long offset, long length) throws DeviceException {
        measure(discards, length, () -> device.discard(offset, length));
    }

    @Override
    public void close() {
        device.close();
    }

    private void refuseAfterFailedFlush(String operation, long offset) throws DeviceException {
        DeviceException first = failedFlush.get();
        if (first != null) {
            DeviceException refusal =
                    new DeviceException(name(), operation, offset, "an earlier flush failed: " + first.getMessage());
            refusal.initCause(first);
            throw refusal;
        }
    }

    private void measure(Meter meter, long bytes, Call call) throws DeviceException {
        long start = nanoTime.getAsLong();
        boolean done = false;
        try {
            call.run();
            done = true;
        } finally {
            meter.nanos.add(nanoTime.getAsLong() - start);
            meter.calls.increment();
            if (done) {
                meter.bytes.add(bytes);
            } else {
                meter.errors.increment();
            }
        }
    }
}
