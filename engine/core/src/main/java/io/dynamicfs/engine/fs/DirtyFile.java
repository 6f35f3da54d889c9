package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.format.Timestamp;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a file's content has beyond its stored slices: the layer that a commit is storing now, and above it the one that takes new
 * changes. Guarded by the pool's lock.
 */
final class DirtyFile {
    private @Nullable Layer flushing;
    private @Nullable Layer active;

    /** The records of content changes that neither a root nor the intent log holds yet, in order. */
    private final Deque<SurvivorLog.Entry> unlogged = new ArrayDeque<>();

    Layer activeLayer(long storedSize, SurvivorLog.Entry first) {
        if (active == null) {
            active = new Layer(flushing != null ? flushing.size() : storedSize, first);
        }
        return active;
    }

    boolean isDirty() {
        return active != null || flushing != null;
    }

    boolean hasActive() {
        return active != null;
    }

    @Nullable
    Layer flushing() {
        return flushing;
    }

    /** Size of the file as readers see it, or {@code storedSize} when nothing is dirty. */
    long size(long storedSize) {
        return active != null ? active.size() : flushing != null ? flushing.size() : storedSize;
    }

    @Nullable
    Timestamp modified() {
        Timestamp newest = active != null ? active.modified() : null;
        return newest != null || flushing == null ? newest : flushing.modified();
    }

    @Nullable
    Timestamp changed() {
        Timestamp newest = active != null ? active.changed() : null;
        return newest != null || flushing == null ? newest : flushing.changed();
    }

    void forgetModified() {
        if (active != null) {
            active.forgetModified();
        }
        if (flushing != null) {
            flushing.forgetModified();
        }
    }

    /** The layers from the top down. */
    List<Layer> layers() {
        if (active != null) {
            return flushing != null ? List.of(active, flushing) : List.of(active);
        }
        return flushing != null ? List.of(flushing) : List.of();
    }

    /** Hands the active layer to a commit. */
    Layer beginFlush() {
        if (active == null || flushing != null) {
            throw new IllegalStateException("nothing to flush, or a flush is under way");
        }
        flushing = active;
        active = null;
        return flushing;
    }

    /** The flushed layer is part of the slices now. */
    void endFlush() {
        flushing = null;
    }

    /** The flush did not happen: the layer is dirty as before. */
    void abandonFlush() {
        if (flushing != null && active != null) {
            flushing.add(active);
        }
        if (flushing != null) {
            active = flushing;
        }
        flushing = null;
    }

    Deque<SurvivorLog.Entry> unlogged() {
        return unlogged;
    }

    /** Forgets records that a root holds now. */
    void forgetThrough(long sequence) {
        while (!unlogged.isEmpty() && unlogged.getFirst().sequence() <= sequence) {
            unlogged.removeFirst();
        }
    }
}
