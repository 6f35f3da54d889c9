package io.dynamicfs.engine.device;

/** What was asked of a disk since it was opened: calls that were answered, of these the failed ones, bytes of the good ones, and time. */
public record DeviceCounters(Operation reads, Operation writes, Operation flushes, Operation discards) {

    /** {@code nanos} is the sum over all calls, the failed ones included. */
    public record Operation(long calls, long errors, long bytes, long nanos) {
        public static final Operation NONE = new Operation(0, 0, 0, 0);
    }

    public long errors() {
        return reads.errors + writes.errors + flushes.errors + discards.errors;
    }
}
