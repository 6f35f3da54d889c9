package io.dynamicfs.daemon.cli;

import io.dynamicfs.daemon.control.EngineProcess;
import io.dynamicfs.daemon.engine.EngineSettings;
import io.dynamicfs.daemon.engine.Transports;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        name = "engine",
        description = {
            "Runs the engine in the foreground: it owns the disks, serves the mounts and listens on its socket. SIGTERM "
                    + "unmounts, commits and closes. An engine that is started again opens and mounts what was open and mounted."
        },
        footer = {
            "",
            "Examples:",
            "  dynamicfs engine",
            "  dynamicfs engine --socket ./e.sock --state-dir ./state",
            "  dynamicfs engine --transport jnr --socket $XDG_RUNTIME_DIR/dynamicfs/engine.sock",
            "  JAVA_OPTS=-Xmx4g dynamicfs engine"
        })
@SuppressWarnings("NullAway.Init")
final class EngineCommand implements Callable<Integer> {
    private static final int IO_THREADS = 4;
    private static final int MOUNT_THREADS = 4;

    @Mixin
    private Connection connection;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "Where it remembers what is open. Default: the socket's directory.")
    private @Nullable Path stateDirectory;

    @Option(
            names = "--memory-dir",
            paramLabel = "DIR",
            description = "Where answered but uncommitted data outlives the process; on tmpfs. Default: the state "
                    + "directory if that is on tmpfs, else /dev/shm/dynamicfs.")
    private @Nullable Path memoryDirectory;

    @Option(
            names = "--memory-size",
            defaultValue = "256M",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Size of that memory for each pool. Default: ${DEFAULT-VALUE}.")
    private Long memoryBytes;

    @Option(
            names = "--io-threads",
            defaultValue = "" + IO_THREADS,
            paramLabel = "N",
            description = "Threads for each disk. Default: ${DEFAULT-VALUE}.")
    private int ioThreads;

    @Option(
            names = "--mount-threads",
            defaultValue = "" + MOUNT_THREADS,
            paramLabel = "N",
            description = "Threads for each mount. Default: ${DEFAULT-VALUE}.")
    private int mountThreads;

    @Option(
            names = "--transport",
            defaultValue = "kernel",
            paramLabel = "HOW",
            converter = TransportConverter.class,
            description =
                    "How it mounts: \"kernel\" by itself, which needs root; \"jnr\" with libfuse 2, whose fusermount "
                            + "mounts for other users, slower and without what docs/posix.md lists. Default: ${DEFAULT-VALUE}.")
    private Transports transport;

    @Option(
            names = "--keeper",
            paramLabel = "PATH",
            description =
                    "Socket of the process that opens disks and mounts for this engine, which then needs no rights "
                            + "and opens and serves only what it is told to.")
    private @Nullable Path keeper;

    @Option(
            names = "--health-port",
            paramLabel = "PORT",
            description = "Answers GET /livez and /readyz there. Default: nowhere.")
    private @Nullable Integer healthPort;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (keeper != null && transport != Transports.KERNEL) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--keeper: expected --transport=kernel with it, found --transport=" + transport.text()
                            + "; a keeper hands over connections, which libfuse cannot take. Remove one of the two.");
        }
        Path keeperSocket = keeper == null ? null : keeper.toAbsolutePath().normalize();
        EngineProcess.run(settings(), new EngineProcess.Surroundings(keeperSocket, healthPort), System.out);
        return ExitCode.OK.number();
    }

    private EngineSettings settings() {
        Path socket = connection.socket().toAbsolutePath().normalize();
        Path state = stateDirectory == null
                ? socket.resolveSibling("")
                : stateDirectory.toAbsolutePath().normalize();
        return EngineSettings.of(socket, state, memoryDirectory, memoryBytes, ioThreads, mountThreads, transport);
    }
}
