package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same system calls on a mounted volume and on this machine's ext4 have the same answers, but for the differences that
 * {@code docs/posix.md} lists, each with both answers.
 */
@Timeout(900)
final class PosixConformanceIT {
    private static final long DISK_BYTES = 512L << 20;
    private static final String SCRIPT = "posix-scenarios.py";

    /** A row of the table of differences: scenario, step, what ext4 answers, what a volume answers. */
    private static final Pattern DIFFERENCE =
            Pattern.compile("\\| ([a-z_]+) \\| ([^|]+) \\| `([^|]*)` \\| `([^|]*)` \\|.*");

    @TempDir
    Path directory;

    private EngineUnderTest engine;

    /** What both file systems answered. */
    private record Answers(String ext4, String ours) {}

    @BeforeEach
    void prepare() {
        EngineUnderTest.requireRootAndFuse();
        EngineUnderTest.requireTool("python3");
        EngineUnderTest.requireTool("mkfs.ext4");
        engine = new EngineUnderTest(directory);
    }

    @Test
    void systemCallsAnswerAsOnExt4ButForWhatTheDocumentLists() throws Exception {
        assertThat(answersUnlikeExt4("kernel")).isEqualTo(differences("## Different from ext4"));
    }

    @Test
    void overLibfuse2TheyAnswerAsOnExt4ButForWhatTheDocumentListsToo() throws Exception {
        EngineUnderTest.requireLibFuse2();
        Map<String, Answers> unlike = answersUnlikeExt4("jnr");
        // No list is taken at all, whether it makes sense or not.
        unlike.keySet().removeIf(step -> step.startsWith("senseless_access_control_lists "));
        assertThat(unlike).isEqualTo(differences("## Different over libfuse 2"));
    }

    private Map<String, Answers> answersUnlikeExt4(String transport) throws Exception {
        engine.with("--transport=" + transport).start();
        engine.succeed("pool create tank --redundancy 4+2 " + engine.images(6, DISK_BYTES));
        engine.succeed("volume create tank/work");
        Path mount = engine.mount("tank/work");
        Path ext4 = engine.mountExt4(1L << 30);
        try (InputStream script = Objects.requireNonNull(PosixConformanceIT.class.getResourceAsStream(SCRIPT))) {
            Files.copy(script, directory.resolve(SCRIPT));
        }
        return differences(answers(ext4), answers(mount));
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
    }

    private static Map<String, Answers> differences(Map<String, String> expected, Map<String, String> found) {
        Map<String, Answers> different = new LinkedHashMap<>();
        assertThat(expected).hasSizeGreaterThan(400);
        expected.forEach((step, answer) -> {
            String ours = found.getOrDefault(step, "not reached");
            if (!ours.equals(answer)) {
                different.put(step, new Answers(answer, ours));
            }
        });
        found.forEach((step, answer) -> {
            if (!expected.containsKey(step)) {
                different.put(step, new Answers("not reached", answer));
            }
        });
        return different;
    }

    /** The answers by scenario and step; a step that comes again in its scenario is numbered. */
    private Map<String, String> answers(Path fileSystem) throws IOException, InterruptedException {
        Path work = Files.createDirectory(fileSystem.resolve("work"));
        engine.bash("chmod 777 " + work);
        Map<String, String> answers = new LinkedHashMap<>();
        Map<String, Integer> times = new LinkedHashMap<>();
        for (String line : engine.bash("cd " + work + " && timeout 400 python3 " + directory.resolve(SCRIPT))
                .lines()
                .toList()) {
            String[] cells = line.split("\t", 3);
            assertThat(cells).as(line).hasSize(3);
            String step = cells[0] + " | " + cells[1];
            int time = times.merge(step, 1, Integer::sum);
            answers.put(time == 1 ? step : step + " " + time, cells[2]);
        }
        return answers;
    }

    /** What the document lists under a heading. */
    private static Map<String, Answers> differences(String heading) throws IOException {
        Map<String, Answers> listed = new LinkedHashMap<>();
        List<String> lines = Files.readAllLines(document(), StandardCharsets.UTF_8);
        int start = lines.indexOf(heading);
        assertThat(start).as("%s has %s", document(), heading).isNotNegative();
        for (String line : lines.subList(start + 1, lines.size())) {
            if (line.startsWith("## ")) {
                break;
            }
            Matcher row = DIFFERENCE.matcher(line);
            if (row.matches()) {
                listed.put(row.group(1) + " | " + row.group(2), new Answers(row.group(3), row.group(4)));
            }
        }
        return listed;
    }

    private static Path document() {
        List<Path> tried = new ArrayList<>();
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path document = at.resolve("docs/posix.md");
            if (Files.exists(document)) {
                return document;
            }
            tried.add(document);
        }
        throw new AssertionError("none of these exists: " + tried);
    }
}
