package io.dynamicfs.engine.mount;

/** A mount or unmount that is refused: what was expected, what was found, and what to do. */
public final class MountException extends Exception {
    private static final long serialVersionUID = 1L;

    public enum Reason {
        NO_DIRECTORY,
        NOT_A_DIRECTORY,
        NOT_EMPTY,
        ALREADY_MOUNTED,
        UNKNOWN_OPTION,
        NO_FUSE_DEVICE,
        NO_LIBRARY,
        NOT_PERMITTED,
        KERNEL_TOO_OLD,
        BUSY,
        FAILED
    }

    private final Reason reason;

    public MountException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public MountException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
