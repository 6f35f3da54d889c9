package io.dynamicfs.engine.tree;

/** A tree node of which no copy is what its pointer and its parent promise. */
public final class CorruptNodeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String resource;
    private final String expected;
    private final String actual;

    public CorruptNodeException(String resource, String expected, String actual) {
        super(resource + " is corrupt: expected " + expected + ", found " + actual);
        this.resource = resource;
        this.expected = expected;
        this.actual = actual;
    }

    public String resource() {
        return resource;
    }

    public String expected() {
        return expected;
    }

    public String actual() {
        return actual;
    }
}
