package io.dynamicfs.engine.format;

/**
 * What a name stands for. {@code type} is the type bits of the child's mode; {@code rank} tells names of one directory with
 * equal hashes apart, so that hash + rank is the entry's position, which stays while the entry does.
 */
public record DirectoryEntry(long inode, int type, int rank) {}
