package io.dynamicfs.e2e;

import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;

/** Reads the numbers that a writer prints, one a line, each after it was stored durably. */
final class AcknowledgedIds extends OutputStream {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    private final StringBuilder line = new StringBuilder();
    private int last = -1;

    @Override
    public synchronized void write(int b) {
        if (b != '\n') {
            line.append((char) b);
            return;
        }
        String text = line.toString();
        line.setLength(0);
        if (text.matches("[0-9]+")) {
            last = Integer.parseInt(text);
            notifyAll();
        }
    }

    synchronized int last() {
        return last;
    }

    synchronized void await(int count) throws InterruptedException {
        Instant end = Instant.now().plus(LIMIT);
        while (last + 1 < count) {
            long left = Duration.between(Instant.now(), end).toMillis();
            if (left <= 0) {
                throw new AssertionError("expected " + count + " numbers within " + LIMIT.toSeconds() + " s, found "
                        + (last + 1) + " and at the end: " + line);
            }
            wait(left);
        }
    }
}
