package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.daemon.bench.BenchSettings;
import io.dynamicfs.daemon.bench.DirectoryBench;
import io.dynamicfs.daemon.bench.Measurement;
import io.dynamicfs.daemon.terminal.ProgressBar;
import io.dynamicfs.daemon.terminal.Sizes;
import io.dynamicfs.daemon.terminal.Table;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "bench",
        description = {
            "Measures a mounted volume, or any other directory, with plain file operations: sequential and random reads "
                    + "and writes, appends with fsync, small files. Takes half a minute, needs no engine and removes "
                    + "everything it made. Comparisons with other file systems: bench/run in the source tree."
        },
        footer = {
            "",
            "Examples:",
            "  dynamicfs bench /mnt/home",
            "  dynamicfs bench --size 1G --threads 16 -o json /mnt/home"
        })
@SuppressWarnings("NullAway.Init")
final class BenchCommand implements Callable<Integer>, Reporting {
    private static final long SEED = 20260101;
    private static final int KINDS_OF_WORK = 8;
    private static final int CLEAN_UP_SECONDS_MAX = 60;

    @Spec
    private CommandSpec spec;

    @Mixin
    private Output output;

    @Parameters(index = "0", paramLabel = "DIRECTORY", description = "Where; it must exist.")
    private Path directory;

    @Option(
            names = "--size",
            defaultValue = "256M",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Size of the large file. Default: ${DEFAULT-VALUE}.")
    private long size;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            paramLabel = "N",
            description = "The longest that one kind of work goes on; only the first write is always finished. "
                    + "Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(
            names = "--files",
            defaultValue = "2000",
            paramLabel = "N",
            description = "Small files. Default: ${DEFAULT-VALUE}.")
    private int files;

    @Option(
            names = "--threads",
            defaultValue = "4",
            paramLabel = "N",
            description = "Threads that read and write at random. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Override
    public Integer call() {
        BenchSettings settings = new BenchSettings(size, Duration.ofSeconds(seconds), files, threads);
        insistOnDirectory(settings);
        CountDownLatch cleanedUp = new CountDownLatch(1);
        List<Measurement> measurements;
        boolean direct;
        try (ProgressBar bar = ProgressBar.onTerminal(!output.json())) {
            AtomicInteger done = new AtomicInteger();
            DirectoryBench bench = new DirectoryBench(
                    directory, settings, SEED, what -> bar.at(what, done.getAndIncrement(), KINDS_OF_WORK));
            Thread interruption = interruption(bench, cleanedUp);
            Runtime.getRuntime().addShutdownHook(interruption);
            try (bench) {
                measurements = bench.run();
                direct = bench.direct();
            } finally {
                cleanedUp.countDown();
                retract(interruption);
            }
        } catch (InterruptedException e) {
            throw new CliException(
                    ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted; what the benchmark had made is removed.");
        } catch (IOException e) {
            throw unusable("expected to make and use files in " + directory + ", found " + e);
        }
        output.print(spec.commandLine().getOut(), json(measurements, direct), out -> show(out, measurements, direct));
        return ExitCode.OK.number();
    }

    @Override
    public Output output() {
        return output;
    }

    private void insistOnDirectory(BenchSettings settings) {
        if (!Files.exists(directory)) {
            throw new CliException(
                    ExitCode.NOT_FOUND,
                    "DIRECTORY_NOT_FOUND",
                    "expected a directory, found nothing at " + directory + ". Is the volume mounted?");
        }
        if (!Files.isDirectory(directory)) {
            throw unusable("expected a directory, found a file: " + directory);
        }
        long needed = settings.bytesNeeded();
        try {
            long free = Files.getFileStore(directory).getUsableSpace();
            if (free < needed) {
                throw new CliException(
                        ExitCode.INCAPABLE,
                        "NO_SPACE",
                        "expected " + Sizes.human(needed) + " free in " + directory + ", found " + Sizes.human(free)
                                + ". Choose a smaller --size or fewer --files.");
            }
        } catch (IOException e) {
            throw unusable("expected the free space of " + directory + ", found " + e);
        }
    }

    private static CliException unusable(String message) {
        return new CliException(ExitCode.REFUSED, "DIRECTORY_UNUSABLE", message);
    }

    /** Ctrl-C ends the work; the process ends when its files are gone. */
    private static Thread interruption(DirectoryBench bench, CountDownLatch cleanedUp) {
        return Thread.ofPlatform().name("bench-interruption").unstarted(() -> {
            bench.stop();
            try {
                cleanedUp.await(CLEAN_UP_SECONDS_MAX, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void retract(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already.
        }
    }

    private static void show(PrintWriter out, List<Measurement> measurements, boolean direct) {
        Table table = new Table("WORK", ">RATE", ">OPERATIONS/S", ">MEDIAN", ">99%");
        for (Measurement each : measurements) {
            table.row(
                    each.title(),
                    each.bytes() == 0 ? "-" : Sizes.human(Math.round(each.bytesPerSecond())) + "/s",
                    String.format(Locale.ROOT, "%,.0f", each.operationsPerSecond()),
                    latency(each.medianNanos()),
                    latency(each.worst1PercentNanos()));
        }
        table.print(out);
        if (!direct) {
            out.println("This file system has no O_DIRECT: what was read may come from the page cache.");
        }
    }

    private static String latency(long nanos) {
        return String.format(Locale.ROOT, "%.3f ms", nanos / 1e6);
    }

    private ObjectNode json(List<Measurement> measurements, boolean direct) {
        ArrayNode results = JsonNodeFactory.instance.arrayNode();
        for (Measurement each : measurements) {
            results.addObject()
                    .put("name", each.name())
                    .put("title", each.title())
                    .put("operations", each.operations())
                    .put("bytes", each.bytes())
                    .put("nanos", each.nanos())
                    .put("operationsPerSecond", each.operationsPerSecond())
                    .put("bytesPerSecond", each.bytesPerSecond())
                    .put("medianNanos", each.medianNanos())
                    .put("worst1PercentNanos", each.worst1PercentNanos());
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("directory", directory.toString())
                .put("sizeBytes", size)
                .put("direct", direct)
                .set("results", results);
        return json;
    }
}
