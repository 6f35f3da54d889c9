package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.syscall.Errno;

/** A change found no room in the survivor memory: a commit makes some. */
final class SurvivorFullException extends FsException {
    private static final long serialVersionUID = 1L;

    private final long bytes;

    /** {@code bytes}: of the operation and the data that found none. */
    SurvivorFullException(long bytes) {
        super(Errno.ENOSPC, "the survivor memory is full");
        this.bytes = bytes;
    }

    long bytes() {
        return bytes;
    }
}
