package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.fs.PosixVolume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whom a new volume belongs to: the engine's user, who could do nothing with one of root's. */
final class ProcessUser {
    private static final Path SELF = Path.of("/proc/self");

    private ProcessUser() {}

    static PosixVolume.Owner owner() {
        try {
            return new PosixVolume.Owner(
                    (Integer) Files.getAttribute(SELF, "unix:uid"), (Integer) Files.getAttribute(SELF, "unix:gid"));
        } catch (IOException e) {
            throw new IllegalStateException("the owner of " + SELF + " cannot be read; is /proc mounted?", e);
        }
    }
}
