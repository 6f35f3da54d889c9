package io.dynamicfs.bench.nullfs;

import io.dynamicfs.engine.syscall.Errno;

/** An answer that is an error number. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    Refusal(Errno errno) {
        super(errno.text(), null, false, false);
        this.errno = errno;
    }

    Errno errno() {
        return errno;
    }
}
