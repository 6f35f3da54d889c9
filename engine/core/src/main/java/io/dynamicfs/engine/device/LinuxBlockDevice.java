package io.dynamicfs.engine.device;

import static io.dynamicfs.engine.device.DeviceOpenException.Reason.BUSY;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.FAILED;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.NOT_A_DISK;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.NOT_FOUND;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.NO_DIRECT_IO;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.PERMISSION;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.READ_ONLY;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.SECTOR_TOO_LARGE;
import static io.dynamicfs.engine.device.DeviceOpenException.Reason.TOO_SMALL;
import static io.dynamicfs.engine.syscall.FileDescriptors.LOCK_EX;
import static io.dynamicfs.engine.syscall.FileDescriptors.LOCK_NB;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_ACCMODE;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_CLOEXEC;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_DIRECT;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_EXCL;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_RDONLY;
import static io.dynamicfs.engine.syscall.FileDescriptors.O_RDWR;

import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FileStatus;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** A block device or an image file, through O_DIRECT. Open for writing means: nobody else on this machine has it so. */
public final class LinuxBlockDevice implements BlockDevice {
    public enum Mode {
        /** Exclusive and writable. */
        OWNED,
        /** For looking at a disk that someone else may own at the same time. */
        READ_ONLY
    }

    private final KernelFiles kernel;
    private final String name;
    private final int fd;
    private final Mode mode;
    private final DeviceKey key;
    private final long sizeBytes;

    /** One for being open and one for each call under way; the last to leave closes, so that no call meets a reused number. */
    private final AtomicInteger users = new AtomicInteger(1);

    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean discardUnsupported;

    private LinuxBlockDevice(KernelFiles kernel, String name, int fd, Mode mode, DeviceKey key, long sizeBytes) {
        this.kernel = kernel;
        this.name = name;
        this.fd = fd;
        this.mode = mode;
        this.key = key;
        this.sizeBytes = sizeBytes;
    }

    public static LinuxBlockDevice open(KernelFiles kernel, Path path, Mode mode) throws DeviceOpenException {
        String name = path.toString();
        DeviceKey key = key(name, FileDescriptors.status(name));
        int fd;
        do {
            fd = FileDescriptors.open(name, openFlags(mode, key), 0);
        } while (fd == -Errno.EINTR.number());
        if (fd < 0) {
            throw openFailure(kernel, name, key, mode, -fd);
        }
        LinuxBlockDevice device = admit(kernel, name, fd, mode);
        if (!device.key.equals(key)) {
            device.close();
            throw new DeviceOpenException(
                    name, FAILED, "expected " + key + ", found that the name moved to " + device.key + ": try again");
        }
        return device;
    }

    /**
     * Takes over a descriptor that another process opened as {@link #open} would have, O_EXCL included. The descriptor is
     * closed when it is refused.
     */
    public static LinuxBlockDevice adopt(KernelFiles kernel, int fd, String name) throws DeviceOpenException {
        return adopt(kernel, fd, name, Mode.OWNED);
    }

    /** As above, in the mode that it was opened for. */
    public static LinuxBlockDevice adopt(KernelFiles kernel, int fd, String name, Mode mode)
            throws DeviceOpenException {
        return admit(kernel, name, fd, mode);
    }

    private static int openFlags(Mode mode, DeviceKey key) {
        int flags = O_DIRECT | O_CLOEXEC;
        return switch (mode) {
            case READ_ONLY -> flags | O_RDONLY;
            case OWNED -> flags | O_RDWR | (key instanceof DeviceKey.Block ? O_EXCL : 0);
        };
    }

    private static LinuxBlockDevice admit(KernelFiles kernel, String name, int fd, Mode mode)
            throws DeviceOpenException {
        boolean admitted = false;
        try {
            FileStatus status = FileDescriptors.status(fd);
            DeviceKey key = key(name, status);
            checkFlags(name, fd, mode);
            checkAlignment(name, fd, key, status);
            if (mode == Mode.OWNED) {
                checkWritable(name, fd, key);
                lock(kernel, name, fd, key);
            }
            LinuxBlockDevice device = new LinuxBlockDevice(kernel, name, fd, mode, key, size(name, fd, key, status));
            admitted = true;
            return device;
        } finally {
            if (!admitted) {
                FileDescriptors.close(fd);
            }
        }
    }

    private static DeviceKey key(String name, FileStatus status) throws DeviceOpenException {
        int errno = status.errno();
        if (errno != 0) {
            throw pathFailure(name, errno);
        }
        return switch (status.kind()) {
            case BLOCK_DEVICE -> new DeviceKey.Block(status.device());
            case REGULAR -> new DeviceKey.Image(status.fileSystem(), status.inode());
            case DIRECTORY -> throw notADisk(name, "a directory");
            case CHARACTER_DEVICE -> throw notADisk(name, "a character device");
            case OTHER -> throw notADisk(name, "something else");
        };
    }

