package io.dynamicfs.engine.device;

import io.dynamicfs.engine.syscall.DeviceNumber;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the kernel tells about disks: {@code /sys} and {@code /proc}, or what a test puts in their place. */
public record KernelFiles(Path sys, Path proc) {

    public static KernelFiles ofHost() {
        return new KernelFiles(Path.of("/sys"), Path.of("/proc"));
    }

    /** The directory of a block device, its real path, or null when the kernel has no such device. */
    public @Nullable Path blockDevice(DeviceNumber device) {
        try {
            return sys.resolve("dev/block/" + device).toRealPath();
        } catch (IOException e) {
            return null;
        }
    }

    /** The trimmed content, or null when there is no such file, it cannot be read, or it is empty. */
    public static @Nullable String text(Path file) {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
            return text.isEmpty() ? null : text;
        } catch (IOException e) {
            return null;
        }
    }

    /** Names in a directory, sorted; none when it cannot be read. */
    public static List<String> names(Path directory) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                names.add(entry.getFileName().toString());
            }
        } catch (IOException e) {
            return List.of();
        }
        names.sort(String::compareTo);
        return names;
    }
}
