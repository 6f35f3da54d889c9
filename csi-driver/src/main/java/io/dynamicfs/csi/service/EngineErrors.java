package io.dynamicfs.csi.service;

import io.dynamicfs.csi.engine.EngineDown;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineRefusal;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.syscall.KernelException;
import io.grpc.Status;
import java.util.Optional;

/** The border between the engine's refusals and CSI's codes: the only place that turns one into the other. */
public final class EngineErrors {
    private EngineErrors() {}

    /** Empty for what is our own mistake. */
    public static Optional<Refusal> map(Exception failure) {
        return switch (failure) {
            case Refusal refusal -> Optional.of(refusal);
            case EngineFailure e -> Optional.of(refusal(e));
            case MountException e ->
                Optional.of(new Refusal(Status.Code.INVALID_ARGUMENT, String.valueOf(e.getMessage()), e));
            case KernelException e -> Optional.of(new Refusal(Status.Code.INTERNAL, String.valueOf(e.getMessage()), e));
            case InterruptedException e ->
                Optional.of(new Refusal(Status.Code.UNAVAILABLE, "this process ends; call again", e));
            default -> Optional.empty();
        };
    }

    static Refusal refusal(EngineFailure failure) {
        String message = String.valueOf(failure.getMessage());
        return switch (failure) {
            case EngineDown down -> new Refusal(Status.Code.UNAVAILABLE, message, down);
            case EngineRefusal refusal -> new Refusal(code(refusal), message, refusal);
        };
    }

    /** A pool that is not open is not a volume that does not exist: its disks may only be out of sight. */
    private static Status.Code code(EngineRefusal refusal) {
        return switch (refusal.reason()) {
            case EngineRefusal.POOL_NOT_FOUND -> Status.Code.FAILED_PRECONDITION;
            case EngineRefusal.VOLUME_NOT_FOUND -> Status.Code.NOT_FOUND;
            default -> refusal.code();
        };
    }
}