    private static void checkFlags(String name, int fd, Mode mode) throws DeviceOpenException {
        int flags = FileDescriptors.flags(fd);
        if (flags < 0) {
            throw failed(name, "reading the flags of the descriptor", -flags);
        }
        if ((flags & O_DIRECT) == 0) {
            throw new DeviceOpenException(
                    name,
                    NO_DIRECT_IO,
                    "expected a descriptor opened with O_DIRECT, found one without: open it with O_DIRECT");
        }
        if (mode == Mode.OWNED && (flags & O_ACCMODE) != O_RDWR) {
            throw new DeviceOpenException(
                    name,
                    READ_ONLY,
                    "expected a descriptor opened with O_RDWR, found another access mode: open it with O_RDWR");
        }
    }

    private static void checkAlignment(String name, int fd, DeviceKey key, FileStatus status)
            throws DeviceOpenException {
        int unit = key instanceof DeviceKey.Block ? FileDescriptors.logicalSectorBytes(fd) : status.directOffsetAlign();
        if (key instanceof DeviceKey.Block && unit < 0) {
            throw failed(name, "reading the sector size", -unit);
        }
        if (unit == 0) {
            throw noDirectIo(name);
        }
        if (unit > BLOCK_BYTES) {
            throw new DeviceOpenException(
                    name,
                    SECTOR_TOO_LARGE,
                    "expected sectors of at most " + BLOCK_BYTES + " bytes, found " + unit
                            + ": reformat the device to a smaller sector size, or use another one");
        }
    }

    private static void checkWritable(String name, int fd, DeviceKey key) throws DeviceOpenException {
        if (key instanceof DeviceKey.Block) {
            int readOnly = FileDescriptors.blockDeviceReadOnly(fd);
            if (readOnly < 0) {
                throw failed(name, "asking whether the device is read-only", -readOnly);
            }
            if (readOnly != 0) {
                throw readOnly(name);
            }
        }
    }

    /** On block devices the lock also keeps udev from probing a disk that is being written. */
    private static void lock(KernelFiles kernel, String name, int fd, DeviceKey key) throws DeviceOpenException {
        int result;
        do {
            result = FileDescriptors.flock(fd, LOCK_EX | LOCK_NB);
        } while (result == -Errno.EINTR.number());
        if (result == -Errno.EAGAIN.number()) {
            throw busy(name, "another process has locked it", DeviceUse.find(kernel, key));
        }
        if (result < 0) {
            throw failed(name, "locking", -result);
        }
    }

    private static long size(String name, int fd, DeviceKey key, FileStatus status) throws DeviceOpenException {
        long bytes = key instanceof DeviceKey.Block ? FileDescriptors.blockDeviceBytes(fd) : status.sizeBytes();
        if (bytes < 0) {
            throw failed(name, "reading the size", (int) -bytes);
        }
        if (bytes < DiskGeometry.DISK_BYTES_MIN) {
            throw new DeviceOpenException(
                    name,
                    TOO_SMALL,
                    "expected at least " + DiskGeometry.DISK_BYTES_MIN + " bytes, found " + bytes
                            + ": use a larger disk or image");
        }
        return bytes / BLOCK_BYTES * BLOCK_BYTES;
    }

    private static DeviceOpenException openFailure(
            KernelFiles kernel, String name, DeviceKey key, Mode mode, int errno) {
        if (errno == Errno.EBUSY.number()) {
            return busy(name, "another user holds it exclusively", DeviceUse.find(kernel, key));
        }
        if (errno == Errno.EINVAL.number()) {
            return noDirectIo(name);
        }
        if (errno == Errno.EROFS.number() || (mode == Mode.OWNED && isReadOnlyDevice(kernel, key))) {
            return readOnly(name);
        }
        return pathFailure(name, errno);
    }

    /** The kernel answers EACCES or EPERM for a device that was set read-only, as for missing rights. */
    private static boolean isReadOnlyDevice(KernelFiles kernel, DeviceKey key) {
        if (key instanceof DeviceKey.Block block) {
            Path directory = kernel.blockDevice(block.device());
            return directory != null && "1".equals(KernelFiles.text(directory.resolve("ro")));
        }
        return false;
    }

    private static DeviceOpenException pathFailure(String name, int errno) {
        if (errno == Errno.ENOENT.number()
                || errno == Errno.ENOTDIR.number()
                || errno == Errno.ENXIO.number()
                || errno == Errno.ENODEV.number()) {
            return new DeviceOpenException(
                    name,
                    NOT_FOUND,
                    "expected a block device or an image file, found nothing (" + Errno.describe(errno)
                            + "): check the name, and that the disk is attached");
        }
        if (errno == Errno.EACCES.number() || errno == Errno.EPERM.number()) {
            return new DeviceOpenException(
                    name,
                    PERMISSION,
                    "expected the right to open it, found " + Errno.describe(errno)
                            + ": run as root, or give this process access to the device");
        }
        return failed(name, "opening", errno);
    }

    private static DeviceOpenException notADisk(String name, String found) {
        return new DeviceOpenException(
                name,
                NOT_A_DISK,
                "expected a block device or an image file, found " + found + ": name a disk or an image");
    }

    private static DeviceOpenException readOnly(String name) {
        return new DeviceOpenException(
                name,
                READ_ONLY,
                "expected a writable disk, found a read-only one: make it writable (blockdev --setrw, or "
                        + "remount the file system of the image), or use another one");
    }

