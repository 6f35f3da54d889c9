package io.dynamicfs.daemon.bench;

/**
 * What one kind of work did: {@code operations} with {@code bytes} in all, in {@code nanos} of wall time. Latencies are of
 * single operations, those of all threads together.
 */
public record Measurement(
        String name, String title, long operations, long bytes, long nanos, long medianNanos, long worst1PercentNanos) {
    private static final double NANOS_PER_SECOND = 1e9;

    public double operationsPerSecond() {
        return operations * NANOS_PER_SECOND / Math.max(1, nanos);
    }

    public double bytesPerSecond() {
        return bytes * NANOS_PER_SECOND / Math.max(1, nanos);
    }
}
