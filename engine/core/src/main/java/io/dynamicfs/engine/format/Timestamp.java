package io.dynamicfs.engine.format;

/** Seconds since 1970 (negative before) and nanoseconds 0..999_999_999 to be added. */
public record Timestamp(long seconds, int nanos) {}
