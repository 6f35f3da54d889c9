package io.dynamicfs.csi.engine;

/** No engine answered, or not in time. */
public final class EngineDown extends EngineFailure {
    private static final long serialVersionUID = 1L;

    EngineDown(String message) {
        super(message, null);
    }

    EngineDown(String message, Throwable cause) {
        super(message, cause);
    }
}
