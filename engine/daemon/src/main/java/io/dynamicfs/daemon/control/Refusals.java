package io.dynamicfs.daemon.control;

import io.dynamicfs.control.grpc.ErrorReasons;
import io.dynamicfs.daemon.engine.EngineException;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.mount.MountException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** The border between our refusals and gRPC: the only place that turns one into the other. */
public final class Refusals {
    private Refusals() {}

    static StatusRuntimeException of(Exception failure) {
        return switch (failure) {
            case PoolException e -> of(code(e.reason()), e.reason().name(), e);
            case MountException e -> of(code(e.reason()), "MOUNT_" + e.reason().name(), e);
            case EngineException e -> of(code(e.reason()), e.reason().name(), e);
            case IllegalArgumentException e -> of(Status.Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", e);
            default -> of(Status.Code.INTERNAL, "INTERNAL", failure);
        };
    }

    private static StatusRuntimeException of(Status.Code code, String reason, Exception failure) {
        String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return code.toStatus()
                .withDescription(message)
                .withCause(failure)
                .asRuntimeException(ErrorReasons.trailers(reason));
    }

    public static Status.Code code(PoolException.Reason reason) {
        return switch (reason) {
            case INVALID_ARGUMENT -> Status.Code.INVALID_ARGUMENT;
            case DISK_NOT_FOUND, POOL_NOT_FOUND, VOLUME_NOT_FOUND -> Status.Code.NOT_FOUND;
            case POOL_EXISTS, VOLUME_EXISTS -> Status.Code.ALREADY_EXISTS;
            case POOL_FULL -> Status.Code.RESOURCE_EXHAUSTED;
            case CAPACITY_EXCEEDED -> Status.Code.OUT_OF_RANGE;
            case DAMAGED -> Status.Code.DATA_LOSS;
            case TOO_FEW_DISKS,
                    REDUNDANCY_TOO_HIGH,
                    DISK_TOO_SMALL,
                    DISK_BUSY,
                    DISK_FOREIGN,
                    DISK_IN_POOL,
                    DISK_TWICE,
                    DISK_FAILED,
                    POOL_AMBIGUOUS,
                    POOL_BUSY,
                    DISKS_MISSING,
                    ROLLBACK_REFUSED,
                    FORMAT_TOO_OLD,
                    FORMAT_TOO_NEW,
                    VOLUME_BUSY,
                    READ_ONLY,
                    STOPPED -> Status.Code.FAILED_PRECONDITION;
        };
    }

    public static Status.Code code(EngineException.Reason reason) {
        return switch (reason) {
            case NOT_MOUNTED, CONNECTION_NOT_FOUND -> Status.Code.NOT_FOUND;
            case KEEPER_UNAVAILABLE -> Status.Code.UNAVAILABLE;
            case NOT_CONFIRMED, VOLUME_MOUNTED, POOL_MOUNTED, ENGINE_RUNNING, DIRECTORY_UNUSABLE, NO_KEEPER ->
                Status.Code.FAILED_PRECONDITION;
        };
    }

    static Status.Code code(MountException.Reason reason) {
        return switch (reason) {
            case NO_DIRECTORY -> Status.Code.NOT_FOUND;
            case UNKNOWN_OPTION -> Status.Code.INVALID_ARGUMENT;
            case NO_FUSE_DEVICE, NO_LIBRARY, NOT_PERMITTED, KERNEL_TOO_OLD -> Status.Code.PERMISSION_DENIED;
            case NOT_A_DIRECTORY, NOT_EMPTY, ALREADY_MOUNTED, BUSY -> Status.Code.FAILED_PRECONDITION;
            case FAILED -> Status.Code.INTERNAL;
        };
    }
}
