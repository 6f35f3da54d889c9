package io.dynamicfs.daemon.demo;

import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.grpc.StatusRuntimeException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A real {@code dynamicfs engine} in a process of its own. */
public final class EngineChild {
    private static final int START_SECONDS = 60;
    private static final int STOP_SECONDS = 60;
    private static final int POLL_MILLIS = 20;
    private static final int LOG_LINES_SHOWN = 15;

    private final Process process;
    private final Path log;
    private final ControlClient client;

    /** Starts an engine with its socket and state in {@code directory} and waits until it answers. */
    public static EngineChild start(Path directory) throws IOException, InterruptedException, DemoFailure {
        return start(directory, UnaryOperator.identity());
    }

    /** The same with another command line, made from the usual one, which ends with the options of the engine. */
    public static EngineChild start(Path directory, UnaryOperator<List<String>> command)
            throws IOException, InterruptedException, DemoFailure {
        Path socket = directory.resolve("engine.sock");
        Path log = directory.resolve("engine.log");
        Process process = new ProcessBuilder(command.apply(command(socket)))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        EngineChild child = new EngineChild(process, log, new ControlClient(socket));
        child.awaitAnswer();
        return child;
    }

    private EngineChild(Process process, Path log, ControlClient client) {
        this.process = process;
        this.log = log;
        this.client = client;
    }

    public ControlClient client() {
        return client;
    }

    public long pid() {
        return process.pid();
    }

    /** SIGKILL, and waits until the process is gone. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
        client.close();
    }

    /** SIGTERM, and waits for the clean end. Returns the exit code. */
    public int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            process.waitFor();
        }
        client.close();
        return process.exitValue();
    }

    /** The last lines that the engine logged. */
    public String logTail() {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
        } catch (IOException e) {
            return "the log " + log + " cannot be read: " + e.getMessage();
        }
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    private static List<String> command(Path socket) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx1g",
                "-cp",
                absoluteClassPath(),
                "io.dynamicfs.daemon.DynamicfsMain",
                "engine",
                "--socket",
                socket.toString());
    }

    private static String absoluteClassPath() {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            entries.add(Path.of(entry).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, entries);
    }

    private void awaitAnswer() throws InterruptedException, DemoFailure {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (System.nanoTime() < deadline) {
            if (!process.isAlive()) {
                throw new DemoFailure("the engine ended with exit code " + process.exitValue() + ":\n" + logTail());
            }
            try {
                if (client.engine()
                                .getEngineInfo(GetEngineInfoRequest.getDefaultInstance())
                                .getPid()
                        == pid()) {
                    return;
                }
            } catch (StatusRuntimeException e) {
                // Nobody listens yet.
            }
            Thread.sleep(POLL_MILLIS);
        }
        kill();
        throw new DemoFailure("the engine did not answer within " + START_SECONDS + " s:\n" + logTail());
    }
}
