package io.dynamicfs.engine.commit;

/** Why something was not done to a pool, a disk or a volume. The message says what was expected, what was found and what to do. */
public final class PoolException extends Exception {
    private static final long serialVersionUID = 1L;

    /** The stable name of an answer; borders map it to exit codes and gRPC status. */
    public enum Reason {
        /** A name or value that can never be right. */
        INVALID_ARGUMENT,
        /** Fewer disks than the redundancy needs. */
        TOO_FEW_DISKS,
        /** Redundancy that promises more than the pool's metadata has. */
        REDUNDANCY_TOO_HIGH,
        /** Smaller than the least size of a disk. */
        DISK_TOO_SMALL,
        /** Held by another program, a mount or another engine. */
        DISK_BUSY,
        /** Carries a file system, a partition table or other foreign content. */
        DISK_FOREIGN,
        /** Carries the identity of a pool already. */
        DISK_IN_POOL,
        /** The same disk under two names. */
        DISK_TWICE,
        /** A path that is no block device and no file, or cannot be opened. */
        DISK_NOT_FOUND,
        /** The disk answered with an error. */
        DISK_FAILED,
        /** None of the disks belongs to the pool asked for, or to any. */
        POOL_NOT_FOUND,
        /** The disks hold several pools and none was chosen. */
        POOL_AMBIGUOUS,
        /** A pool of this name or identity is there already. */
        POOL_EXISTS,
        /** The pool, or one of its volumes, is in use. */
        POOL_BUSY,
        /** So few disks that something newer may exist, or that data cannot be read. */
        DISKS_MISSING,
        /** The state found is older than, or forked from, one that was durable. */
        ROLLBACK_REFUSED,
        /** Written by an older version that cannot be read any more. */
        FORMAT_TOO_OLD,
        /** Written by a newer version, or with a feature unknown here. */
        FORMAT_TOO_NEW,
        /** Structures are damaged in all their copies. */
        DAMAGED,
        VOLUME_NOT_FOUND,
        VOLUME_EXISTS,
        /** The volume is mounted. */
        VOLUME_BUSY,
        /** No space left for what was asked. */
        POOL_FULL,
        /** A volume shall grow by more than the pool can promise. */
        CAPACITY_EXCEEDED,
        /** The pool was opened read-only. */
        READ_ONLY,
        /** The pool stopped after an error it could not handle, or was closed. */
        STOPPED
    }

    private final Reason reason;

    public PoolException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public PoolException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
