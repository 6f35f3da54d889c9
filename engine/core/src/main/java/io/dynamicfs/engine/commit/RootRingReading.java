package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.format.DiskGeometry.Ring;
import io.dynamicfs.engine.format.RootRecord;
import java.util.Comparator;
import java.util.List;

/** The roots that one disk holds, each once, newest first, and what is wrong with the other slots. */
public record RootRingReading(List<RootRecord> roots, List<Finding> findings) {

    /** Whether a slot was written by a version that knows more, or less, than this one: then no root here may be believed. */
    public boolean holdsOtherVersions() {
        return findings.stream().anyMatch(finding -> switch (finding.kind) {
            case UNKNOWN_FEATURES, TOO_OLD, TOO_NEW -> true;
            case TORN, MISDIRECTED, FOREIGN_POOL, CONTRADICTORY, UNREADABLE -> false;
        });
    }

    /** By epoch, then by generation, the highest first. */
    public static final Comparator<RootRecord> NEWEST_FIRST = Comparator.comparing(
                    RootRecord::epoch, Long::compareUnsigned)
            .thenComparing(RootRecord::generation, Long::compareUnsigned)
            .reversed();

    public enum Kind {
        /** A write that was cut off, or damage. */
        TORN,
        /** A root that was written for another slot or another disk. */
        MISDIRECTED,
        FOREIGN_POOL,
        /** Two different roots of one epoch and generation; the one of ring A is among the roots. */
        CONTRADICTORY,
        UNREADABLE,
        UNKNOWN_FEATURES,
        TOO_OLD,
        TOO_NEW
    }

    /** {@code offset} is in bytes of the disk. */
    public record Finding(Kind kind, Ring ring, int slot, long offset, String detail) {}
}
