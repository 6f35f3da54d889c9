package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.control.grpc.ErrorReasons;
import io.dynamicfs.daemon.Version;
import io.dynamicfs.daemon.control.Refusals;
import io.dynamicfs.daemon.engine.EngineException;
import io.dynamicfs.engine.commit.PoolException;
import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The root of the command tree, and the one place where failures become messages and exit codes. */
@Command(
        name = "dynamicfs",
        description = "Files that survive disks: storage pools, volumes and mounts of one machine.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            EngineCommand.class,
            PoolCommand.class,
            DiskCommand.class,
            VolumeCommand.class,
            MountCommand.class,
            UmountCommand.class,
            StatusCommand.class,
            CheckCommand.class,
            BenchCommand.class,
            DemoCommand.class,
            VersionCommand.class,
            CompletionCommand.class
        },
        footer = {
            "",
            "Try it:",
            "  dynamicfs demo",
            "By hand:",
            "  dynamicfs engine &",
            "  dynamicfs pool create tank --redundancy 4+2 /dev/sd[b-g]",
            "  dynamicfs volume create tank/home --quota 100G",
            "  dynamicfs mount tank/home /mnt/home"
        })
public final class DynamicfsCommand implements Runnable {
    /** Set to anything, it adds stack traces to error messages. */
    private static final String DEBUG_VARIABLE = "DYNAMICFS_DEBUG";

    private DynamicfsCommand() {}

    /** Runs one command line and returns the process's exit code. */
    public static int run(String... arguments) {
        return commandLine().execute(arguments);
    }

    public static CommandLine commandLine() {
        CommandLine line = new CommandLine(new DynamicfsCommand());
        dress(line, exitCodes());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpAutoWidth(true);
        line.setExecutionExceptionHandler(DynamicfsCommand::explain);
        line.setParameterExceptionHandler((failure, arguments) -> explainUsage(failure));
        return line;
    }

    /** Without a subcommand. */
    @Override
    public void run() {
        throw new CliException(ExitCode.USAGE, "NO_COMMAND", "expected a command. See: dynamicfs --help");
    }

    /** Every command has --help, and every help ends with the exit codes. */
    private static void dress(CommandLine line, Map<String, String> exitCodes) {
        line.getCommandSpec().mixinStandardHelpOptions(true);
        line.getCommandSpec().version("dynamicfs " + Version.text());
        line.getCommandSpec()
                .usageMessage()
                .exitCodeListHeading("%nExit codes:%n")
                .exitCodeList(exitCodes);
        line.getSubcommands().values().forEach(subcommand -> dress(subcommand, exitCodes));
    }

    private static Map<String, String> exitCodes() {
        Map<String, String> codes = new LinkedHashMap<>();
        Arrays.stream(ExitCode.values()).forEach(code -> codes.put("  " + code.number(), code.meaning()));
        return codes;
    }

    private static int explain(Exception failure, CommandLine line, ParseResult parsed) {
        CliException said = said(failure);
        boolean json = line.getCommand() instanceof Reporting reporting
                && reporting.output().json();
        print(line.getErr(), said, json);
        if (System.getenv(DEBUG_VARIABLE) != null) {
            failure.printStackTrace(line.getErr());
        }
        return said.exitCode().number();
    }

    private static int explainUsage(ParameterException failure) {
        CommandLine line = failure.getCommandLine();
        print(line.getErr(), new CliException(ExitCode.USAGE, "USAGE", String.valueOf(failure.getMessage())), false);
        line.getErr().println("See: " + line.getCommandSpec().qualifiedName() + " --help");
        line.getErr().flush();
        return ExitCode.USAGE.number();
    }

    static CliException said(Exception failure) {
        return switch (failure) {
            case CliException e -> e;
            case StatusRuntimeException e -> {
                String reason = ErrorReasons.of(e);
                String message = e.getStatus().getDescription();
                yield new CliException(
                        ExitCode.of(e.getStatus().getCode()),
                        reason == null ? e.getStatus().getCode().name() : reason,
                        message == null ? e.getStatus().toString() : message);
            }
            case PoolException e ->
                new CliException(
                        ExitCode.of(Refusals.code(e.reason())), e.reason().name(), text(e));
            case EngineException e ->
                new CliException(
                        ExitCode.of(Refusals.code(e.reason())), e.reason().name(), text(e));
            case IllegalArgumentException e -> new CliException(ExitCode.USAGE, "INVALID_ARGUMENT", text(e));
            default ->
                new CliException(
                        ExitCode.INTERNAL,
                        "INTERNAL",
                        failure + ". This is a bug of DynamicFS; " + DEBUG_VARIABLE + "=1 shows where.");
        };
    }

    private static void print(PrintWriter err, CliException said, boolean json) {
        if (json) {
            ObjectNode error = JsonNodeFactory.instance.objectNode();
            error.put("reason", said.reason())
                    .put("message", said.getMessage())
                    .put("exitCode", said.exitCode().number());
            err.println(Output.render(JsonNodeFactory.instance.objectNode().set("error", error)));
        } else {
            err.println("dynamicfs: " + said.getMessage());
        }
        err.flush();
    }

    private static String text(Exception failure) {
        return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }
}
