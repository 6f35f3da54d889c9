package io.dynamicfs.engine.commit;

import java.util.Map;
import java.util.TreeMap;

/** Which generations readers still look at. Space that a later generation freed is not reused before they are done. */
public final class GenerationPins {
    private final TreeMap<Long, Integer> pins = new TreeMap<>();

    /** Holds a generation until {@link #unpin}. */
    public synchronized void pin(long generation) {
        pins.merge(generation, 1, Integer::sum);
    }

    public synchronized void unpin(long generation) {
        pins.compute(generation, (g, count) -> count == null || count == 1 ? null : count - 1);
    }

    /** The oldest generation that is held, or {@link Long#MAX_VALUE}. */
    public synchronized long oldest() {
        Map.Entry<Long, Integer> first = pins.firstEntry();
        return first == null ? Long.MAX_VALUE : first.getKey();
    }
}
