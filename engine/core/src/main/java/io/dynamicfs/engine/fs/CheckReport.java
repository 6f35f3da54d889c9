package io.dynamicfs.engine.fs;

import java.util.List;

/** What a check read and what it found wrong. Nothing was changed. */
public record CheckReport(
        long generation,
        long nodes,
        long nodeCopies,
        long extents,
        long fragments,
        long bytesRead,
        List<Finding> findings) {

    /** Findings listed at most; a longer list ends with one that says how many were left out. */
    public static final int FINDINGS_MAX = 10_000;

    /** How bad a finding is. */
    public enum Severity {
        /** A copy or fragment is wrong or missing, and others can replace it. */
        REPAIRABLE,
        /** Data or metadata that nothing left on the disks can give back. */
        LOST
    }

    /**
     * One thing that is wrong. {@code volume}, {@code path} and {@code disk} are empty where they do not apply;
     * {@code length} is 0 when the finding is about a structure and not about the range of a file.
     */
    public record Finding(
            Severity severity, String volume, String path, long offset, long length, String disk, String message) {}

    public CheckReport {
        findings = List.copyOf(findings);
    }

    public boolean clean() {
        return findings.isEmpty();
    }

    public long count(Severity severity) {
        return findings.stream()
                .filter(finding -> finding.severity() == severity)
                .count();
    }
}
