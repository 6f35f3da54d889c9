package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.syscall.SharedMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * The memory files of the pools, one per pool, on tmpfs: what was answered but is not on disks yet outlives the engine's
 * process there.
 */
final class SurvivorFiles {
    private static final String SUFFIX = ".memory";

    private final Path directory;
    private final long bytes;

    SurvivorFiles(Path directory, long bytes) {
        this.directory = directory;
        this.bytes = bytes;
    }

    /** The memory of a pool that is opened; what an engine that died left there is in it. */
    SharedMemory of(UUID pool) throws EngineException {
        return map(path(pool));
    }

    /** Empty memory for a pool that has no identity yet; {@link #adopt} names it when it has one. */
    SharedMemory unnamed() throws EngineException {
        try {
            Files.deleteIfExists(unnamedPath());
        } catch (IOException e) {
            throw unusable(unnamedPath(), e);
        }
        return map(unnamedPath());
    }

    void adopt(UUID pool) throws EngineException {
        try {
            Files.move(unnamedPath(), path(pool), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unusable(path(pool), e);
        }
    }

    /** Only for a pool that was closed cleanly or destroyed: nothing in its memory is worth keeping. */
    void remove(UUID pool) {
        remove(path(pool));
    }

    void removeUnnamed() {
        remove(unnamedPath());
    }

    private SharedMemory map(Path path) throws EngineException {
        try {
            long size = Files.exists(path) && Files.size(path) > 0 ? Files.size(path) : bytes;
            return SharedMemory.map(path, size);
        } catch (IOException | IllegalArgumentException e) {
            throw unusable(path, e);
        }
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // It only costs memory until the machine restarts; its pool's next engine finds that it holds nothing new.
        }
    }

    private Path path(UUID pool) {
        return directory.resolve(pool + SUFFIX);
    }

    private Path unnamedPath() {
        return directory.resolve("new-" + ProcessHandle.current().pid() + SUFFIX);
    }

    private EngineException unusable(Path path, Exception cause) {
        return new EngineException(
                EngineException.Reason.DIRECTORY_UNUSABLE,
                "cannot keep " + bytes + " bytes of survivor memory in " + path + ": " + cause.getMessage()
                        + ". Give another directory on tmpfs with --memory-dir, or less with --memory-size.",
                cause);
    }
}
