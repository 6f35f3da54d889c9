package io.dynamicfs.engine.extent;

/** Hears what reads found out. Called from reading threads. */
public interface ReadObserver {
    /** A fragment could not be read or failed its checksum, and others replaced it. */
    void fragmentIsBad(long extent, int fragment);

    /** {@code bytes} were answered from other fragments than the one that holds them. */
    void reconstructed(long bytes);
}
