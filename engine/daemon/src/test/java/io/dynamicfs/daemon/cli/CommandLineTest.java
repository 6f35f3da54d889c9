package io.dynamicfs.daemon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What the command answers without an engine. */
class CommandLineTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    Path directory;

    static Stream<Arguments> wrongArguments() {
        return Stream.of(
                wrong("expected a command", ""),
                wrong("Unmatched argument", "nonsense"),
                wrong("expected one of: create, status, list, set, open, close, destroy", "pool"),
                wrong("Missing required parameter", "pool create"),
                wrong("Missing required parameter: 'DISK'", "pool create tank"),
                wrong("expected replicas 1x to 5x or Reed-Solomon k+m", "pool create tank --redundancy 9+9 a.img"),
                wrong("expected replicas 1x to 5x or Reed-Solomon k+m", "volume create tank/a --redundancy raid6"),
                wrong("expected POOL/VOLUME such as tank/home, found \"tank\"", "volume create tank"),
                wrong("expected POOL/VOLUME", "volume create /home"),
                wrong("expected POOL/VOLUME", "mount tank/ /mnt"),
                wrong("expected POOL/VOLUME", "mount a/b/c /mnt"),
                wrong(
                        "expected a size such as 10G, 512MiB or 4096, found \"lots\"",
                        "volume create tank/a --quota lots"),
                wrong("--accept-rollback", "pool open tank --accept-rollback soon"),
                wrong("expected one of [text, json]", "status -o yaml"),
                wrong("disks are only named with --offline", "check tank a.img"),
                wrong("Missing required parameter: 'DIRECTORY'", "bench"),
                wrong("benchmark size in bytes: expected 1048576 to 1099511627776, found 4096", "bench --size 4K /"),
                wrong("expected a size such as 10G, 512MiB or 4096, found \"-1\"", "bench --size=-1 /"),
                wrong("benchmark seconds: expected 1 to 3600, found 0", "bench --seconds 0 /"),
                wrong("benchmark files: expected 1 to 1000000, found 0", "bench --files 0 /"),
                wrong("benchmark threads: expected 1 to 64, found 65", "bench --threads 65 /"),
                wrong("--threads", "bench --threads many /"),
                wrong("expected at least one for each disk", "engine --io-threads 0"),
                wrong("expected one of kernel, jnr, found \"foo\"", "engine --transport=foo"),
                wrong("expected --transport=kernel with it", "engine --transport jnr --keeper /run/keeper.sock"),
                wrong("memory size: expected at least", "engine --memory-size 1M"));
    }

    @ParameterizedTest
    @MethodSource("wrongArguments")
    void wrongArgumentsGetExitCode2AndOneMessageThatSaysWhatWasExpected(String message, List<String> arguments) {
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString()).startsWith("dynamicfs: ").contains(message);
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("commandsThatNeedAnEngine")
    void withoutAnEngineEveryCommandSaysHowToStartOne(List<String> arguments) {
        List<String> withSocket = new ArrayList<>(arguments);
        withSocket.addAll(List.of("--socket", directory.resolve("nobody.sock").toString()));
        assertThat(run(withSocket)).isEqualTo(5);
        assertThat(err.toString())
                .contains("nobody.sock, found nobody there. Start one with: dynamicfs engine")
                .hasLineCount(1);
    }

    static Stream<List<String>> commandsThatNeedAnEngine() {
        return Stream.of(
                        "status",
                        "pool create tank a.img",
                        "pool status tank",
                        "pool list",
                        "pool open tank",
                        "pool close tank",
                        "pool destroy tank --yes",
                        "disk add tank a.img",
                        "disk list a.img",
                        "volume create tank/a",
                        "volume list",
                        "volume set tank/a --quota 1G",
                        "volume delete tank/a --yes",
                        "mount tank/a /mnt",
                        "umount /mnt",
                        "check tank")
                .map(line -> List.of(line.split(" ")));
    }

    @Test
    void aSocketThatNobodyListensOnAnyMoreIsUnreachableToo() throws IOException {
        Path dead = directory.resolve("dead.sock");
        try (var channel = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            channel.bind(java.net.UnixDomainSocketAddress.of(dead));
        }
        assertThat(Files.exists(dead)).isTrue();
        assertThat(run(List.of("status", "--socket", dead.toString()))).isEqualTo(5);
        assertThat(err.toString()).contains("found nobody there");
    }

    @Test
    void errorsAreJsonWhereJsonWasAskedFor() throws IOException {
        int exitCode = run(List.of(
                "status", "-o", "json", "--socket", directory.resolve("none").toString()));
        JsonNode error = new ObjectMapper().readTree(err.toString()).get("error");
        assertThat(error.get("reason").textValue()).isEqualTo("NO_ENGINE");
        assertThat(error.get("exitCode").intValue()).isEqualTo(exitCode).isEqualTo(5);
    }

    @Test
    void everyCommandHasHelpWithExamplesAndExitCodes() {
        List<CommandLine> leaves = new ArrayList<>();
        collectLeaves(DynamicfsCommand.commandLine(), leaves);
        assertThat(leaves).hasSizeGreaterThan(15);
        for (CommandLine leaf : leaves) {
            String help = leaf.getUsageMessage();
            assertThat(help).as(leaf.getCommandName()).contains("Example").contains("Exit codes:");
        }
    }

    @Test
    void everyCommandThatPrintsTakesMinusO() {
        List<CommandLine> leaves = new ArrayList<>();
        collectLeaves(DynamicfsCommand.commandLine(), leaves);
        for (CommandLine leaf : leaves) {
            boolean printsAScriptOrServes = List.of("engine", "completion").contains(leaf.getCommandName());
            assertThat(leaf.getCommandSpec().findOption("-o") != null)
                    .as(leaf.getCommandName())
                    .isNotEqualTo(printsAScriptOrServes);
        }
    }

    @Test
    void theManualListsEveryExitCodeAndEveryCommand() throws IOException {
        String manual = Files.readString(Path.of("../../docs/cli.md"));
        for (ExitCode code : ExitCode.values()) {
            assertThat(manual).contains("| " + code.number() + " | " + code.meaning() + " |");
        }
        List<CommandLine> leaves = new ArrayList<>();
        collectLeaves(DynamicfsCommand.commandLine(), leaves);
        for (CommandLine leaf : leaves) {
            assertThat(manual).contains("`" + leaf.getCommandSpec().qualifiedName() + "`");
        }
    }

    @Test
    void versionIsPrintedAsTextAndAsJson() throws IOException {
        assertThat(run(List.of("version"))).isZero();
        assertThat(out.toString()).startsWith("dynamicfs ").contains("disk format 1");
        out.getBuffer().setLength(0);
        assertThat(run(List.of("version", "-o", "json"))).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("diskFormat").intValue())
                .isEqualTo(1);
    }

    @Test
    void theBenchmarkOfADirectoryIsPrintedAsTextAndAsJsonAndLeavesNothingBehind() throws IOException {
        List<String> small = List.of("bench", "--size", "1M", "--files", "5", "--seconds", "1", directory.toString());
        assertThat(run(small)).isZero();
        assertThat(out.toString()).contains("WORK").contains("append 4 KiB, fsync each");
        out.getBuffer().setLength(0);
        List<String> asJson = new ArrayList<>(small);
        asJson.addAll(List.of("-o", "json"));
        assertThat(run(asJson)).isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("sizeBytes").longValue()).isEqualTo(1 << 20);
        assertThat(json.get("results"))
                .hasSize(8)
                .allSatisfy(
                        result -> assertThat(result.get("operationsPerSecond").doubleValue())
                                .isPositive());
        try (var left = Files.list(directory)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void theBenchmarkSaysWhatIsWrongWithItsDirectory() throws IOException {
        assertThat(run(List.of("bench", directory.resolve("none").toString()))).isEqualTo(3);
        assertThat(err.toString()).contains("expected a directory, found nothing at");
        err.getBuffer().setLength(0);
        Path file = Files.createFile(directory.resolve("file"));
        assertThat(run(List.of("bench", file.toString()))).isEqualTo(4);
        assertThat(err.toString()).contains("expected a directory, found a file");
        err.getBuffer().setLength(0);
        assertThat(run(List.of("bench", "--size", "1T", directory.toString()))).isEqualTo(8);
        assertThat(err.toString()).contains("Choose a smaller --size");
        try (var left = Files.list(directory)) {
            assertThat(left).containsExactly(file);
        }
    }

    @Test
    void completionIsAScriptThatKnowsTheCommands() {
        assertThat(run(List.of("completion"))).isZero();
        assertThat(out.toString()).contains("complete -F").contains("umount").contains("--redundancy");
    }

    private int run(List<String> arguments) {
        CommandLine line = DynamicfsCommand.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        return line.execute(arguments.toArray(String[]::new));
    }

    private static Arguments wrong(String message, String line) {
        return Arguments.of(
                message,
                Arrays.stream(line.split(" ")).filter(word -> !word.isEmpty()).toList());
    }

    private static void collectLeaves(CommandLine line, List<CommandLine> leaves) {
        if (line.getSubcommands().isEmpty()) {
            leaves.add(line);
        }
        line.getSubcommands().values().forEach(subcommand -> collectLeaves(subcommand, leaves));
    }
}
