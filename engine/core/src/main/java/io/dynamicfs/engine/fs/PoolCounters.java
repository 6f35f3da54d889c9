package io.dynamicfs.engine.fs;

/**
 * What a pool did since it was opened. {@code reconstructedReads} were answered although a fragment was missing or wrong;
 * {@code unreadable} counts reads that no combination of fragments could answer (EIO).
 */
public record PoolCounters(
        long commits,
        long syncsServed,
        long logRecords,
        long operationsRecovered,
        long bytesRead,
        long bytesWritten,
        long checksumErrors,
        long reconstructedReads,
        long reconstructedBytes,
        long repairedFragments,
        long repairedNodes,
        long unreadable) {}
