package io.dynamicfs.csi.engine;

import org.jspecify.annotations.Nullable;

/** The engine did not do what it was asked for. */
public abstract sealed class EngineFailure extends Exception permits EngineDown, EngineRefusal {
    private static final long serialVersionUID = 1L;

    EngineFailure(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
