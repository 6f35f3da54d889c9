package io.dynamicfs.daemon.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryBenchTest {
    private static final BenchSettings SMALL = new BenchSettings(1 << 20, Duration.ofSeconds(60), 20, 3);

    @TempDir
    Path directory;

    @Test
    void everyKindOfWorkIsDoneAndNothingIsLeftBehind() throws Exception {
        Path foreign = Files.writeString(directory.resolve("foreign"), "stays");
        List<Measurement> measurements;
        try (DirectoryBench bench = new DirectoryBench(directory, SMALL, 1, what -> {})) {
            measurements = bench.run();
        }
        assertThat(measurements)
                .extracting(Measurement::name)
                .containsExactly(
                        "sequential-write",
                        "sequential-read",
                        "random-read",
                        "random-write",
                        "append-fsync",
                        "create",
                        "stat",
                        "unlink");
        assertThat(measurements).allSatisfy(each -> {
            assertThat(each.operations()).isPositive();
            assertThat(each.nanos()).isPositive();
            assertThat(each.medianNanos()).isPositive().isLessThanOrEqualTo(each.worst1PercentNanos());
        });
        assertThat(measurements.getFirst().bytes()).isEqualTo(1 << 20);
        assertThat(measurements.get(5).operations()).isEqualTo(20);
        assertThat(files()).containsExactly(foreign);
    }

    @Test
    void aStoppedBenchmarkEndsBetweenTwoOperationsAndLeavesNothing() throws Exception {
        List<String> heard = new ArrayList<>();
        try (DirectoryBench bench = new DirectoryBench(directory, SMALL, 1, heard::add)) {
            bench.stop();
            assertThatExceptionOfType(InterruptedException.class).isThrownBy(bench::run);
        }
        assertThat(heard).hasSize(1);
        assertThat(files()).isEmpty();
    }

    @Test
    void latenciesOfManyOperationsKeepTheirQuantiles() {
        Latencies latencies = new Latencies();
        for (int i = 0; i < 1_000_000; i++) {
            latencies.add(i);
        }
        assertThat(latencies.operations()).isEqualTo(1_000_000);
        assertThat(Latencies.quantile(List.of(latencies), 0.5)).isBetween(495_000L, 505_000L);
        assertThat(Latencies.quantile(List.of(latencies), 0.99)).isBetween(985_000L, 995_000L);
        assertThat(Latencies.quantile(List.of(), 0.5)).isZero();
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(directory)) {
            return files.toList();
        }
    }
}
