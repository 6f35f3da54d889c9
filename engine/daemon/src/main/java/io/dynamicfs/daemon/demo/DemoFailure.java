package io.dynamicfs.daemon.demo;

/** The demo found something that must not be. The message says what was expected and what was found. */
public final class DemoFailure extends Exception {
    private static final long serialVersionUID = 1L;

    DemoFailure(String message) {
        super(message);
    }
}
