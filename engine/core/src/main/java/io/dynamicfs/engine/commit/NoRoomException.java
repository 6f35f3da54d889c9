package io.dynamicfs.engine.commit;

/** A commit found no place for what it has to write; the last durable state is untouched and can be read. */
public final class NoRoomException extends StoppedException {
    private static final long serialVersionUID = 1L;

    NoRoomException(String message) {
        super(message);
    }
}
