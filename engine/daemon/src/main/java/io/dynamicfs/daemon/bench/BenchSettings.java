package io.dynamicfs.daemon.bench;

import java.time.Duration;

/**
 * How much is done: the size of the file in bytes, the longest that one kind of work goes on, small files, and threads of
 * random reads and writes.
 */
public record BenchSettings(long fileBytes, Duration longest, int smallFiles, int threads) {
    public static final long FILE_BYTES_MIN = 1 << 20;
    public static final long FILE_BYTES_MAX = 1L << 40;
    public static final int SECONDS_MAX = 3600;
    public static final int SMALL_FILES_MAX = 1_000_000;
    public static final int THREADS_MAX = 64;

    /** A message says which value was expected and found. */
    public BenchSettings {
        require("size in bytes", fileBytes, FILE_BYTES_MIN, FILE_BYTES_MAX);
        require("seconds", longest.toSeconds(), 1, SECONDS_MAX);
        require("files", smallFiles, 1, SMALL_FILES_MAX);
        require("threads", threads, 1, THREADS_MAX);
    }

    /** Bytes that the files take at most at one time. */
    public long bytesNeeded() {
        return fileBytes + DirectoryBench.APPENDED_BYTES_MAX + (long) smallFiles * DirectoryBench.SMALL_BYTES;
    }

    private static void require(String what, long found, long min, long max) {
        if (found < min || found > max) {
            throw new IllegalArgumentException(
                    "benchmark " + what + ": expected " + min + " to " + max + ", found " + found);
        }
    }
}
