package io.dynamicfs.engine.commit;

/** The pool cannot go on: what is durable stays as it is, and nothing more is promised. */
public sealed class StoppedException extends RuntimeException permits NoRoomException {
    private static final long serialVersionUID = 1L;

    public StoppedException(String message) {
        super(message);
    }

    public StoppedException(String message, Throwable cause) {
        super(message, cause);
    }
}
