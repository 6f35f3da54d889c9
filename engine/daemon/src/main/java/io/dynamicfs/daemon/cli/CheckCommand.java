package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.CheckEvent;
import io.dynamicfs.control.v1.CheckProgress;
import io.dynamicfs.control.v1.CheckReport;
import io.dynamicfs.control.v1.CheckRequest;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.daemon.control.Messages;
import io.dynamicfs.daemon.engine.OfflineCheck;
import io.dynamicfs.daemon.terminal.ProgressBar;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "check",
        description = {
            "Reads and verifies a pool and changes nothing. Exit code 6 when something is lost, 7 when everything "
                    + "wrong can be repaired from what is left."
        },
        footer = {
            "",
            "Examples:",
            "  dynamicfs check tank",
            "  dynamicfs check tank --metadata",
            "  dynamicfs check --offline tank /dev/sd[b-g]"
        })
@SuppressWarnings("NullAway.Init")
final class CheckCommand extends ClientCommand {
    @Parameters(index = "0", paramLabel = "POOL", description = "Name or id.")
    private String pool;

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "DISK", description = "With --offline: its disks.")
    private List<Path> disks = List.of();

    @Option(names = "--offline", description = "No engine: open the disks read-only and check them here.")
    private boolean offline;

    @Option(names = "--metadata", description = "Only metadata; do not read the files' data.")
    private boolean metadataOnly;

    @Override
    public Integer call() {
        if (!offline && !disks.isEmpty()) {
            throw new CliException(ExitCode.USAGE, "USAGE", "disks are only named with --offline");
        }
        return offline ? checkHere().number() : super.call();
    }

    @Override
    ExitCode run(EngineControlBlockingStub engine) {
        CheckReport report = CheckReport.getDefaultInstance();
        try (ProgressBar bar = ProgressBar.onTerminal(!output().json())) {
            Iterator<CheckEvent> events = engine.check(CheckRequest.newBuilder()
                    .setPool(pool)
                    .setData(!metadataOnly)
                    .build());
            while (events.hasNext()) {
                CheckEvent event = events.next();
                switch (event.getEventCase()) {
                    case PROGRESS -> show(bar, event.getProgress());
                    case REPORT -> report = event.getReport();
                    case EVENT_NOT_SET -> {}
                }
            }
        }
        return conclude(report);
    }

    private ExitCode checkHere() {
        CheckReport report;
        try (ProgressBar bar = ProgressBar.onTerminal(!output().json())) {
            List<Path> paths = disks.stream().map(Path::toAbsolutePath).toList();
            report = Messages.report(pool, OfflineCheck.run(pool, paths, !metadataOnly, bar::at));
        } catch (Exception e) {
            throw DynamicfsCommand.said(e);
        }
        return conclude(report);
    }

    private ExitCode conclude(CheckReport report) {
        print(ProtoJson.of(report), out -> Views.check(out, report));
        if (report.getLost() > 0) {
            return ExitCode.DAMAGED;
        }
        return report.getFindingsCount() > 0 ? ExitCode.DEGRADED : ExitCode.OK;
    }

    private static void show(ProgressBar bar, CheckProgress progress) {
        bar.at(progress.getStep(), progress.getDone(), progress.getTotal());
    }
}
