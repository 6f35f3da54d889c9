package io.dynamicfs.engine.fs;

/** A commit that is run step by step. Between the steps the pool serves as usual. */
public interface CommitSteps {
    /** Runs the next step; false when the commit is done. */
    boolean step();
}
