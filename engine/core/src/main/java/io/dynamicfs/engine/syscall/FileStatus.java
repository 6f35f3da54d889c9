package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What {@code statx(2)} says of a file, as far as a disk needs it. {@code errno} is 0, or the reason why the rest is empty.
 * {@code directOffsetAlign} is the unit of O_DIRECT in bytes: 0 when there is none, -1 when the kernel does not tell.
 */
public record FileStatus(
        int errno,
        Kind kind,
        long sizeBytes,
        long inode,
        DeviceNumber fileSystem,
        DeviceNumber device,
        int directOffsetAlign) {

    public enum Kind {
        REGULAR,
        DIRECTORY,
        BLOCK_DEVICE,
        CHARACTER_DEVICE,
        OTHER
    }

    static final int STATX_BYTES = 256;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    static final int STATX_MASK = STATX_BASIC_STATS | STATX_DIOALIGN;

    private static final int MASK = 0;
    private static final int MODE = 28;
    private static final int INODE = 32;
    private static final int SIZE = 40;
    private static final int RDEV_MAJOR = 128;
    private static final int RDEV_MINOR = 132;
    private static final int DEV_MAJOR = 136;
    private static final int DEV_MINOR = 140;
    private static final int DIO_OFFSET_ALIGN = 156;

    static FileStatus failed(int errno) {
        DeviceNumber none = new DeviceNumber(0, 0);
        return new FileStatus(errno, Kind.OTHER, 0, 0, none, none, -1);
    }

    static FileStatus read(MemorySegment statx) {
        boolean aligned = (statx.get(JAVA_INT, MASK) & STATX_DIOALIGN) != 0;
        return new FileStatus(
                0,
                kind(statx.get(JAVA_SHORT, MODE)),
                statx.get(JAVA_LONG, SIZE),
                statx.get(JAVA_LONG, INODE),
                new DeviceNumber(statx.get(JAVA_INT, DEV_MAJOR), statx.get(JAVA_INT, DEV_MINOR)),
                new DeviceNumber(statx.get(JAVA_INT, RDEV_MAJOR), statx.get(JAVA_INT, RDEV_MINOR)),
                aligned ? statx.get(JAVA_INT, DIO_OFFSET_ALIGN) : -1);
    }

    private static Kind kind(short mode) {
        return switch (mode & 0xf000) {
            case 0x8000 -> Kind.REGULAR;
            case 0x4000 -> Kind.DIRECTORY;
            case 0x6000 -> Kind.BLOCK_DEVICE;
            case 0x2000 -> Kind.CHARACTER_DEVICE;
            default -> Kind.OTHER;
        };
    }
}
