package io.dynamicfs.engine.fs;

/** Hears how far a check is, as often as the checker likes to tell. */
@FunctionalInterface
public interface CheckProgress {
    /** {@code done} of {@code total} bytes or structures of {@code step}; a total of 0 is not known yet. */
    void at(String step, long done, long total);
}
