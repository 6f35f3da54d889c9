package io.dynamicfs.engine.sim;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until somebody advances it. */
public final class SimClock implements InstantSource {
    private Instant now = Instant.ofEpochSecond(1_700_000_000L);

    @Override
    public Instant instant() {
        return now;
    }

    public void advance(Duration duration) {
        now = now.plus(duration);
    }

    void set(SimClock other) {
        now = other.now;
    }

    /** Nanoseconds since 1970, as the model keeps its times. */
    long nanos() {
        return Math.addExact(Math.multiplyExact(now.getEpochSecond(), 1_000_000_000L), now.getNano());
    }
}
