package io.dynamicfs.engine.device;

import java.io.IOException;

/** A disk did not do what it was asked to. */
public class DeviceException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String device;
    private final String operation;
    private final long offset;

    public DeviceException(String device, String operation, long offset, String reason) {
        super(operation + " at " + offset + " of " + device + " failed: " + reason);
        this.device = device;
        this.operation = operation;
        this.offset = offset;
    }

    public String device() {
        return device;
    }

    public String operation() {
        return operation;
    }

    public long offset() {
        return offset;
    }
}
