package io.dynamicfs.engine.fuse;

/** What statfs(2) shows, in blocks of {@code blockBytes} and in nodes. */
public record FuseStatistics(
        long blocks, long freeBlocks, long nodes, long freeNodes, int blockBytes, int nameBytesMax) {}
