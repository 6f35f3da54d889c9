package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.PosixVolume;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * An open pool as the simulation sees it: the storage engine, or in tests of the simulator a small stand-in with a known
 * bug. Everything runs in the caller's thread.
 */
interface Subject {
    /** The pool said no: a state that it does not serve. The message is what it said. */
    final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message, Throwable cause) {
            super(message, cause);
        }

        Refused(String message) {
            super(message);
        }
    }

    /** Makes and opens pools. */
    interface Factory {
        Subject create(Surroundings surroundings, Redundancy redundancy) throws Refused;

        /** Opens the pool on the disks that are there. {@code degraded} is the explicit word to go on without a quorum. */
        Subject open(Surroundings surroundings, boolean degraded) throws Refused;
    }

    /** What an engine is given. {@code survivor} outlives its process, not its machine (then it is all zero). */
    record Surroundings(
            SimClock clock, RandomGenerator random, IoRunner io, List<BlockDevice> disks, MemorySegment survivor) {}

    /** A commit in steps, with client operations in between. */
    interface Steps {
        /** Runs the next step; false when there was none left. */
        boolean step() throws Refused;
    }

    /** Creates a volume durably. Limits of 0 are none; a null redundancy is the pool's. */
    void createVolume(String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy) throws Refused;

    /** Deletes a volume durably. */
    void deleteVolume(String name) throws Refused;

    Set<String> volumes();

    PosixVolume volume(String name) throws Refused;

    void commit() throws Refused;

    Steps beginCommit() throws Refused;

    boolean needsCommit();

    /** Files that the last commit had to leave out. */
    default long filesNotStored() {
        return 0;
    }

    void serveSyncs() throws Refused;

    boolean hasWaitingSyncs();

    /** Verifies every structure; each line names something that is lost or inconsistent. */
    List<String> check();

    void close() throws Refused;
}
