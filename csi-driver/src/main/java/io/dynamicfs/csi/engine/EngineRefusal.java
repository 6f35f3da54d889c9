package io.dynamicfs.csi.engine;

import io.grpc.Status;

/** The engine's own no, with the stable reason that it gave and its code. */
public final class EngineRefusal extends EngineFailure {
    private static final long serialVersionUID = 1L;

    public static final String POOL_NOT_FOUND = "POOL_NOT_FOUND";
    public static final String VOLUME_NOT_FOUND = "VOLUME_NOT_FOUND";
    public static final String VOLUME_EXISTS = "VOLUME_EXISTS";
    public static final String VOLUME_BUSY = "VOLUME_BUSY";
    public static final String VOLUME_MOUNTED = "VOLUME_MOUNTED";

    private final String reason;
    private final Status.Code code;

    EngineRefusal(String reason, Status.Code code, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
        this.code = code;
    }

    public String reason() {
        return reason;
    }

    public Status.Code code() {
        return code;
    }

    public boolean is(String other) {
        return reason.equals(other);
    }
}
