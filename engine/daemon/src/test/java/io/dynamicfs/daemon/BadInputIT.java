package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.daemon.EngineUnderTest.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is too much, too little or gone, on a real mount. Calls with senseless arguments are scenarios of
 * {@link PosixConformanceIT}.
 */
@Timeout(900)
final class BadInputIT {
    private static final long DISK_BYTES = 512L << 20;
    private static final long SLACK_BYTES = 32L << 20;
    private static final int VANISHING_ENTRIES = 100_000;
    private static final String SMALLEST_MEMORY = "8M";

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

    private Path mountedVolume(String... options) throws IOException, InterruptedException {
        engine.start(options);
        engine.succeed("pool create tank --redundancy 4+2 " + engine.images(6, DISK_BYTES));
        engine.succeed("volume create tank/v");
        return engine.mount("tank/v");
    }

    @Test
    void aDirectoryIsListedWhileItsEntriesVanish() throws Exception {
        Path mount = mountedVolume();
        Path script = engine.script("vanishing-entries.py");
        assertThat(engine.bash("cd " + mount + " && python3 " + script + " " + VANISHING_ENTRIES))
                .startsWith("listed ");
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void aThousandOpenFilesWithoutNamesKeepTheirContentAndGiveTheirSpaceBack() throws Exception {
        Path mount = mountedVolume();
        Path work = Files.createDirectory(mount.resolve("w"));
        engine.awaitCommit("tank");
        long freeBytes = mount.toFile().getFreeSpace();
        String inodes = usedInodes(mount);
        Process holder = new ProcessBuilder(
                        "python3", engine.script("unlinked-files.py").toString())
                .directory(work.toFile())
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output =
                        new BufferedReader(new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
                Writer input = holder.outputWriter(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).isEqualTo("ready");
            engine.awaitCommit("tank");
            assertThat(mount.toFile().getFreeSpace()).isLessThan(freeBytes - 100_000_000);
            assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
            engine.bash("echo 3 > /proc/sys/vm/drop_caches");
            input.write("go\n");
            input.flush();
            assertThat(output.readLine()).isEqualTo("closed");
            assertThat(holder.waitFor(1, TimeUnit.MINUTES)).isTrue();
        } finally {
            holder.destroyForcibly();
        }
        awaitSpace(mount, freeBytes);
        assertThat(usedInodes(mount)).isEqualTo(inodes);
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    private String usedInodes(Path mount) throws IOException, InterruptedException {
        return engine.bash("df --output=iused " + mount + " | tail -1").strip();
    }

    private void awaitSpace(Path mount, long freeBytes) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while (mount.toFile().getFreeSpace() < freeBytes - SLACK_BYTES) {
            assertThat(System.nanoTime())
                    .as(
                            "free bytes: expected %d again, found %d",
                            freeBytes, mount.toFile().getFreeSpace())
                    .isLessThan(deadline);
            engine.awaitCommit("tank");
        }
    }

    @Test
    void aQuotaBelowWhatIsUsedStopsGrowthAndNothingElse() throws Exception {
        Path mount = mountedVolume();
        engine.bash("cd " + mount
                + " && mkdir d && for i in $(seq 30); do head -c 1M /dev/urandom > d/f$i; done && sync d/f30"
                + " && sha256sum d/* > " + directory + "/sums");
        engine.succeed("volume set tank/v --quota 10M --files 5");
        assertThat(engine.bash("cd " + mount + " && sha256sum --quiet -c " + directory
                                + "/sums && df --output=avail,iavail . | tail -1")
                        .strip()
                        .split(" +", -1))
                .containsExactly("0", "0");
        String message = directory + "/message";
        engine.bash("cd " + mount + " && ! touch new 2> " + message + " && grep -qi quota " + message);
        engine.bash("cd " + mount + " && ! mkdir new 2> " + message + " && grep -qi quota " + message);
        engine.bash("cd " + mount
                + " && ! dd if=/dev/urandom of=d/f1 bs=1M count=2 oflag=direct,append conv=notrunc status=none 2> "
                + message + " && grep -qi quota " + message);
        // Names, modes and removal cost nothing that is limited.
        engine.bash("cd " + mount
                + " && mv d/f2 d/g2 && ln d/g2 d/h2 && chmod 600 d/g2 && rm d/h2 && truncate -s 1000 d/f3");
        engine.bash("cd " + mount + " && rm d/f* && for i in 1 2 3 4; do sync d; done");
        engine.bash(
                "cd " + mount + " && echo x > new && dd if=/dev/urandom of=new bs=1M count=2 oflag=direct status=none");
        engine.succeed("volume set tank/v --quota none --files 0");
        engine.bash("cd " + mount
                + " && dd if=/dev/urandom of=new2 bs=1M count=20 oflag=direct status=none && touch a b c d2 e f");
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void tooLittleMemoryIsRefusedAndTheSmallestThatIsNamedWorks() throws Exception {
        Answer refused = engine.dynamicfs("engine --memory-size 4M");
        assertThat(refused.exitCode()).as(refused.err()).isEqualTo(2);
        assertThat(refused.err())
                .contains("expected at least " + (8 << 20) + " bytes")
                .contains("found " + (4 << 20));
        Path mount = mountedVolume("--memory-size", SMALLEST_MEMORY);
        Path script = engine.script("random-file-operations.py");
        engine.bash("mkdir " + mount + "/w && cd " + mount + "/w && python3 " + script
                + " --unaligned --seed 3 --operations 3000");
        engine.bash("cd " + mount + " && head -c 100M /dev/urandom > " + directory + "/big && cp " + directory
                + "/big . && for i in $(seq 500); do echo $i > f$i; done && echo 1 > /proc/sys/vm/drop_caches && cmp "
                + directory
                + "/big big && [ $(cat f* | wc -l) = 500 ]");
        engine.kill();
        engine.start("--memory-size", SMALLEST_MEMORY);
        engine.bash("cmp " + directory + "/big " + mount + "/big");
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }
}
