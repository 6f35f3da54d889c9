package io.dynamicfs.engine.sim;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** Counts the I/Os of one machine over all its disks, and lets chosen ones fail or be the last. */
public final class IoTrigger {
    /** What a disk is asked to do. */
    public enum Kind {
        READ,
        WRITE,
        FLUSH,
        DISCARD
    }

    enum Verdict {
        PROCEED,
        FAIL,
        CUT
    }

    /** Sees every I/O just before it happens. */
    public interface Observer {
        void before(SimDisk disk, Kind kind, long offset, long length);
    }

    private static final long NEVER = Long.MAX_VALUE;

    private long count;
    private long cutAt = NEVER;
    private final BitSet failing = new BitSet();
    private boolean dead;
    private @Nullable Observer observer;
    private Runnable onCut = () -> {};

    /** I/Os so far; the next one has this index. */
    public long count() {
        return count;
    }

    /** The I/O with this index kills the machine or the process. */
    public void cutAt(long index) {
        cutAt = index;
    }

    public boolean isArmed() {
        return cutAt != NEVER;
    }

    /** The I/O with this index fails with an error. */
    public void failAt(long index) {
        failing.set(Math.toIntExact(index));
    }

    public void observe(@Nullable Observer next) {
        observer = next;
    }

    /** Runs at the very moment of a cut, before the engine notices. */
    void onCut(Runnable action) {
        onCut = action;
    }

    /** Nothing runs until {@link #revive}. */
    public void kill() {
        dead = true;
    }

    public boolean isDead() {
        return dead;
    }

    public void revive() {
        dead = false;
        cutAt = NEVER;
    }

    Verdict next(SimDisk disk, Kind kind, long offset, long length) {
        if (dead) {
            throw new PowerCut("I/O of a dead engine");
        }
        if (observer != null) {
            observer.before(disk, kind, offset, length);
        }
        long index = count++;
        if (index >= cutAt) {
            dead = true;
            onCut.run();
            return Verdict.CUT;
        }
        return index <= Integer.MAX_VALUE && failing.get((int) index) ? Verdict.FAIL : Verdict.PROCEED;
    }
}
