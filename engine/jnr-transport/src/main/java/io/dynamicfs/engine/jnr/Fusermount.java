package io.dynamicfs.engine.jnr;

import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The set-user-id program that mounts and unmounts for those who may not, and what its administrator allows. */
final class Fusermount {
    /** Where libfuse looks for it first, then in PATH. */
    private static final Path USUAL_PLACE = Path.of("/usr/bin/fusermount");

    private static final Path CONFIGURATION = Path.of("/etc/fuse.conf");
    private static final Path SELF = Path.of("/proc/self");
    private static final int ROOT = 0;

    private Fusermount() {}

    static boolean isRoot() {
        try {
            return Files.getAttribute(SELF, "unix:uid").equals(ROOT);
        } catch (IOException e) {
            return false;
        }
    }

    static Optional<Path> program(String searchPath) {
        return Stream.concat(
                        Stream.of(USUAL_PLACE),
                        Stream.of(searchPath.split(":", -1)).map(directory -> Path.of(directory, "fusermount")))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Whether a mount of ours may be used by others than its owner. */
    static boolean allowsOthers() {
        return isRoot() || allowsOthers(CONFIGURATION);
    }

    static boolean allowsOthers(Path configuration) {
        try (Stream<String> lines = Files.lines(configuration, StandardCharsets.ISO_8859_1)) {
            return lines.anyMatch(line -> line.strip().equals("user_allow_other"));
        } catch (IOException e) {
            return false;
        }
    }

    /** Unmounts by ourselves, where we may, or with the program's help. */
    static void unmount(Path directory, Unmount how) throws KernelException {
        try {
            Mounts.unmount(directory, how == Unmount.LAZILY ? Mounts.DETACH | Mounts.NO_FOLLOW : Mounts.NO_FOLLOW);
        } catch (KernelException refused) {
            Optional<Path> program =
                    program(Optional.ofNullable(System.getenv("PATH")).orElse(""));
            if (!refused.is(Errno.EPERM) || program.isEmpty()) {
                throw refused;
            }
            unmount(program.get(), directory, how);
        }
    }

    private static void unmount(Path program, Path directory, Unmount how) throws KernelException {
        List<String> command = new ArrayList<>(List.of(program.toString(), "-u"));
        if (how == Unmount.LAZILY) {
            command.add("-z");
        }
        command.addAll(List.of("--", directory.toString()));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                boolean busy = said.contains("busy");
                throw new KernelException(said, (busy ? Errno.EBUSY : Errno.EPERM).number());
            }
        } catch (KernelException refused) {
            throw refused;
        } catch (IOException failure) {
            throw new KernelException(program + ": " + failure.getMessage(), Errno.EPERM.number());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KernelException(program.toString(), Errno.EINTR.number());
        }
    }
}
