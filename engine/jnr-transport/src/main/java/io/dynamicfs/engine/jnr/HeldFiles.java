package io.dynamicfs.engine.jnr;

import io.dynamicfs.engine.fs.PosixVolume;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The inodes that must stay although they may have no name: what is open, and what libfuse calls by a hidden name since it lost
 * its own while it was open. Each is one reference of the volume.
 */
final class HeldFiles {
    private static final String HIDDEN_PREFIX = ".fuse_hidden";

    /** A name that libfuse has invented; it is in no directory. */
    record HiddenName(long directory, String name) {}

    private final PosixVolume volume;
    private final Map<Long, Integer> opened = new HashMap<>();
    private final Map<HiddenName, Long> hidden = new HashMap<>();

    HeldFiles(PosixVolume volume) {
        this.volume = volume;
    }

    static boolean mayBeHidden(String name) {
        return name.startsWith(HIDDEN_PREFIX);
    }

    /** Takes over a reference of the caller. */
    synchronized void opened(long inode) {
        opened.merge(inode, 1, Integer::sum);
    }

    void closed(long inode) {
        int references = 1;
        synchronized (this) {
            if (opened.computeIfPresent(inode, (i, count) -> count > 1 ? count - 1 : null) == null) {
                references += unhide(inode);
            }
        }
        volume.forget(inode, references);
    }

    private int unhide(long inode) {
        int count = 0;
        for (Iterator<Long> inodes = hidden.values().iterator(); inodes.hasNext(); ) {
            if (inodes.next() == inode) {
                inodes.remove();
                count++;
            }
        }
        return count;
    }

    /** Takes over a reference of the caller. */
    void hide(HiddenName name, long inode) {
        Long before;
        synchronized (this) {
            before = hidden.put(name, inode);
        }
        if (before != null) {
            volume.forget(before, 1);
        }
    }

    /** The inode behind a hidden name, or null. */
    synchronized @Nullable Long hidden(HiddenName name) {
        return hidden.get(name);
    }

    void unhide(HiddenName name) {
        Long inode;
        synchronized (this) {
            inode = hidden.remove(name);
        }
        if (inode != null) {
            volume.forget(inode, 1);
        }
    }

    /** The mount has ended: nothing is open any more. */
    void giveBackAll() {
        Map<Long, Integer> files;
        List<Long> hiddenFiles;
        synchronized (this) {
            files = Map.copyOf(opened);
            hiddenFiles = List.copyOf(hidden.values());
            opened.clear();
            hidden.clear();
        }
        files.forEach(volume::forget);
        hiddenFiles.forEach(inode -> volume.forget(inode, 1));
    }
}
