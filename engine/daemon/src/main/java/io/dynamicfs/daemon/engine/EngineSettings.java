package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.commit.SurvivorMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What an engine is started with. {@code stateDirectory} remembers which pools and mounts were there, until the machine
 * restarts; {@code memoryDirectory} is on tmpfs and holds {@code memoryBytes} of survivor memory per pool.
 */
public record EngineSettings(
        Path socket,
        Path stateDirectory,
        Path memoryDirectory,
        long memoryBytes,
        int ioThreads,
        int mountThreads,
        Transports transport) {
    public static final Path DEFAULT_SOCKET = Path.of("/run/dynamicfs/engine.sock");

    private static final int PAGE_BYTES = 4096;
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");

    /** Throws {@link IllegalArgumentException} for what no engine can work with; its message is for the user. */
    public EngineSettings {
        if (memoryBytes < SurvivorMemory.BYTES_MIN || memoryBytes % PAGE_BYTES != 0) {
            throw new IllegalArgumentException("memory size: expected at least " + SurvivorMemory.BYTES_MIN
                    + " bytes, a multiple of " + PAGE_BYTES + ", found " + memoryBytes);
        }
        if (ioThreads < 1 || mountThreads < 1) {
            throw new IllegalArgumentException("threads: expected at least one for each disk and mount, found fewer");
        }
    }

    /** Chooses a directory on tmpfs for the memory when none is given. */
    public static EngineSettings of(
            Path socket,
            Path stateDirectory,
            @Nullable Path memoryDirectory,
            long memoryBytes,
            int ioThreads,
            int mountThreads,
            Transports transport) {
        Path memory = memoryDirectory == null
                ? memoryDirectory(stateDirectory)
                : memoryDirectory.toAbsolutePath().normalize();
        return new EngineSettings(socket, stateDirectory, memory, memoryBytes, ioThreads, mountThreads, transport);
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
