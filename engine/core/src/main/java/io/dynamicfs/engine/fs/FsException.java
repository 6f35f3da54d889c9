package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.syscall.Errno;

/** The answer "no" of a file operation, as an error number. Light: it has no stack trace. */
public sealed class FsException extends Exception permits SurvivorFullException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    public FsException(Errno errno) {
        this(errno, errno.text());
    }

    public FsException(Errno errno, String message) {
        super(message, null, false, false);
        this.errno = errno;
    }

    public Errno errno() {
        return errno;
    }
}
