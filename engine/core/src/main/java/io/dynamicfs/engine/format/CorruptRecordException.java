package io.dynamicfs.engine.format;

/** Bytes that passed their checksum but do not mean what their place says, or bytes that fail it. */
public final class CorruptRecordException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CorruptRecordException(String resource, String expected, String actual) {
        super(resource + " is corrupt: expected " + expected + ", found " + actual);
    }
}
