package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random system calls on a real mount against what is known: files against their bytes in memory, names against ext4, while the
 * engine lives, dies, and is taken over. {@code -Dproof.seed=} and {@code -Dproof.operations=} choose other runs.
 */
@Timeout(1200)
final class RandomOperationsIT {
    private static final long DISK_BYTES = 512L << 20;
    private static final String FILES = "random-file-operations.py";
    private static final String NAMES = "random-name-operations.py";
    private static final long SEED = Long.getLong("proof.seed", 1);

    /** Of one process on one mount; the other tests do less by the same measure. */
    private static final int OPERATIONS = Integer.getInteger("proof.operations", 20_000);

    private static final int KILLS = 6;
    private static final int TAKEOVERS = 3;
    private static final int WAIT_MINUTES = 100;
    /** Space that the tree has taken for its nodes stays with it. */
    private static final long SPACE_SLACK_BYTES = 32L << 20;

    @TempDir
    Path directory;

    private EngineUnderTest engine;

    @BeforeEach
    void requireMachine() {
        EngineUnderTest.requireRootAndFuse();
        EngineUnderTest.requireTool("python3");
        engine = new EngineUnderTest(directory);
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
    }

    private Path mountedVolume() throws IOException, InterruptedException {
        engine.start();
        engine.succeed("pool create tank --redundancy 4+2 " + engine.images(6, DISK_BYTES));
        engine.succeed("volume create tank/v");
        return engine.mount("tank/v");
    }

    /** What happens at a line that a script prints. */
    private interface AtLine {
        void reached(int number) throws IOException, InterruptedException;
    }

