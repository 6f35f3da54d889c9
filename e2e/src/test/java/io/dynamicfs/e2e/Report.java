package io.dynamicfs.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** What was measured, one line each, in {@code e2e/target/e2e-report/report.txt}. Nothing of it is asserted. */
final class Report {
    private final Path file;

    Report(Path directory) {
        this.file = directory.resolve("report.txt");
        try {
            Files.createDirectories(directory);
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void add(String what, String value) {
        try {
            Files.writeString(
                    file,
                    String.format(Locale.ROOT, "%-56s %s%n", what, value),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void seconds(String what, Instant since) {
        add(
                what,
                String.format(
                        Locale.ROOT,
                        "%.1f s",
                        Duration.between(since, Instant.now()).toMillis() / 1000.0));
    }
}
