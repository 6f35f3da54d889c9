package io.dynamicfs.daemon.terminal;

import java.io.Console;

/** The person at the other end, if there is one. */
public final class Terminal {
    private Terminal() {}

    @SuppressWarnings("SystemConsoleNull") // The documentation still allows null.
    public static boolean isInteractive() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
