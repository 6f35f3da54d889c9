package io.dynamicfs.daemon.demo;

import java.util.List;

/** What the demo did, step by step, and how long it took. */
public record DemoReport(List<Step> steps, String directory, boolean kept) {

    /** One thing that was done. {@code detail} has the numbers. */
    public record Step(String what, String detail, long millis) {}

    public DemoReport {
        steps = List.copyOf(steps);
    }

    public long millis() {
        return steps.stream().mapToLong(Step::millis).sum();
    }
}
