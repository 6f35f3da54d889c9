package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SQLite and PostgreSQL on a mounted volume: the same answers as on ext4, and what they committed outlives every death. */
@Timeout(1200)
final class DatabasesIT {
    private static final long DISK_BYTES = 512L << 20;
    private static final int ROWS = 100_000;
    private static final int WAIT_SECONDS = 120;
    private static final int POLL_MILLIS = 10;

    @TempDir
    Path directory;

    private EngineUnderTest engine;

    @BeforeEach
    void requireMachine() {
        EngineUnderTest.requireRootAndFuse();
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

    @Test
    void sqliteAnswersAsOnExt4() throws Exception {
        EngineUnderTest.requireTool("sqlite3");
        EngineUnderTest.requireTool("mkfs.ext4");
        Path script = engine.script("sqlite-workload.sql");
        Path mount = mountedVolume();
        Path ext4 = engine.mountExt4(DISK_BYTES);
        for (String mode : new String[] {"DELETE", "WAL", "TRUNCATE", "PERSIST"}) {
            assertThat(sqlite(mount, mode, script)).isEqualTo(sqlite(ext4, mode, script));
        }
    }

    private String sqlite(Path fileSystem, String journal, Path script) throws IOException, InterruptedException {
        String database = fileSystem + "/" + journal + ".db";
        return engine.bash("sqlite3 " + database + " 'PRAGMA journal_mode=" + journal + "' && sqlite3 -bail " + database
                + " < " + script + " && sqlite3 " + database + " 'PRAGMA integrity_check; PRAGMA foreign_key_check'"
                + " && sqlite3 " + database + " .dump | sha256sum");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE", "WAL"})
    void sqliteKeepsWhatItCommittedWhenTheEngineDies(String journal) throws Exception {
        EngineUnderTest.requireTool("sqlite3");
        Path mount = mountedVolume();
        String database = mount + "/db";
        engine.bash("sqlite3 " + database + " 'PRAGMA journal_mode=" + journal
                + "; CREATE TABLE t(n INTEGER PRIMARY KEY, x BLOB); CREATE INDEX by_x ON t(x);'");
        for (int round = 0; round < 2; round++) {
            int first = round * ROWS + 1;
            Path acknowledged = directory.resolve("acknowledged" + round);
            Process writer = background(
                    "seq " + first + " " + (first + ROWS - 1)
                            + " | sed 's/.*/INSERT INTO t VALUES(&, randomblob(300)); SELECT &;/'"
                            + " | stdbuf -oL sqlite3 -bail -cmd 'PRAGMA synchronous=FULL' " + database,
                    acknowledged);
            killTheEngineBehind(writer, acknowledged, 150);
            engine.start();
            assertThat(engine.bash("sqlite3 " + database + " 'PRAGMA integrity_check'"))
                    .isEqualTo("ok\n");
            long rows = lines(acknowledged);
            assertThat(engine.bash("sqlite3 " + database + " 'SELECT count(*) FROM t WHERE n BETWEEN " + first + " AND "
                                    + (first + rows - 1) + "'")
                            .strip())
                    .isEqualTo(Long.toString(rows));
        }
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    private Process background(String command, Path output) throws IOException {
        return new ProcessBuilder("bash", "-c", command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private void killTheEngineBehind(Process writer, Path acknowledged, int lines) throws Exception {
        try {
            awaitLines(writer, acknowledged, lines);
            engine.kill();
            assertThat(writer.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        } finally {
            writer.descendants().forEach(ProcessHandle::destroyForcibly);
            writer.destroyForcibly();
        }
    }

    private static void awaitLines(Process writer, Path file, int count) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (lines(file) < count) {
            assertThat(writer.isAlive()).as("rows are written").isTrue();
            assertThat(System.nanoTime()).as("rows are written").isLessThan(deadline);
            Thread.sleep(POLL_MILLIS);
        }
    }

    private static long lines(Path file) throws IOException {
        byte[] content = Files.readAllBytes(file);
        long lines = 0;
        for (byte b : content) {
            lines += b == '\n' ? 1 : 0;
        }
        return lines;
    }

    private String postgresql(Path fileSystem, String what) throws IOException, InterruptedException {
        return engine.bash("bash postgresql.sh " + fileSystem + "/pg " + what);
    }

    private void requirePostgresql() throws IOException, InterruptedException {
        EngineUnderTest.requireTool("setpriv");
        Path versions = Path.of("/usr/lib/postgresql");
        boolean found = false;
        if (Files.isDirectory(versions)) {
            try (DirectoryStream<Path> each = Files.newDirectoryStream(versions)) {
                for (Path version : each) {
                    found |= Files.isExecutable(version.resolve("bin/initdb"));
                }
            }
        }
        assumeTrue(found, "needs PostgreSQL: /usr/lib/postgresql/*/bin/initdb");
        engine.script("postgresql.sh");
        // The server runs as a user of its own, who must get there.
        engine.bash("chmod 755 " + directory);
    }

    private Path postgresqlOn(Path fileSystem) throws IOException, InterruptedException {
        Files.createDirectory(fileSystem.resolve("pg"));
        postgresql(fileSystem, "create");
        postgresql(fileSystem, "start");
        return fileSystem;
    }

    @Test
    void postgresqlAnswersItsRegressionProgramAsOnExt4() throws Exception {
        requirePostgresql();
        EngineUnderTest.requireTool("mkfs.ext4");
        engine.bash("bash " + engine.script("make-postgresql-regress.sh") + " suite");
        Path ext4 = postgresqlOn(engine.mountExt4(1L << 30));
        // There is nothing to compare with yet, so that it says that everything differs.
        engine.bash(
                "bash postgresql.sh " + ext4 + "/pg regress " + directory + "/suite " + directory
                        + "/first > first.log 2>&1 || true; cp first/results/*.out suite/expected/; [ -z \"$(grep -L '^([0-9]* row' suite/expected/*)\" ]");
        postgresql(ext4, "stop");
        Path mount = postgresqlOn(mountedVolume());
        assertThat(postgresql(mount, "regress " + directory + "/suite " + directory + "/second"))
                .contains("All 9 tests passed");
        assertThat(postgresql(mount, "stop")).isEmpty();
        assertThat(postgresql(mount, "checksums")).containsPattern("Bad checksums: +0");
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void postgresqlKeepsWhatItCommittedWhenItselfAndTheEngineDie() throws Exception {
        requirePostgresql();
        Path mount = postgresqlOn(mountedVolume());
        postgresql(mount, "bench_create");
        postgresql(mount, "bench -t 100");
        for (int round = 0; round < 4; round++) {
            boolean engineDies = round % 2 == 1;
            int first = round * ROWS + 1;
            String server = postgresql(mount, "pid").strip();
            Path acknowledged = directory.resolve("acknowledged" + round);
            Process bench = background("bash postgresql.sh " + mount + "/pg bench -T 600", directory.resolve("bench"));
            Process writer = background(
                    "bash postgresql.sh " + mount + "/pg rows " + first + " " + (first + ROWS - 1), acknowledged);
            try {
                awaitLines(writer, acknowledged, 150);
                if (engineDies) {
                    engine.kill();
                }
                postgresql(mount, "end_of " + server);
                assertThat(writer.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
                assertThat(bench.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
            } finally {
                for (Process process : new Process[] {writer, bench}) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                }
            }
            if (engineDies) {
                engine.start();
            }
            postgresql(mount, "start");
            assertThat(postgresql(mount, "verify")).isEqualTo("balanced\n200000\nchecked\n");
            long rows = lines(acknowledged);
            assertThat(postgresql(mount, "count " + first + " " + (first + rows - 1))
                            .strip())
                    .isEqualTo(Long.toString(rows));
        }
        postgresql(mount, "stop");
        assertThat(postgresql(mount, "checksums")).containsPattern("Bad checksums: +0");
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void postgresqlDoesNotSeeTakeovers() throws Exception {
        requirePostgresql();
        try (KeptVolume kept = new KeptVolume(engine, directory, DISK_BYTES)) {
            Path mount = postgresqlOn(kept.mount());
            postgresql(mount, "bench_create");
            Path output = directory.resolve("bench");
            Process bench =
                    background("bash postgresql.sh " + mount + "/pg bench -t 1500 -P 1 --progress-timestamp", output);
            try {
                while (bench.isAlive() && kept.takeovers() < 2) {
                    awaitLines(bench, output, (int) lines(output) + 1);
                    kept.killAndTakeOver();
                }
                assertThat(bench.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
            } finally {
                bench.descendants().forEach(ProcessHandle::destroyForcibly);
                bench.destroyForcibly();
            }
            assertThat(bench.exitValue()).as(Files.readString(output)).isZero();
            assertThat(Files.readString(output))
                    .contains("number of transactions actually processed: 6000/6000")
                    .contains("number of failed transactions: 0");
            assertThat(postgresql(mount, "verify")).isEqualTo("balanced\n200000\nchecked\n");
            postgresql(mount, "stop");
            assertThat(postgresql(mount, "checksums")).containsPattern("Bad checksums: +0");
        }
    }
}
