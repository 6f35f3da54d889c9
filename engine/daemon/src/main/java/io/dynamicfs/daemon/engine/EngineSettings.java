package io.dynamicfs.daemon.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What an engine is started with. {@code stateDirectory} remembers which pools and mounts were there, until the machine
 * restarts; {@code memoryDirectory} is on tmpfs and holds {@code memoryBytes} of survivor memory per pool.
 */
public record EngineSettings(
        Path socket, Path stateDirectory, Path memoryDirectory, long memoryBytes, int ioThreads, int mountThreads) {
    public static final Path DEFAULT_SOCKET = Path.of("/run/dynamicfs/engine.sock");

    private static final Path SHARED_MEMORY = Path.of("/dev/shm");

    /** Chooses a directory on tmpfs for the memory when none is given. */
    public static EngineSettings of(
            Path socket,
            Path stateDirectory,
            @Nullable Path memoryDirectory,
            long memoryBytes,
            int ioThreads,
            int mountThreads) {
        Path memory = memoryDirectory == null
                ? memoryDirectory(stateDirectory)
                : memoryDirectory.toAbsolutePath().normalize();
        return new EngineSettings(socket, stateDirectory, memory, memoryBytes, ioThreads, mountThreads);
    }

    private static Path memoryDirectory(Path stateDirectory) {
        return isOnTmpfs(stateDirectory) || !Files.isDirectory(SHARED_MEMORY)
                ? stateDirectory
                : SHARED_MEMORY.resolve("dynamicfs");
    }

    private static boolean isOnTmpfs(Path directory) {
        Path existing = directory;
        for (Path parent = directory; parent != null && !Files.exists(existing); parent = parent.getParent()) {
            existing = parent;
        }
        try {
            return Files.getFileStore(existing).type().equals("tmpfs");
        } catch (IOException e) {
            return false;
        }
    }
}
