package io.dynamicfs.engine.mount;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Which inodes the kernel has open for writing, so that it may have dirty pages of them. */
final class OpenWriters {
    private static final int O_ACCESS_MODE = 3;
    private static final int O_RDONLY = 0;

    private final Map<Long, Integer> writers = new ConcurrentHashMap<>();
    private volatile boolean known = true;

    /** There may be more than are counted. */
    void forget() {
        known = false;
    }

    /** {@code flags} are those of open(2). */
    void opened(long inode, int flags) {
        if (writes(flags)) {
            writers.merge(inode, 1, Integer::sum);
        }
    }

    void closed(long inode, int flags) {
        if (writes(flags)) {
            writers.computeIfPresent(inode, (i, count) -> count > 1 ? count - 1 : null);
        }
    }

    boolean mayWrite(long inode) {
        return !known || writers.containsKey(inode);
    }

    private static boolean writes(int flags) {
        return (flags & O_ACCESS_MODE) != O_RDONLY;
    }
}
