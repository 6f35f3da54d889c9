package io.dynamicfs.csi.rpc;

import io.grpc.Status;

/** A call that is answered with an error: expected, found, what to do. */
public final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    private final Status.Code code;

    public Refusal(Status.Code code, String message) {
        super(message);
        this.code = code;
    }

    public Refusal(Status.Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Status.Code code() {
        return code;
    }

    public static Refusal invalid(String message) {
        return new Refusal(Status.Code.INVALID_ARGUMENT, message);
    }
}
