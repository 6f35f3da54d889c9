package io.dynamicfs.engine.device;

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

    public String device() {
        return device;
    }

    public Reason reason() {
        return reason;
    }
}
