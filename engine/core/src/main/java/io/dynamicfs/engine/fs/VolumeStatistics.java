package io.dynamicfs.engine.fs;

/** What statfs(2) shows, in bytes and inodes. */
public record VolumeStatistics(long totalBytes, long availableBytes, long totalInodes, long freeInodes) {}
