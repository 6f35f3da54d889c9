package io.dynamicfs.engine.device;

import io.dynamicfs.engine.format.DiskHealth;
import java.lang.foreign.MemorySegment;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A member of the pool: its device, when it is there, how far it is trusted, and what went wrong on it. Health only gets worse
 * while a pool is open: a disk whose write or flush failed may have lost earlier writes too.
 */
public final class PoolDisk {

    /** Health with its reason, swapped whole. */
    public record State(DiskHealth health, String reason, long sinceMillis) {}

    private final int index;
    private final UUID uuid;
    private final @Nullable BlockDevice device;
    private final long sizeBytes;
    private final String serial;
    private volatile State state;

    private final AtomicLong readErrors = new AtomicLong();
    private final AtomicLong failedReadsInARow = new AtomicLong();
    private final AtomicLong writeErrors = new AtomicLong();
    private final AtomicLong checksumErrors = new AtomicLong();
    private final AtomicLong repairs = new AtomicLong();

    public PoolDisk(int index, UUID uuid, @Nullable BlockDevice device, long sizeBytes, String serial, State state) {
        this.index = index;
        this.uuid = uuid;
        this.device = device;
        this.sizeBytes = sizeBytes;
        this.serial = serial;
        this.state = state;
    }

    public int index() {
        return index;
    }

    public UUID uuid() {
        return uuid;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public String serial() {
        return serial;
    }

    /** How messages name the disk: its device, or its identity when the device is missing. */
    public String name() {
        return device != null ? device.name() : "disk " + index + " (" + (serial.isEmpty() ? uuid : serial) + ")";
    }

    public State state() {
        return state;
    }

    public void setState(State newState) {
        state = newState;
    }

    public boolean isPresent() {
        return device != null;
    }

    /** May be read. */
    public boolean isReadable() {
        return device != null;
    }

    /** Takes new data. */
    public boolean isWritable() {
        return device != null && state.health() == DiskHealth.HEALTHY;
    }

    public @Nullable BlockDevice device() {
        return device;
    }

    public void read(long offset, MemorySegment target) throws DeviceException {
        try {
            present("read", offset).read(offset, target);
            failedReadsInARow.set(0);
        } catch (DeviceException e) {
            readErrors.incrementAndGet();
            failedReadsInARow.incrementAndGet();
            throw e;
        }
    }

    public void write(long offset, MemorySegment source) throws DeviceException {
        try {
            present("write", offset).write(offset, source);
        } catch (DeviceException e) {
            writeErrors.incrementAndGet();
            throw e;
        }
    }

    public void flush() throws DeviceException {
        try {
            present("flush", 0).flush();
        } catch (DeviceException e) {
            writeErrors.incrementAndGet();
            throw e;
        }
    }

    public void countChecksumError() {
        checksumErrors.incrementAndGet();
    }

    public void countRepair() {
        repairs.incrementAndGet();
    }

    public long readErrors() {
        return readErrors.get();
    }

    public long failedReadsInARow() {
        return failedReadsInARow.get();
    }

    public long writeErrors() {
        return writeErrors.get();
    }

    public long checksumErrors() {
        return checksumErrors.get();
    }

    public long repairs() {
        return repairs.get();
    }

    private BlockDevice present(String operation, long offset) throws DeviceException {
        if (device == null) {
            throw new DeviceException(name(), operation, offset, "the disk is missing");
        }
        return device;
    }
}
