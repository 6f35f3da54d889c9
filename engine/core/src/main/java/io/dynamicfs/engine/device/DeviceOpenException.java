package io.dynamicfs.engine.device;

import io.dynamicfs.engine.syscall.Errno;
import java.io.IOException;

/** A disk was refused. The message says what was expected, what was found and what to do. */
public final class DeviceOpenException extends IOException {
    private static final long serialVersionUID = 1L;

    public enum Reason {
        NOT_FOUND,
        NOT_A_DISK,
        BUSY,
        READ_ONLY,
        TOO_SMALL,
        PERMISSION,
        NO_DIRECT_IO,
        SECTOR_TOO_LARGE,
        FAILED
    }

    private final String device;
    private final Reason reason;

    public DeviceOpenException(String device, Reason reason, String message) {
        super(device + ": " + message);
        this.device = device;
        this.reason = reason;
    }

    /** A device that another process could not open: {@code errno} and what that process said. */
    public static DeviceOpenException byOther(String device, int errno, String message) {
        Errno known = Errno.of(errno);
        Reason reason = switch (known) {
            case ENOENT, ENOTDIR, ENXIO, ENODEV -> Reason.NOT_FOUND;
            case EBUSY -> Reason.BUSY;
            case EACCES, EPERM -> Reason.PERMISSION;
            case EROFS -> Reason.READ_ONLY;
            case EINVAL -> Reason.NO_DIRECT_IO;
            case null, default -> Reason.FAILED;
        };
        return new DeviceOpenException(device, reason, message.isEmpty() ? Errno.describe(errno) : message);
    }

    public String device() {
        return device;
    }

    public Reason reason() {
        return reason;
    }
}
