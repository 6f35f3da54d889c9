package io.dynamicfs.engine.extent;

/** So many fragments of an extent are missing or wrong that its bytes cannot be given back. */
public final class LostDataException extends Exception {
    private static final long serialVersionUID = 1L;

    public LostDataException(String message) {
        super(message);
    }
}
