package io.dynamicfs.engine.fs;

/**
 * The room of a pool under one redundancy, in bytes of file data; only {@code rawBytes} are the disks' own. {@code reservedBytes}
 * are the quotas of all volumes, where a volume without one counts what it uses; {@code availableBytes} is what one more volume
 * could be promised.
 */
public record PoolCapacity(long rawBytes, long usableBytes, long usedBytes, long reservedBytes, long availableBytes) {}
