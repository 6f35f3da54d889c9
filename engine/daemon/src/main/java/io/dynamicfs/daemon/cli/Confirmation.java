package io.dynamicfs.daemon.cli;

import io.dynamicfs.daemon.terminal.Terminal;
import java.io.Console;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The question before something is destroyed. */
final class Confirmation {
    private Confirmation() {}

    /** Asks for {@code name} before {@code what} is done; without a terminal only {@code --yes} says so. */
    static void ask(boolean yes, String what, String name) {
        if (yes) {
            return;
        }
        if (!Terminal.isInteractive()) {
            throw refused(what + " loses its data and there is no terminal to ask on. Add --yes if you mean it.");
        }
        Console console = Objects.requireNonNull(System.console());
        @Nullable
        String answer = console.readLine("%s loses its data for good. Type its name (%s) to go on: ", what, name);
        if (answer == null || !answer.strip().equals(name)) {
            throw refused("expected the name \"" + name + "\". Nothing was destroyed.");
        }
    }

    private static CliException refused(String message) {
        return new CliException(ExitCode.REFUSED, "NOT_CONFIRMED", message);
    }
}
