package io.dynamicfs.csi.engine;

/** The engine did not do what it was asked for. */
public abstract sealed class EngineFailure extends Exception permits EngineDown, EngineRefusal {
    private static final long serialVersionUID = 1L;

    EngineFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
