package io.dynamicfs.daemon.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.dynamicfs.engine.mount.MountOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What an engine had open and mounted, for the one that follows it on the same machine. */
record EngineState(List<PoolEntry> pools, List<MountEntry> mounts) {
    static final EngineState EMPTY = new EngineState(List.of(), List.of());

    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    record PoolEntry(String id, String name, List<String> disks, boolean degraded, boolean readOnly) {}

    /** {@code options} are names of {@link MountOption}; null in a state of an engine that knew of none but read-only. */
    record MountEntry(
            String poolId,
            String volume,
            String path,
            boolean readOnly,
            @Nullable List<String> options) {
        Set<MountOption> mountOptions() {
            Set<MountOption> named = MountOption.named(options == null ? List.of() : options);
            if (readOnly) {
                named.add(MountOption.READ_ONLY);
            }
            return named;
        }
    }

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
