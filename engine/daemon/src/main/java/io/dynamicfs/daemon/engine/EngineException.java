package io.dynamicfs.daemon.engine;

/** Why the engine's process did not do something that is not about the inside of a pool. */
public final class EngineException extends Exception {
    private static final long serialVersionUID = 1L;

    /** The stable name of an answer. */
    public enum Reason {
        /** The name typed to confirm is not the name of what would be destroyed. */
        NOT_CONFIRMED,
        /** Nothing of this engine is mounted there. */
        NOT_MOUNTED,
        VOLUME_MOUNTED,
        POOL_MOUNTED,
        /** Another engine has this socket or state directory. */
        ENGINE_RUNNING,
        /** A directory of the engine cannot be made or written. */
        DIRECTORY_UNUSABLE,
        /** Only an engine that was started with a keeper can do that. */
        NO_KEEPER,
        /** The keeper does not answer, or not as it should. */
        KEEPER_UNAVAILABLE,
        /** The keeper has no such connection. */
        CONNECTION_NOT_FOUND
    }

    private final Reason reason;

    public EngineException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public EngineException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
