package io.dynamicfs.csi.process;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A command that may hang in the kernel: it hangs there alone, and we go on. One that does not end in time is killed and
 * left; the kernel ends it when it can.
 */
public final class BoundedProcess {
    private static final int OUTPUT_BYTES_MAX = 4096;

    /** {@code output} is what it printed, both streams; of a command that did not end in time there is none. */
    public record Outcome(boolean ended, int exitCode, String output) {
        public boolean succeeded() {
            return ended && exitCode == 0;
        }
    }

    private BoundedProcess() {}

    public static Outcome run(Duration limit, List<String> command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        try (InputStream output = process.getInputStream()) {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                return new Outcome(false, -1, "");
            }
            byte[] bytes = output.readNBytes(OUTPUT_BYTES_MAX);
            return new Outcome(true, process.exitValue(), new String(bytes, StandardCharsets.UTF_8).strip());
        } catch (InterruptedException e) {
            process.destroyForcibly();
            throw e;
        }
    }
}
