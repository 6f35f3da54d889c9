package io.dynamicfs.engine.mount;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assumptions;

/** The machine that a test runs on: what it can do, and its commands. */
final class Machine {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** How a command ended, with both its outputs. */
    record Result(int code, String output) {}

    private Machine() {}

    static void requireMounts() throws IOException {
        Assumptions.assumeTrue(
                "root".equals(Files.getOwner(Path.of("/proc/self")).getName()), "needs root: mount(2) is privileged");
        Assumptions.assumeTrue(Files.isReadable(Path.of("/dev/fuse")), "needs /dev/fuse");
    }

    static void requireTool(String name) {
        boolean installed = List.of(System.getenv("PATH").split(":")).stream()
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, name)));
        Assumptions.assumeTrue(installed, "needs the program " + name);
    }

    static Process start(Path directory, List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
    }

    static Result finish(Process process) throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(ended).as("ended within %s: %s", PATIENCE, output).isTrue();
        return new Result(process.exitValue(), output);
    }

    /** Runs a script of bash in {@code directory}; it must succeed. Returns its output. */
    static String bash(Path directory, String script) throws IOException, InterruptedException {
        Result result = finish(start(directory, List.of("timeout", "-k", "1", "60", "bash", "-euc", script)));
        assertThat(result.code()).as("%s%n%s", script, result.output()).isZero();
        return result.output();
    }

    /** Runs a script of python3 in {@code directory}; it must succeed. Returns its output. */
    static String python(Path directory, String script) throws IOException, InterruptedException {
        requireTool("python3");
        Result result = finish(start(directory, List.of("timeout", "-k", "1", "60", "python3", "-c", script)));
        assertThat(result.code()).as("%s%n%s", script, result.output()).isZero();
        return result.output();
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("waited for: %s", what).isLessThan(deadline);
            Thread.sleep(1);
        }
    }
}
