package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.daemon.demo.Demo;
import io.dynamicfs.daemon.demo.DemoFailure;
import io.dynamicfs.daemon.demo.DemoReport;
import io.dynamicfs.daemon.terminal.ProgressBar;
import io.dynamicfs.daemon.terminal.Sizes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "demo",
        description = {
            "Shows it: six disks in files, a 4+2 pool, a real tree copied into a mounted volume, two disks overwritten "
                    + "while it is read, the engine killed while it is written, every file's hash compared. Needs root and "
                    + "/dev/fuse, takes about a minute and 3 GiB, and removes everything it made."
        },
        footer = {"", "Examples:", "  dynamicfs demo", "  dynamicfs demo --keep --dir /var/tmp/demo"})
@SuppressWarnings("NullAway.Init")
final class DemoCommand implements Callable<Integer>, Reporting {
    private static final Path FUSE_DEVICE = Path.of("/dev/fuse");
    private static final long SPACE_BYTES = 3L << 30;

    @Spec
    private CommandSpec spec;

    @Mixin
    private Output output;

    @Option(names = "--keep", description = "Leave the volume mounted and the engine running at the end.")
    private boolean keep;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where to work; it must not exist or be empty. Default: a new directory in /var/tmp.")
    private @Nullable Path directory;

    @Override
    public Integer call() throws Exception {
        insistOnMachine();
        Path place = place();
        PrintWriter out = spec.commandLine().getOut();
        if (!output.json()) {
            out.println("DynamicFS demo in " + place);
            out.flush();
        }
        try (ProgressBar bar = ProgressBar.onTerminal(!output.json())) {
            Demo demo = new Demo(place, keep, step -> show(out, step), bar);
            DemoReport report = demo.run();
            output.print(out, json(report), writer -> conclude(writer, report, demo));
            return ExitCode.OK.number();
        } catch (DemoFailure e) {
            throw new CliException(ExitCode.DAMAGED, "DEMO_FAILED", "the demo failed: " + e.getMessage());
        } catch (InterruptedException e) {
            throw new CliException(
                    ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted; what the demo had made is removed.");
        }
    }

    @Override
    public Output output() {
        return output;
    }

    private Path place() throws IOException {
        Path place = directory == null
                ? Files.createTempDirectory(Path.of("/var/tmp"), "dynamicfs-demo-")
                : Files.createDirectories(directory).toAbsolutePath().normalize();
        try (var content = Files.list(place)) {
            if (content.findAny().isPresent()) {
                throw new CliException(
                        ExitCode.REFUSED,
                        "DIRECTORY_NOT_EMPTY",
                        "expected an empty directory, found files in " + place + ". Choose another one with --dir.");
            }
        }
        long free = Files.getFileStore(place).getUsableSpace();
        if (free < SPACE_BYTES) {
            throw new CliException(
                    ExitCode.INCAPABLE,
                    "NO_SPACE",
                    "expected " + Sizes.human(SPACE_BYTES) + " free in " + place + ", found " + Sizes.human(free)
                            + ". Choose another place with --dir.");
        }
        return place;
    }

    private static void insistOnMachine() throws IOException {
        if (!Files.exists(FUSE_DEVICE)) {
            throw new CliException(
                    ExitCode.INCAPABLE,
                    "FUSE_UNAVAILABLE",
                    "expected the device /dev/fuse, found none. Load it with: modprobe fuse; in a container, pass it in.");
        }
        if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            throw new CliException(
                    ExitCode.INCAPABLE,
                    "NOT_PERMITTED",
                    "expected root, as mounting needs it. Run: sudo dynamicfs demo");
        }
    }

    private void show(PrintWriter out, DemoReport.Step step) {
        if (!output.json()) {
            out.println(String.format(
                    Locale.ROOT, "%10s  %-46s %s", Sizes.duration(step.millis()), step.what(), step.detail()));
            out.flush();
        }
    }

    private static void conclude(PrintWriter out, DemoReport report, Demo demo) {
        out.println(String.format(
                Locale.ROOT,
                "%10s  in all. Two disks of six and the engine died; not one byte was lost.",
                Sizes.duration(report.millis())));
        if (report.kept()) {
            String socket = " --socket " + report.directory() + "/engine.sock";
            out.println("Mounted at " + demo.mountPoint() + ". Look: dynamicfs status" + socket);
            out.println("End it: dynamicfs umount" + socket + " " + demo.mountPoint() + " && kill " + demo.enginePid()
                    + " && rm -r " + report.directory());
        }
    }

    private static ObjectNode json(DemoReport report) {
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        report.steps()
                .forEach(step -> steps.addObject()
                        .put("step", step.what())
                        .put("detail", step.detail())
                        .put("millis", step.millis()));
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.set("steps", steps);
        return json.put("millis", report.millis())
                .put("directory", report.directory())
                .put("kept", report.kept());
    }
}
