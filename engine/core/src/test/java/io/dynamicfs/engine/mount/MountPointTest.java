package io.dynamicfs.engine.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.syscall.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountPointTest {
    @TempDir
    Path directory;

    @Test
    void anEmptyDirectoryIsReady() throws Exception {
        assertThat(prepare(directory)).isEqualTo(directory.toRealPath());
    }

    @Test
    void aSymbolicLinkIsFollowed() throws Exception {
        Path real = Files.createDirectory(directory.resolve("real"));
        Path link = Files.createSymbolicLink(directory.resolve("link"), real);

        assertThat(prepare(link)).isEqualTo(real.toRealPath());
    }

    @Test
    void aMissingDirectoryIsRefused() {
        assertRefused(directory.resolve("no"), Reason.NO_DIRECTORY, "found nothing");
        assertRefused(directory.resolve("no/further"), Reason.NO_DIRECTORY, "create it");
    }

    @Test
    void aFileIsRefused() throws IOException {
        assertRefused(Files.createFile(directory.resolve("file")), Reason.NOT_A_DIRECTORY, "name a directory");
    }

    @Test
    void aDirectoryWithEntriesIsRefused() throws IOException {
        Files.createFile(directory.resolve("file"));

        assertRefused(directory, Reason.NOT_EMPTY, "would hide");
    }

    @Test
    void aMountPointOfAnotherFileSystemIsRefused() {
        assertRefused(Path.of("/proc"), Reason.ALREADY_MOUNTED, "of type proc");
    }

    @Test
    void optionsOfMountAreUnderstood() throws MountException {
        assertThat(MountOption.parse(List.of("ro", "noatime", "rw", "defaults")))
                .containsExactlyInAnyOrder(MountOption.READ_ONLY, MountOption.NO_ACCESS_TIMES);
        assertThat(MountOption.flags(MountOption.parse(List.of("ro", "noatime"))))
                .isEqualTo(Mounts.READ_ONLY | Mounts.NO_ACCESS_TIMES);
    }

    @Test
    void anUnknownOptionIsRefusedByName() {
        assertThatThrownBy(() -> MountOption.parse(List.of("data=journal")))
                .isInstanceOfSatisfying(
                        MountException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Reason.UNKNOWN_OPTION))
                .hasMessageContaining("found data=journal");
    }

    private static void assertRefused(Path requested, Reason reason, String part) {
        assertThatThrownBy(() -> prepare(requested))
                .isInstanceOfSatisfying(
                        MountException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(reason))
                .hasMessageContaining("expected")
                .hasMessageContaining(part);
    }

    private static Path prepare(Path requested) throws MountException {
        return MountPoint.prepare(requested, (directory, how) -> {
            throw new AssertionError("nothing is mounted at " + directory);
        });
    }
}
