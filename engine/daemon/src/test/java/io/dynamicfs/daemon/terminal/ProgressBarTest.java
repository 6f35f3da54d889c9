package io.dynamicfs.daemon.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    @Test
    void printsNothingInAPipe() {
        try (ProgressBar bar = new ProgressBar(stream, false)) {
            bar.at("checking", 1, 2);
        }
        assertThat(bytes.size()).isZero();
    }

    @Test
    void showsHowFarItIsAndWipesItsLineAtTheEnd() {
        try (ProgressBar bar = new ProgressBar(stream, true)) {
            bar.at("checking", 1, 2);
            assertThat(shown()).endsWith("checking  [###############---------------] 50%");
        }
        assertThat(shown()).endsWith(" \r");
    }

    @Test
    void showsACountWhileTheTotalIsUnknown() {
        try (ProgressBar bar = new ProgressBar(stream, true)) {
            bar.at("walking", 17, 0);
            assertThat(shown()).endsWith("walking  17");
        }
    }

    private String shown() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
