package io.dynamicfs.csi.service;

import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.v1.CapacityRange;
import io.grpc.Status;

/** Sizes of volumes, in bytes: quotas that take no space until files do, but are reserved. */
final class VolumeSize {
    static final long MIN = 1L << 20;
    static final long DEFAULT = 1L << 30;

    private VolumeSize() {}

    /** The size for a new volume: what is required, at least {@link #MIN}; {@link #DEFAULT} when nothing is said. */
    static long of(CapacityRange range) throws Refusal {
        check(range);
        long limit = limit(range);
        long size = range.getRequiredBytes() == 0 ? Math.min(DEFAULT, limit) : Math.max(MIN, range.getRequiredBytes());
        if (limit < MIN || size > limit) {
            throw new Refusal(
                    Status.Code.OUT_OF_RANGE,
                    "volume size: expected a limit of at least " + Math.max(MIN, range.getRequiredBytes())
                            + " bytes, found " + limit + "; raise it");
        }
        return size;
    }

    /** Whether a volume of {@code bytes} is what the range asks for. */
    static boolean fits(long bytes, CapacityRange range) {
        return bytes >= range.getRequiredBytes() && bytes <= limit(range);
    }

    static void check(CapacityRange range) throws Refusal {
        if (range.getRequiredBytes() < 0 || range.getLimitBytes() < 0) {
            throw Refusal.invalid("volume size: expected 0 or more bytes, found required " + range.getRequiredBytes()
                    + " and limit " + range.getLimitBytes());
        }
        if (range.getRequiredBytes() > limit(range)) {
            throw new Refusal(
                    Status.Code.OUT_OF_RANGE,
                    "volume size: expected a limit of at least the " + range.getRequiredBytes()
                            + " bytes that are required, found " + range.getLimitBytes() + "; raise it");
        }
    }

    static long limit(CapacityRange range) {
        return range.getLimitBytes() == 0 ? Long.MAX_VALUE : range.getLimitBytes();
    }
}
