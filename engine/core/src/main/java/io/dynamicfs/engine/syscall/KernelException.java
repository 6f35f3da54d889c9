package io.dynamicfs.engine.syscall;

import java.io.IOException;

/** A system call that the kernel refused, with its error number. */
public final class KernelException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int number;

    public KernelException(String call, int number) {
        super(call + ": " + describe(number));
        this.number = number;
    }

    public int number() {
        return number;
    }

    public boolean is(Errno errno) {
        return number == errno.number();
    }

    private static String describe(int number) {
        for (Errno errno : Errno.values()) {
            if (errno.number() == number) {
                return errno.text() + " (" + errno + ")";
            }
        }
        return "error number " + number;
    }
}
