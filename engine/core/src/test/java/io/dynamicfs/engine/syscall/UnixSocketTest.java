package io.dynamicfs.engine.syscall;

import static io.dynamicfs.engine.syscall.UnixSocket.NO_DESCRIPTOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.syscall.UnixSocket.Packet;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    private static final int BYTES_MAX = 4096;

    @TempDir
    Path directory;

    private Path path = Path.of("");
    private UnixSocket listener;
    private UnixSocket client;
    private UnixSocket server;

    @BeforeEach
    void connect() throws IOException {
        path = directory.resolve("socket");
        listener = UnixSocket.listen(path);
        client = UnixSocket.connect(path);
        server = listener.accept();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        listener.close();
    }

    @Test
    void packetsArriveWholeAndInOrder() throws IOException {
        client.send(bytes("one"), NO_DESCRIPTOR);
        client.send(bytes("two"), NO_DESCRIPTOR);

        assertThat(text(server.receive(BYTES_MAX))).isEqualTo("one");
        assertThat(text(server.receive(BYTES_MAX))).isEqualTo("two");
        server.send(bytes("three"), NO_DESCRIPTOR);
        Packet answer = Objects.requireNonNull(client.receive(BYTES_MAX));
        assertThat(text(answer)).isEqualTo("three");
        assertThat(answer.descriptor()).isEqualTo(NO_DESCRIPTOR);
    }

    @Test
    void aPacketOfNoBytesIsNotTheEnd() throws IOException {
        client.send(new byte[0], NO_DESCRIPTOR);
        assertThat(text(server.receive(BYTES_MAX))).isEmpty();
        client.send(new byte[BYTES_MAX], NO_DESCRIPTOR);
        assertThat(text(server.receive(BYTES_MAX))).hasSize(BYTES_MAX);
    }

    @Test
    void aDescriptorTravelsAndIsClosedOnExec() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "content");
        int sent = FileDescriptors.open(file.toString(), FileDescriptors.O_RDONLY | FileDescriptors.O_CLOEXEC, 0);
        client.send(bytes("take this"), sent);
        FileDescriptors.close(sent);
        Files.delete(file);

        Packet packet = Objects.requireNonNull(server.receive(BYTES_MAX));
        try {
            assertThat(read(packet.descriptor())).isEqualTo("content");
            String info = Files.readString(Path.of("/proc/self/fdinfo/" + packet.descriptor()));
            assertThat(info).containsPattern("flags:\\s+02[0-7]{6}");
        } finally {
            FileDescriptors.close(packet.descriptor());
        }
    }

    @Test
    void aDuplicateOutlivesTheDescriptorItWasMadeOf() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "content");
        int first = FileDescriptors.open(file.toString(), FileDescriptors.O_RDONLY | FileDescriptors.O_CLOEXEC, 0);
        int second = FileDescriptors.duplicate(first);
        FileDescriptors.close(first);
        assertThat(read(second)).isEqualTo("content");
        FileDescriptors.close(second);
        assertThat(FileDescriptors.duplicate(second)).isEqualTo(-Errno.EBADF.number());
    }

    @Test
    void bothEndsKnowTheUserOfTheOther() throws IOException {
        int user = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        assertThat(server.peerUid()).isEqualTo(user);
        assertThat(client.peerUid()).isEqualTo(user);
    }

    @Test
    void onlyTheOwnerMayConnect() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
    }

    @Test
    void theEndOfTheOtherSideIsSeen() throws IOException {
        client.close();
        assertThat(server.receive(BYTES_MAX)).isNull();
        assertThatThrownBy(() -> server.send(bytes("late"), NO_DESCRIPTOR)).isInstanceOf(KernelException.class);
    }

    @Test
    void aPacketThatIsTooLargeIsRefusedAndItsDescriptorClosed() throws IOException {
        int sent = FileDescriptors.open("/dev/null", FileDescriptors.O_RDONLY | FileDescriptors.O_CLOEXEC, 0);
        client.send(new byte[BYTES_MAX + 1], sent);
        long before = openDescriptors();
        assertThatThrownBy(() -> server.receive(BYTES_MAX)).hasMessageContaining("EMSGSIZE");
        assertThat(openDescriptors()).isEqualTo(before);
        FileDescriptors.close(sent);
    }

    @Test
    void closingWakesAThreadThatWaits() throws Exception {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread waiting = Thread.ofPlatform().start(() -> {
            try {
                listener.accept().close();
            } catch (KernelException e) {
                thrown.set(e);
            }
        });
        while (!isAccepting(waiting)) {
            Thread.onSpinWait();
        }
        listener.close();
        waiting.join();
        assertThat(thrown.get()).isInstanceOf(KernelException.class);
    }

    @Test
    void waitingCanBeLimited() throws IOException {
        server.limitWaits(Duration.ofMillis(20));
        assertThatThrownBy(() -> server.receive(BYTES_MAX))
                .isInstanceOfSatisfying(
                        KernelException.class,
                        e -> assertThat(e.is(Errno.EAGAIN)).isTrue());
    }

    @Test
    void whatCannotWorkIsRefused() {
        assertThatThrownBy(() -> UnixSocket.listen(path)).hasMessageContaining(path.toString());
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("nobody")))
                .hasMessageContaining("ENOENT");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> UnixSocket.connect(directory.resolve("x".repeat(108))))
                .withMessageContaining("107 bytes");
        client.close();
        assertThatThrownBy(() -> client.send(bytes("closed"), NO_DESCRIPTOR)).hasMessageContaining("closed socket");
    }

    private static boolean isAccepting(Thread thread) {
        return Stream.of(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("accept"));
    }

    private static long openDescriptors() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.count();
        }
    }

    private static String read(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(64);
            int count = (int) FileDescriptors.pread(descriptor, buffer.address(), buffer.byteSize(), 0);
            return new String(buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(@Nullable Packet packet) {
        return new String(Objects.requireNonNull(packet).bytes(), StandardCharsets.UTF_8);
    }
}
