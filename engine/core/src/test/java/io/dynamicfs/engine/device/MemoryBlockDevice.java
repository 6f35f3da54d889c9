package io.dynamicfs.engine.device;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.TreeSet;

/** A disk in memory that keeps the rules of {@link BlockDevice} and fails where it is told to. */
public final class MemoryBlockDevice implements BlockDevice {
    private final String name;
    private final MemorySegment bytes;
    private final NavigableSet<Long> unreadable = new TreeSet<>();
    private final NavigableSet<Long> unwritable = new TreeSet<>();
    private final List<Long> writes = new ArrayList<>();
    private boolean failFlushes;
    private boolean dropWrites;
    private int flushes;
    private boolean closed;

    private long bytesRead;

    public MemoryBlockDevice(String name, long sizeBytes) {
        if (sizeBytes % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("not a multiple of " + BLOCK_BYTES + ": " + sizeBytes);
        }
        this.name = name;
        this.bytes = MemorySegment.ofArray(new byte[Math.toIntExact(sizeBytes)]);
    }

    /** The content itself, to look at or to damage. */
    public MemorySegment bytes() {
        return bytes;
    }

    /** Every read that touches this block fails from now on. */
    public void failReadsAt(long offset) {
        unreadable.add(offset);
    }

    /** Every write that touches this block fails from now on. */
    public void failWritesAt(long offset) {
        unwritable.add(offset);
    }

    public void failFlushes(boolean fail) {
        failFlushes = fail;
    }

    /** Writes are answered and forgotten. */
    public void dropWrites(boolean drop) {
        dropWrites = drop;
    }

    public synchronized long bytesRead() {
        return bytesRead;
    }

    public int flushes() {
        return flushes;
    }

    public boolean isClosed() {
        return closed;
    }

    /** Offsets of all writes, in their order. */
    public List<Long> writes() {
        return writes;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return bytes.byteSize();
    }

    @Override
    public synchronized void read(long offset, MemorySegment target) throws DeviceException {
        bytesRead += target.byteSize();
        check("read", offset, target, unreadable);
        target.copyFrom(bytes.asSlice(offset, target.byteSize()));
    }

    @Override
    public synchronized void write(long offset, MemorySegment source) throws DeviceException {
        check("write", offset, source, unwritable);
        writes.add(offset);
        if (!dropWrites) {
            bytes.asSlice(offset, source.byteSize()).copyFrom(source);
        }
    }

    @Override
    public synchronized void flush() throws DeviceException {
        if (failFlushes) {
            throw new DeviceException(name, "flush", 0, "told to");
        }
        flushes++;
    }

    @Override
    public synchronized void discard(long offset, long length) {
        bytes.asSlice(offset, length).fill((byte) 0xdd);
    }

    @Override
    public void close() {
        closed = true;
    }

    private void check(String operation, long offset, MemorySegment memory, NavigableSet<Long> broken)
            throws DeviceException {
        Objects.checkFromIndexSize(offset, memory.byteSize(), bytes.byteSize());
        if (!memory.isNative() || (memory.address() | offset | memory.byteSize()) % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("native memory, offset and length must be aligned to " + BLOCK_BYTES);
        }
        Long bad = broken.ceiling(offset);
        if (bad != null && bad < offset + memory.byteSize()) {
            throw new DeviceException(name, operation, bad, "told to");
        }
    }
}
