package io.dynamicfs.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs commands; none outlives its time limit. */
final class Shell {
    record Result(int exitCode, String output) {
        boolean succeeded() {
            return exitCode == 0;
        }
    }

    private Shell() {}

    /** The exit code and what the command wrote to both of its outputs. */
    static Result run(Duration limit, Map<String, String> environment, String input, List<String> command) {
        try {
            Path output = Files.createTempFile("command-", ".out");
            try {
                ProcessBuilder builder =
                        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
                builder.environment().putAll(environment);
                Process process = builder.start();
                try (var stdin = process.getOutputStream()) {
                    stdin.write(input.getBytes(StandardCharsets.UTF_8));
                } catch (IOException e) {
                    // A command that ends early does not read its input; its exit code tells.
                }
                if (!process.waitFor(limit.toSeconds(), TimeUnit.SECONDS)) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly().waitFor();
                    throw new AssertionError(command + " did not end within " + limit.toSeconds() + " s; it wrote:\n"
                            + Files.readString(output));
                }
                return new Result(process.exitValue(), Files.readString(output));
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for " + command, e);
        }
    }

    /** What a command wrote that must succeed. */
    static String check(Duration limit, Map<String, String> environment, String input, List<String> command) {
        Result result = run(limit, environment, input, command);
        if (!result.succeeded()) {
            throw new AssertionError(command + " ended with " + result.exitCode() + ":\n" + result.output());
        }
        return result.output();
    }
}
