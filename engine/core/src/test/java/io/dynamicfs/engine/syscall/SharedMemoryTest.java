package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedMemoryTest {
    private static final long BYTES = 1 << 20;

    @TempDir
    Path directory;

    @Test
    void aSuccessorFindsWhatItsPredecessorStored() throws IOException {
        Path path = directory.resolve("survivor");
        try (SharedMemory first = SharedMemory.map(path, BYTES)) {
            assertThat(first.memory().byteSize()).isEqualTo(BYTES);
            assertThat(first.memory().get(JAVA_LONG, BYTES - 8)).isZero();
            first.memory().set(JAVA_LONG, BYTES - 8, 0x0123_4567_89ab_cdefL);
        }
        try (SharedMemory second = SharedMemory.map(path, BYTES)) {
            assertThat(second.memory().get(JAVA_LONG, BYTES - 8)).isEqualTo(0x0123_4567_89ab_cdefL);
        }
    }

    @Test
    void twoMappingsOfOneFileAreTheSameMemory() throws IOException {
        Path path = directory.resolve("survivor");
        try (SharedMemory one = SharedMemory.map(path, BYTES);
                SharedMemory other = SharedMemory.map(path, BYTES)) {
            one.memory().set(JAVA_LONG, 4096, 7);
            assertThat(other.memory().get(JAVA_LONG, 4096)).isEqualTo(7);
        }
    }

    @Test
    void aFileOfAnotherSizeIsRefusedAndKept() throws IOException {
        Path path = directory.resolve("survivor");
        SharedMemory.map(path, BYTES).close();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharedMemory.map(path, 2 * BYTES))
                .withMessageContaining("expected 2097152 bytes, found 1048576");
        assertThat(Files.size(path)).isEqualTo(BYTES);
    }

    @Test
    void allOfTheFileIsReservedAtOnce() throws IOException {
        Path path = directory.resolve("survivor");
        SharedMemory.map(path, BYTES).close();

        assertThat(Files.size(path)).isEqualTo(BYTES);
        Process du = new ProcessBuilder("du", "--block-size=1", path.toString()).start();
        String allocated = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\t", 2)[0];
        assertThat(Long.parseLong(allocated)).isGreaterThanOrEqualTo(BYTES);
    }

    @Test
    void aMissingDirectoryIsAKernelException() {
        assertThatThrownBy(() -> SharedMemory.map(directory.resolve("no/survivor"), BYTES))
                .isInstanceOfSatisfying(
                        KernelException.class,
                        refused -> assertThat(refused.is(Errno.ENOENT)).isTrue())
                .hasMessageContaining("no such file or directory (ENOENT)");
    }

    @Test
    void anonymousMemoryHasADescriptorToHandOver() throws IOException {
        try (SharedMemory memory = SharedMemory.anonymous("survivor", BYTES)) {
            memory.memory().set(JAVA_LONG, 0, 5);
            assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/" + memory.fd()))
                            .toString())
                    .contains("survivor");
            assertThat(memory.memory().get(JAVA_LONG, 0)).isEqualTo(5);
        }
    }

    @Test
    void closedMemoryIsOutOfReach() throws IOException {
        SharedMemory memory = SharedMemory.anonymous("survivor", BYTES);
        MemorySegment segment = memory.memory();
        memory.close();

        assertThatIllegalStateException().isThrownBy(() -> segment.get(JAVA_LONG, 0));
    }
}
