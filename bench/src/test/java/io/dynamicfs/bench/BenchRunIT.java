package io.dynamicfs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code bench/run} in its tiny mode: everything works and nothing stays behind. How fast it is does not matter here. */
class BenchRunIT {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern WORKLOADS = Pattern.compile("workloads: ([a-z0-9, \\n-]+)");
    private static final int MINUTES_MAX = 20;

    @TempDir
    Path results;

    private record Ended(int exitCode, String output) {}

    @BeforeAll
    static void whatMavenHasJustPackagedIsUpToDate() throws IOException {
        FileTime now = FileTime.from(Instant.now());
        Files.setLastModifiedTime(ROOT.resolve("bench/target/lib"), now);
        try (var jars = Files.newDirectoryStream(ROOT.resolve("engine/daemon/target"), "dynamicfs-daemon-*.jar")) {
            for (Path jar : jars) {
                Files.setLastModifiedTime(jar, now);
            }
        }
    }

    @Test
    void aTinyRunMeasuresEveryWorkloadThatThisMachineCanRun() throws Exception {
        assumeMachine();
        List<String> before = leftovers();
        Ended run = run("--quick", "--out", results.toString());
        assertThat(run.exitCode()).as(run.output()).isZero();

        JsonNode json =
                new ObjectMapper().readTree(results.resolve("results.json").toFile());
        List<String> expected = new ArrayList<>(workloads());
        json.get("skipped")
                .forEach(skipped -> expected.remove(
                        skipped.textValue().substring(0, skipped.textValue().indexOf(':'))));
        assertThat(json.get("results").findValuesAsText("name")).containsExactlyElementsOf(expected);
        assertThat(json.get("results"))
                .allSatisfy(
                        row -> assertThat(row.get("medians").get("dynamicfs").doubleValue())
                                .isPositive());
        assertThat(DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(results.resolve("results.svg").toFile())
                        .getElementsByTagName("rect")
                        .getLength())
                .isPositive();
        assertThat(leftovers()).isEqualTo(before);
    }

    @Test
    void aRunThatIsInterruptedRemovesWhatItHasMade() throws Exception {
        assumeMachine();
        List<String> before = leftovers();
        Process run = start("--quick", "--out", results.toString());
        StringBuilder output = new StringBuilder();
        try (BufferedReader lines = run.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                output.append(line).append('\n');
                if (line.startsWith("round 1")) {
                    assertThat(leftovers()).isNotEqualTo(before);
                    // Unlike Process.destroy this leaves its output to be read.
                    run.toHandle().destroy();
                }
            }
        }
        assertThat(run.waitFor(MINUTES_MAX, TimeUnit.MINUTES)).isTrue();
        assertThat(run.exitValue()).as(output.toString()).isEqualTo(130);
        assertThat(output).contains("interrupted; everything that was made is removed");
        assertThat(leftovers()).isEqualTo(before);
        assertThat(results.resolve("results.json")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --size 3            | expected a size from 16M to 64G such as 512M, found '3'
                    --size lots         | expected a size from 16M to 64G such as 512M, found 'lots'
                    --rounds 0          | expected a whole number from 1 to 99, found '0'
                    --rounds -1         | expected a whole number from 1 to 99, found '-1'
                    --seconds x         | expected a whole number from 1 to 600, found 'x'
                    --files 19          | expected a whole number from 20 to 1000000, found '19'
                    --workloads nothing | found 'nothing'
                    --workloads ,       | found ','
                    --systems zfs       | expected some of dynamicfs,null,btrfs; found 'zfs'
                    --fast              | unrecognized arguments: --fast
                    """)
    void wrongArgumentsGetExitCode2AndAMessageThatSaysWhatWasExpected(String arguments, String message)
            throws Exception {
        assumePython();
        Ended run = run(arguments.split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.output()).contains(message);
    }

    private static void assumeMachine() throws IOException {
        assumePython();
        assumeTrue(Files.exists(Path.of("/dev/fuse")), "needs /dev/fuse");
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root, to mount");
        assumeTrue(Files.exists(Path.of("/dev/loop-control")), "needs loop devices");
    }

    private static void assumePython() {
        assumeTrue(
                List.of(System.getenv("PATH").split(":")).stream()
                        .anyMatch(each -> Files.isExecutable(Path.of(each, "python3"))),
                "needs python3");
    }

    private List<String> workloads() throws Exception {
        Matcher matcher = WORKLOADS.matcher(run("--help").output());
        assertThat(matcher.find()).isTrue();
        return List.of(matcher.group(1).strip().split(",\\s+"));
    }

    /** Mounts, loop devices and directories of benchmarks. */
    private static List<String> leftovers() throws IOException {
        List<String> found = new ArrayList<>();
        Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1).stream()
                .filter(line -> line.contains("dynamicfs-bench-"))
                .forEach(found::add);
        try (var loops = Files.newDirectoryStream(Path.of("/sys/block"), "loop*")) {
            for (Path loop : loops) {
                Path file = loop.resolve("loop/backing_file");
                if (Files.exists(file) && Files.readString(file).contains("dynamicfs-bench-")) {
                    found.add(loop.toString());
                }
            }
        }
        try (var directories = Files.newDirectoryStream(Path.of("/tmp"), "dynamicfs-bench-*")) {
            directories.forEach(each -> found.add(each.toString()));
        }
        return found.stream().sorted().toList();
    }

    private static Ended run(String... arguments) throws IOException, InterruptedException {
        Process process = start(arguments);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(MINUTES_MAX, TimeUnit.MINUTES)).isTrue();
        return new Ended(process.exitValue(), output);
    }

    private static Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(ROOT.resolve("bench/run").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // Its help is not wrapped in the middle of a name.
        builder.environment().put("COLUMNS", "1000");
        return builder.start();
    }
}
