package io.dynamicfs.engine.fuse;

/** Seconds since 1970 (negative before) and nanoseconds 0..999_999_999 to be added. */
public record FuseTime(long seconds, int nanos) {}
