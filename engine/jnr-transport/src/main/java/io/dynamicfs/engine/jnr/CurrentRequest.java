package io.dynamicfs.engine.jnr;

import org.jspecify.annotations.Nullable;

/** The kernel's request that a thread serves. libfuse does not tell its callbacks what was asked for. */
final class CurrentRequest {
    static final int LOOKUP = 1;
    static final int GETATTR = 3;
    static final int UNLINK = 10;
    static final int RENAME = 12;

    /** Outside of requests, at the end of a session. */
    private static final int NONE = 0;

    private final ThreadLocal<State> states = ThreadLocal.withInitial(State::new);

    private static final class State {
        private int opcode = NONE;
        private @Nullable String hiddenPath;
    }

    /** {@code opcode} is the kernel's. */
    void begin(int opcode) {
        State state = states.get();
        state.opcode = opcode;
        state.hiddenPath = null;
    }

    void end() {
        begin(NONE);
    }

    boolean is(int opcode) {
        return states.get().opcode == opcode;
    }

    /** libfuse has asked whether {@code path} is free, to hide an open file there that loses its name. */
    void setHiddenPath(String path) {
        states.get().hiddenPath = path;
    }

    boolean hidesAt(String path) {
        return path.equals(states.get().hiddenPath);
    }
}
