package io.dynamicfs.engine.sim;

/**
 * The moment of death, thrown out of the engine by the simulated I/O that it happens in. An error, so that no handler for
 * broken disks takes it for one; after it every further I/O of the same machine throws it again.
 */
public final class PowerCut extends Error {
    private static final long serialVersionUID = 1L;

    PowerCut(String where) {
        super(where, null, false, false);
    }
}
