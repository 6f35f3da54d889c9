package io.dynamicfs.engine.sim;

import org.jspecify.annotations.Nullable;

/** What was simulated did something that it must never do. The message says what was expected and what was found. */
public final class SimulationFailure extends AssertionError {
    private static final long serialVersionUID = 1L;

    SimulationFailure(String message) {
        super(message);
    }

    SimulationFailure(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