    private static DeviceOpenException noDirectIo(String name) {
        return new DeviceOpenException(
                name,
                NO_DIRECT_IO,
                "expected a file system that supports O_DIRECT, found one that does not: put the image on ext4, XFS or "
                        + "btrfs, or on tmpfs of Linux 6.6 or later");
    }

    private static DeviceOpenException busy(String name, String found, List<DeviceUse> uses) {
        String detail = uses.isEmpty()
                ? ""
                : " (" + uses.stream().map(DeviceUse::toString).collect(Collectors.joining(", ")) + ")";
        return new DeviceOpenException(
                name,
                BUSY,
                "expected a disk that nobody else uses, found that " + found + detail
                        + ": stop what uses it, or name another disk");
    }

    private static DeviceOpenException failed(String name, String step, int errno) {
        return new DeviceOpenException(
                name,
                FAILED,
                "expected to open it, found that " + step + " failed: " + Errno.describe(errno)
                        + ": look for errors of this device in the kernel log");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    /** The serial number, or the world-wide name where the disk tells no serial. */
    @Override
    public String serial() {
        HardwareIdentity identity = HardwareIdentity.read(kernel, key);
        if (identity == null) {
            return "";
        }
        return Objects.requireNonNullElse(identity.serial(), Objects.requireNonNullElse(identity.wwn(), ""));
    }

    public DeviceKey key() {
        return key;
    }

    public Mode mode() {
        return mode;
    }

    @Override
    public void read(long offset, MemorySegment target) throws DeviceException {
        check(offset, target);
        enter("read", offset);
        try {
            long length = target.byteSize();
            for (long done = 0; done < length; ) {
                long result = FileDescriptors.pread(fd, target.address() + done, length - done, offset + done);
                done += progress("read", offset + done, result);
            }
        } finally {
            Reference.reachabilityFence(target);
            leave();
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws DeviceException {
        check(offset, source);
        enter("write", offset);
        try {
            long length = source.byteSize();
            for (long done = 0; done < length; ) {
                long result = FileDescriptors.pwrite(fd, source.address() + done, length - done, offset + done);
                done += progress("write", offset + done, result);
            }
        } finally {
            Reference.reachabilityFence(source);
            leave();
        }
    }

    @Override
    public void flush() throws DeviceException {
        enter("flush", 0);
        try {
            // EINTR is a failed flush like any other: it is not known what was written, and asking again would not
            // tell.
            int result = FileDescriptors.fdatasync(fd);
            if (result < 0) {
                throw failure("flush", 0, -result);
            }
        } finally {
            leave();
        }
    }

    @Override
    public void discard(long offset, long length) throws DeviceException {
        checkRange(offset, length);
        if (discardUnsupported || length == 0) {
            return;
        }
        enter("discard", offset);
        try {
            int result = key instanceof DeviceKey.Block
                    ? FileDescriptors.discard(fd, offset, length)
                    : FileDescriptors.punchHole(fd, offset, length);
            if (result == -Errno.EOPNOTSUPP.number() || result == -Errno.ENOSYS.number()) {
                discardUnsupported = true;
            } else if (result < 0 && result != -Errno.EINTR.number()) {
                throw failure("discard", offset, -result);
            }
        } finally {
            leave();
        }
    }

    /** What else on this machine uses this disk. */
    public List<DeviceUse> uses() {
        return DeviceUse.find(kernel, key);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            leave();
        }
    }

    /** Bytes of whole blocks that were transferred, 0 to try again. */
    private long progress(String operation, long offset, long result) throws DeviceException {
        if (result == -Errno.EINTR.number()) {
            return 0;
        }
        if (result < 0) {
            throw failure(operation, offset, (int) -result);
        }
        long whole = result / BLOCK_BYTES * BLOCK_BYTES;
        if (whole == 0) {
            throw new DeviceException(
                    name,
                    operation,
                    offset,
                    "expected at least " + BLOCK_BYTES + " bytes, " + result
                            + " were transferred: the disk has shrunk or gone");
        }
        return whole;
    }

    private DeviceException failure(String operation, long offset, int errno) {
        return new DeviceException(name, operation, offset, Errno.describe(errno));
    }

    private void check(long offset, MemorySegment memory) {
        checkRange(offset, memory.byteSize());
        if (!memory.isNative() || memory.address() % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("memory for I/O must be native and aligned to " + BLOCK_BYTES);
        }
    }

    private void checkRange(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, sizeBytes);
        if ((offset | length) % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException(
                    "offset " + offset + " and length " + length + " must be multiples of " + BLOCK_BYTES);
        }
    }

    private void enter(String operation, long offset) throws DeviceException {
        int before;
        do {
            before = users.get();
            if (closed.get() || before == 0) {
                throw new DeviceException(name, operation, offset, "the device was closed");
            }
        } while (!users.compareAndSet(before, before + 1));
    }

    private void leave() {
        if (users.decrementAndGet() == 0) {
            FileDescriptors.close(fd);
        }
    }
}
