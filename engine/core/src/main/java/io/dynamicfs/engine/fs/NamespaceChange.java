package io.dynamicfs.engine.fs;

/**
 * What an operation did. {@code inode} is the one that was made, changed, or whose name went, was added or moved; 0 stands for
 * none in the others: {@code replaced} is the one whose name another took (or that was exchanged), {@code orphan} the one
 * that has no name, to be removed once nobody has it open, {@code named} the one that got its first. {@code inodesAdded} counts
 * new inodes.
 */
record NamespaceChange(long inode, long replaced, long orphan, long named, int inodesAdded) {
    static NamespaceChange of(long inode) {
        return new NamespaceChange(inode, 0, 0, 0, 0);
    }

    static NamespaceChange made(long inode) {
        return new NamespaceChange(inode, 0, 0, 0, 1);
    }

    static NamespaceChange madeUnnamed(long inode) {
        return new NamespaceChange(inode, 0, inode, 0, 1);
    }

    static NamespaceChange named(long inode) {
        return new NamespaceChange(inode, 0, 0, inode, 0);
    }

    static NamespaceChange unnamed(long inode, boolean orphaned) {
        return new NamespaceChange(inode, 0, orphaned ? inode : 0, 0, 0);
    }

    static NamespaceChange replacing(long inode, long replaced, boolean orphaned) {
        return new NamespaceChange(inode, replaced, orphaned ? replaced : 0, 0, 0);
    }
}
