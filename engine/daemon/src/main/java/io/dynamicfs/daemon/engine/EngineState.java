package io.dynamicfs.daemon.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** What an engine had open and mounted, for the one that follows it on the same machine. */
record EngineState(List<PoolEntry> pools, List<MountEntry> mounts) {
    static final EngineState EMPTY = new EngineState(List.of(), List.of());

    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    record PoolEntry(String id, String name, List<String> disks, boolean degraded, boolean readOnly) {}

    record MountEntry(String poolId, String volume, String path, boolean readOnly) {}

    /** The state that was saved last, or the empty one. */
    static EngineState load(Path file) throws IOException {
        return Files.exists(file) ? MAPPER.readValue(file.toFile(), EngineState.class) : EMPTY;
    }

    void save(Path file) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        MAPPER.writeValue(next.toFile(), this);
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
