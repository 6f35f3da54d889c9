package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.daemon.engine.EngineSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the engine listens. */
final class Connection {
    private static final String VARIABLE = "DYNAMICFS_SOCKET";

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "The engine's socket. Default: $" + VARIABLE + " or /run/dynamicfs/engine.sock.")
    private @Nullable Path socket;

    Path socket() {
        if (socket != null) {
            return socket;
        }
        String fromEnvironment = System.getenv(VARIABLE);
        return fromEnvironment == null ? EngineSettings.DEFAULT_SOCKET : Path.of(fromEnvironment);
    }

    ControlClient open() {
        if (!Files.exists(socket())) {
            throw unreachable();
        }
        return new ControlClient(socket());
    }

    CliException unreachable() {
        return new CliException(
                ExitCode.UNREACHABLE,
                "NO_ENGINE",
                "expected an engine listening on " + socket()
                        + ", found nobody there. Start one with: dynamicfs engine; or name its socket with --socket.");
    }
}