    /** Runs a script in a new directory; returns its lines. */
    private List<String> run(Path work, String script, String arguments, AtLine atLine)
            throws IOException, InterruptedException {
        Files.createDirectories(work);
        List<String> command =
                new ArrayList<>(List.of("python3", engine.script(script).toString()));
        command.addAll(List.of(arguments.split(" ", -1)));
        Process process = new ProcessBuilder(command)
                .directory(work.toFile())
                .redirectErrorStream(true)
                .start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(line);
                atLine.reached(lines.size());
            }
            assertThat(process.waitFor(WAIT_MINUTES, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue())
                    .as(String.join(" ", command) + "\n" + String.join("\n", last(lines)))
                    .isZero();
        } finally {
            process.destroyForcibly();
        }
        System.out.println(script + " in " + work + ": " + lines.getLast());
        return lines;
    }

    private static List<String> last(List<String> lines) {
        return lines.subList(Math.max(0, lines.size() - 80), lines.size());
    }

    private static final AtLine NOTHING = number -> {};

    @Test
    void filesHoldWhatAnyOpenerPutThere() throws Exception {
        Path mount = mountedVolume();
        run(mount.resolve("w"), FILES, "--unaligned --seed " + SEED + " --operations " + OPERATIONS, NOTHING);
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void whatIsExpectedOfFilesIsWhatExt4Does() throws Exception {
        EngineUnderTest.requireTool("mkfs.ext4");
        Path ext4 = engine.mountExt4(DISK_BYTES);
        run(ext4.resolve("w"), FILES, "--seed " + SEED + " --operations " + OPERATIONS / 10, NOTHING);
    }

    @Test
    void filesHoldWhatWasSentWhenTheEngineDiesInBetween() throws Exception {
        Path mount = mountedVolume();
        Path state = directory.resolve("state");
        String resume = "";
        for (int kill = 0; kill < KILLS; kill++) {
            String arguments = "--unaligned --seed " + (SEED + kill) + " --operations " + OPERATIONS + " --kill "
                    + engine.pid() + " --kill-at " + (OPERATIONS / 40 + 37 * kill) + " --state " + state + resume;
            assertThat(run(mount.resolve("w"), FILES, arguments, NOTHING).getLast())
                    .endsWith("killed");
            engine.kill();
            engine.start();
            resume = " --resume " + state;
        }
        run(mount.resolve("w"), FILES, "--unaligned --seed " + SEED + " --operations 1" + resume, NOTHING);
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void takeoversAreNotSeenInFiles() throws Exception {
        try (KeptVolume kept = new KeptVolume(engine, directory, DISK_BYTES)) {
            // One line is printed for 500 operations.
            int lines = OPERATIONS / 2 / 500;
            run(
                    kept.mount().resolve("w"),
                    FILES,
                    "--unaligned --seed " + SEED + " --operations " + OPERATIONS / 2,
                    every(Math.max(1, lines / (TAKEOVERS + 1)), kept));
            assertThat(kept.takeovers()).isEqualTo(TAKEOVERS);
        }
    }

    private static AtLine every(int lines, KeptVolume kept) {
        return number -> {
            if (number % lines == 0 && kept.takeovers() < TAKEOVERS) {
                kept.killAndTakeOver();
            }
        };
    }

    @Test
    void namesAnswerAsOnExt4() throws Exception {
        EngineUnderTest.requireTool("mkfs.ext4");
        Path mount = mountedVolume();
        Path ext4 = engine.mountExt4(DISK_BYTES);
        for (long seed = SEED; seed < SEED + 3; seed++) {
            assertSame(names(ext4, seed, NOTHING), names(mount, seed, NOTHING));
        }
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    /** Shows where the answers part: what comes after follows from that. */
    private static void assertSame(List<String> expected, List<String> found) {
        int at = 0;
        while (at < Math.min(expected.size(), found.size()) && expected.get(at).equals(found.get(at))) {
            at++;
        }
        int from = Math.max(0, at - 40);
        assertThat(found.subList(from, Math.min(found.size(), at + 1)))
                .isEqualTo(expected.subList(from, Math.min(expected.size(), at + 1)));
        assertThat(found).hasSameSizeAs(expected);
    }

    private List<String> names(Path fileSystem, long seed, AtLine atLine) throws IOException, InterruptedException {
        return run(
                fileSystem.resolve("sequence" + seed),
                NAMES,
                "sequence --seed " + seed + " --operations " + OPERATIONS / 4,
                atLine);
    }

    @Test
    void namesAnswerAsOnExt4AcrossTakeovers() throws Exception {
        EngineUnderTest.requireTool("mkfs.ext4");
        Path ext4 = engine.mountExt4(DISK_BYTES);
        try (KeptVolume kept = new KeptVolume(engine, directory, DISK_BYTES)) {
            List<String> found = names(kept.mount(), SEED, every(OPERATIONS / 4 / (TAKEOVERS + 1), kept));
            assertSame(names(ext4, SEED, NOTHING), found);
            assertThat(kept.takeovers()).isEqualTo(TAKEOVERS);
        }
    }

    @Test
    void namesThatProcessesFightForStayWholeAndGiveTheirSpaceBack() throws Exception {
        Path mount = mountedVolume();
        Files.createFile(mount.resolve("other"));
        engine.awaitCommit("tank");
        long usedInodes = usedInodes(mount);
        long freeBytes = mount.toFile().getFreeSpace();
        Path work = mount.resolve("storm");
        String found = run(
                        work, NAMES, "storm --seed " + SEED + " --processes 4 --operations " + OPERATIONS / 5, NOTHING)
                .getLast();
        assertThat(found).isEqualTo("inodes=" + (usedInodes(mount) - usedInodes));
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
        engine.kill();
        engine.start();
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
        assertThat(found).isEqualTo("inodes=" + (usedInodes(mount) - usedInodes));

        // The kernel says later that it has forgotten an inode; then it goes, and its space, with the next commits.
        engine.bash("rm -rf " + work);
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while (usedInodes(mount) != usedInodes || mount.toFile().getFreeSpace() < freeBytes - SPACE_SLACK_BYTES) {
            assertThat(System.nanoTime())
                    .as(
                            "expected %d inodes in use and %d bytes free again, found %d and %d",
                            usedInodes,
                            freeBytes,
                            usedInodes(mount),
                            mount.toFile().getFreeSpace())
                    .isLessThan(deadline);
            engine.awaitCommit("tank");
        }
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    private long usedInodes(Path mount) throws IOException, InterruptedException {
        return Long.parseLong(
                engine.bash("df --output=iused " + mount + " | tail -1").strip());
    }
}
