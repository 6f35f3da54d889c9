package io.dynamicfs.daemon.cli;

import java.nio.file.Path;
import java.util.List;

/** Paths as the engine needs them: it runs in another directory. */
final class Paths {
    private Paths() {}

    static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    static List<String> absolute(List<Path> paths) {
        return paths.stream().map(Paths::absolute).toList();
    }
}
