package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.daemon.cli.DynamicfsCommand;
import io.dynamicfs.daemon.demo.DemoFailure;
import io.dynamicfs.daemon.demo.EngineChild;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * A real engine process on disks in image files (or loop devices over them), driven by the command as a user would. Everything is
 * gone after {@link #clean}, whatever a test has left behind.
 */
final class EngineUnderTest {
    private static final int COMMAND_SECONDS = 300;
    private static final int POLL_MILLIS = 100;

    private final Path directory;
    private final List<Path> images = new ArrayList<>();
    private final List<String> loops = new ArrayList<>();
    private final List<Path> mounts = new ArrayList<>();
    private @Nullable EngineChild engine;

    /** What a command said. */
    record Answer(int exitCode, String out, String err) {}

    private UnaryOperator<List<String>> command = UnaryOperator.identity();

    EngineUnderTest(Path directory) {
        this.directory = directory;
    }

    /** Engines that are started from now on have this option, too. */
    EngineUnderTest with(String option) {
        return with(words -> Stream.concat(words.stream(), Stream.of(option)).toList());
    }

    /** Engines that are started from now on have the command line that is made of the usual one. */
    EngineUnderTest with(UnaryOperator<List<String>> changed) {
        command = changed;
        return this;
    }

    static void requireLibFuse2() throws IOException {
        try (Stream<Path> architectures = Files.list(Path.of("/usr/lib"))) {
            assumeTrue(
                    architectures.anyMatch(architecture -> Files.exists(architecture.resolve("libfuse.so.2"))),
                    "needs libfuse.so.2 (package libfuse2)");
        }
        requireTool("fusermount");
    }

    static void requireRootAndFuse() {
        assumeTrue("root".equals(System.getProperty("user.name")), "needs root, to mount");
        assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "needs /dev/fuse");
    }

    static void requireTool(String tool) {
        boolean found = Arrays.stream(System.getenv("PATH").split(":", -1))
                .anyMatch(path -> Files.isExecutable(Path.of(path, tool)));
        assumeTrue(found, "needs the program " + tool);
    }

    EngineUnderTest start(String... options) throws IOException, InterruptedException {
        try {
            engine = EngineChild.start(directory, line -> {
                List<String> whole = new ArrayList<>(command.apply(line));
                whole.addAll(List.of(options));
                return whole;
            });
        } catch (DemoFailure e) {
            throw new AssertionError(e.getMessage(), e);
        }
        return this;
    }

    /** Image files of one size; returns their paths as arguments. */
    String images(int count, long bytes) throws IOException {
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path image = directory.resolve("disk" + images.size() + ".img");
            try (var file = new java.io.RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(bytes);
            }
            images.add(image);
            paths.add(image.toString());
        }
        return String.join(" ", paths);
    }

    /** Loop devices over image files of one size. */
    String loopDevices(int count, long bytes) throws IOException, InterruptedException {
        List<String> devices = new ArrayList<>();
        for (String image : images(count, bytes).split(" ", -1)) {
            String device = bash("losetup -f --show " + image).strip();
            loops.add(device);
            devices.add(device);
        }
        return String.join(" ", devices);
    }

    Path image(int index) {
        return images.get(index);
    }

    /** Runs the command against this engine. */
    Answer dynamicfs(String line) {
        List<String> arguments = new ArrayList<>(Arrays.stream(line.split(" ", -1))
                .filter(word -> !word.isEmpty())
                .toList());
        arguments.addAll(List.of("--socket", directory.resolve("engine.sock").toString()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = DynamicfsCommand.commandLine();
        command.setOut(new PrintWriter(out));
        command.setErr(new PrintWriter(err));
        return new Answer(command.execute(arguments.toArray(String[]::new)), out.toString(), err.toString());
    }

    /** Runs the command, which must succeed; returns what it printed. */
    String succeed(String line) {
        Answer answer = dynamicfs(line);
        assertThat(answer.exitCode())
                .as("dynamicfs " + line + "\n" + answer.out + answer.err)
                .isZero();
        return answer.out;
    }

    /** Makes an empty directory and mounts the volume there. */
    Path mount(String volume) throws IOException {
        Path target = directory.resolve("mnt-" + volume.replace('/', '-'));
        Files.createDirectories(target);
        succeed("mount " + volume + " " + target);
        mounts.add(target);
        return target;
    }

    /** Mounts a new ext4 in a file of that size. */
    Path mountExt4(long bytes) throws IOException, InterruptedException {
        Path target = Files.createDirectories(directory.resolve("mnt-ext4"));
        String image = images(1, bytes);
        bash("mkfs.ext4 -q -F " + image + " && mount -o loop " + image + " " + target);
        mounts.add(target);
        return target;
    }

    /** Waits until everything that was answered before this call is part of a generation. */
    void awaitCommit(String pool) throws IOException, InterruptedException {
        long target = commits(pool) + 2;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (commits(pool) < target) {
            assertThat(System.nanoTime()).as("commits happen").isLessThan(deadline);
            Thread.sleep(POLL_MILLIS);
        }
    }

    private long commits(String pool) throws IOException {
        Answer answer = dynamicfs("pool status " + pool + " -o json");
        return new ObjectMapper().readTree(answer.out()).findValue("commits").asLong();
    }

    void kill() throws InterruptedException {
        running().kill();
        engine = null;
    }

    /** The clean end of the engine. */
    int stop() throws InterruptedException {
        int exitCode = running().stop();
        engine = null;
        return exitCode;
    }

    long pid() {
        return running().pid();
    }

    EngineControlBlockingStub control() {
        return running().client().engine();
    }

    /** Copies a script of the test resources to where it can be run; returns its path. */
    Path script(String name) throws IOException {
        Path script = directory.resolve(name);
        try (InputStream content = Objects.requireNonNull(EngineUnderTest.class.getResourceAsStream(name), name)) {
            Files.copy(content, script, StandardCopyOption.REPLACE_EXISTING);
        }
        return script;
    }

    /** Has a mount point that a test mounts itself unmounted in the end. */
    void alsoUnmount(Path target) {
        mounts.add(target);
    }

    String log() {
        return running().logTail();
    }

    private EngineChild running() {
        if (engine == null) {
            throw new IllegalStateException("no engine runs");
        }
        return engine;
    }

    /** Runs a shell command, which must succeed; returns what it printed. */
    String bash(String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("bash", "-euo", "pipefail", "-c", command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS))
                .as(command)
                .isTrue();
        assertThat(process.exitValue()).as(command + "\n" + output).isZero();
        return output;
    }

    /** Ends the engine and takes away its mounts, loop devices and images, as far as they are there. May be repeated. */
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.stop();
            engine = null;
        }
        for (Path mount : mounts) {
            // By force: whoever waits for an engine that does not come back gets an error.
            new ProcessBuilder("umount", "-f", "-l", mount.toString())
                    .redirectErrorStream(true)
                    .start()
                    .waitFor();
        }
        mounts.clear();
        for (String loop : loops) {
            new ProcessBuilder("losetup", "-d", loop).start().waitFor();
        }
        loops.clear();
        for (Path image : images) {
            Files.deleteIfExists(image);
        }
        images.clear();
    }
}
