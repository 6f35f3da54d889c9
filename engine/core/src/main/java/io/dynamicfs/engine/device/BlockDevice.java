package io.dynamicfs.engine.device;

import java.lang.foreign.MemorySegment;

/**
 * The bytes of one disk. Offsets and lengths are multiples of {@link #BLOCK_BYTES}, memory is native and aligned to it.
 * Calls from several threads may overlap; a call that returns has transferred everything.
 */
public interface BlockDevice extends AutoCloseable {
    int BLOCK_BYTES = 4096;

    /** How messages name this disk: a device path, or an image file's path. */
    String name();

    /** The serial number that the hardware tells, or an empty string. */
    default String serial() {
        return "";
    }

    /** Usable size, a multiple of {@link #BLOCK_BYTES}. */
    long sizeBytes();

    void read(long offset, MemorySegment target) throws DeviceException;

    void write(long offset, MemorySegment source) throws DeviceException;

    /** Makes every write that has returned durable. A flush that failed once invalidates all writes since the last good one. */
    void flush() throws DeviceException;

    /** Tells the disk that the range holds nothing; its content is undefined afterwards. A disk may ignore it. */
    void discard(long offset, long length) throws DeviceException;

    @Override
    void close();
}
