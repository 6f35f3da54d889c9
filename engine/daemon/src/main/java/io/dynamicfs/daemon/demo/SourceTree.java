package io.dynamicfs.daemon.demo;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;

/** A real tree to copy: files of this system, filled up with generated ones where it has too few. */
final class SourceTree {
    static final int FILES_MIN = 4_000;
    static final long BYTES_MIN = 220L << 20;

    private static final int SMALL_FILE_BYTES = 64 << 10;
    private static final int LARGE_FILE_BYTES = 16 << 20;
    private static final int GENERATED_FILE_BYTES = 64 << 10;
    private static final List<Path> PLACES = List.of(Path.of("/usr/share"), Path.of("/usr/lib"), Path.of("/usr/bin"));

    /** One file to copy; {@code name} is relative, {@code origin} is null-free: generated files were written before. */
    record SourceFile(Path origin, Path name, long bytes) {}

    private final List<SourceFile> files = new ArrayList<>();
    private long bytes;

    private SourceTree() {}

    /** Chooses files; generated ones are written below {@code scratch}. */
    static SourceTree choose(Path scratch) throws IOException {
        SourceTree tree = new SourceTree();
        for (Path place : PLACES) {
            if (Files.isDirectory(place) && !tree.isEnough()) {
                tree.collect(place);
            }
        }
        tree.generate(scratch);
        return tree;
    }

    List<SourceFile> files() {
        return files;
    }

    long bytes() {
        return bytes;
    }

    private boolean isEnough() {
        return files.size() >= FILES_MIN && bytes >= BYTES_MIN;
    }

    /** Large files only while bytes are missing, small ones only while files are: so a big system is not copied whole. */
    private boolean isWanted(long size) {
        if (size > LARGE_FILE_BYTES) {
            return false;
        }
        return size > SMALL_FILE_BYTES ? bytes < BYTES_MIN : files.size() < FILES_MIN;
    }

    private void collect(Path place) throws IOException {
        Files.walkFileTree(place, EnumSet.noneOf(FileVisitOption.class), Integer.MAX_VALUE, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile() && isWanted(attributes.size()) && Files.isReadable(file)) {
                    add(file, Path.of("/").relativize(file), attributes.size());
                }
                return isEnough() ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) {
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private void generate(Path scratch) throws IOException {
        Random random = new Random(1);
        for (int i = 0; !isEnough(); i++) {
            Path name = Path.of("generated", String.valueOf(i / 100), "file-" + i);
            Path origin = scratch.resolve(name);
            byte[] content = new byte[GENERATED_FILE_BYTES];
            random.nextBytes(content);
            Files.createDirectories(origin.getParent());
            Files.write(origin, content);
            add(origin, name, content.length);
        }
    }

    private void add(Path origin, Path name, long size) {
        files.add(new SourceFile(origin, name, size));
        bytes += size;
    }
}
