package io.dynamicfs.csi.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.csi.mount.MountFlags;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.UnixSocket;
import io.dynamicfs.keeper.v1.KeepConnection;
import io.dynamicfs.keeper.v1.KeeperRequest;
import io.dynamicfs.keeper.v1.KeeperResponse;
import io.dynamicfs.keeper.v1.OpenDevice;
import io.dynamicfs.keeper.v1.TakeConnection;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the keeper gives away, to whom, and what it does not. */
final class KeeperServerIT {
    private static final int PACKET_BYTES_MAX = 64 << 10;

    @TempDir
    Path directory;

    private Path socket = Path.of("");
    private Keeper keeper;
    private @Nullable KeeperServer server;
    private String loop = "";

    private record Answer(KeeperResponse response, int descriptor) {}

    @BeforeEach
    void start() throws Exception {
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "needs root: loop devices and mounts");
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/fuse")), "needs /dev/fuse: load the module fuse");
        socket = directory.resolve("keeper.sock");
        keeper = new Keeper(directory.resolve("connections.json"), InstantSource.system());
        Path image = directory.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(32 << 20);
        }
        loop = run("losetup", "-f", "--show", image.toString());
    }

    @AfterEach
    void clean() throws Exception {
        if (server != null) {
            server.close();
        }
        if (!loop.isEmpty()) {
            run("losetup", "-d", loop);
        }
    }

    private void serve(int uid) throws Exception {
        server = KeeperServer.start(keeper, socket, uid);
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor()).as(List.of(command) + ": " + output).isZero();
        return output;
    }

    private @Nullable Answer call(KeeperRequest request, int descriptor) throws Exception {
        try (UnixSocket connection = UnixSocket.connect(socket)) {
            connection.send(request.toByteArray(), descriptor);
            UnixSocket.Packet packet = connection.receive(PACKET_BYTES_MAX);
            return packet == null ? null : new Answer(KeeperResponse.parseFrom(packet.bytes()), packet.descriptor());
        } catch (KernelException e) {
            // The other end may be closed before all is sent.
            return null;
        }
    }

    private Answer answered(KeeperRequest request, int descriptor) throws Exception {
        Answer answer = call(request, descriptor);
        if (answer == null) {
            throw new AssertionError("no answer");
        }
        return answer;
    }

    private Answer open(String path, boolean readOnly) throws Exception {
        OpenDevice open =
                OpenDevice.newBuilder().setPath(path).setReadOnly(readOnly).build();
        return answered(KeeperRequest.newBuilder().setOpenDevice(open).build(), UnixSocket.NO_DESCRIPTOR);
    }

    private Answer take(String id) throws Exception {
        return answered(
                KeeperRequest.newBuilder()
                        .setTakeConnection(TakeConnection.newBuilder().setConnection(id))
                        .build(),
                UnixSocket.NO_DESCRIPTOR);
    }

    @Test
    void aDiskIsOpenedForOneAndWithItsFlags() throws Exception {
        serve(0);
        Answer first = open(loop, false);
        assertThat(first.response().getErrno()).isZero();
        assertThat(first.response().getDevice().getPath()).isEqualTo(loop);
        int flags = FileDescriptors.flags(first.descriptor());
        assertThat(flags & FileDescriptors.O_DIRECT).isNotZero();
        assertThat(flags & FileDescriptors.O_ACCMODE).isEqualTo(FileDescriptors.O_RDWR);
        Answer second = open(loop, false);
        assertThat(second.response().getErrno()).isEqualTo(Errno.EBUSY.number());
        assertThat(second.descriptor()).isEqualTo(UnixSocket.NO_DESCRIPTOR);
        Answer look = open(loop, true);
        assertThat(FileDescriptors.flags(look.descriptor()) & FileDescriptors.O_ACCMODE)
                .isEqualTo(FileDescriptors.O_RDONLY);
        FileDescriptors.close(look.descriptor());
        FileDescriptors.close(first.descriptor());
        Answer again = open(loop, false);
        assertThat(again.response().getErrno()).isZero();
        FileDescriptors.close(again.descriptor());
    }

    @Test
    void whatIsNoDiskIsNotOpened() throws Exception {
        serve(0);
        for (String path : List.of(
                "/etc/passwd",
                "/dev/null",
                "/dev/fuse",
                "/dev/../etc/passwd",
                directory.resolve("disk.img").toString())) {
            Answer answer = open(path, true);
            assertThat(answer.response().getErrno()).as(path).isEqualTo(Errno.EACCES.number());
            assertThat(answer.response().getMessage()).contains("block device");
            assertThat(answer.descriptor()).isEqualTo(UnixSocket.NO_DESCRIPTOR);
        }
        assertThat(open("/dev/no-such-disk", true).response().getErrno()).isEqualTo(Errno.ENOENT.number());
        assertThat(answered(
                                KeeperRequest.newBuilder()
                                        .setTakeConnection(
                                                TakeConnection.newBuilder().setConnection("1"))
                                        .build(),
                                UnixSocket.NO_DESCRIPTOR)
                        .response()
                        .getErrno())
                .isEqualTo(Errno.ENOENT.number());
    }

    @Test
    void onlyTheEnginesUserIsAnswered() throws Exception {
        int engine = 64535;
        serve(engine);
        assertThat(Files.getAttribute(socket, "unix:uid")).isEqualTo(engine);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        OpenDevice open = OpenDevice.newBuilder().setPath(loop).build();
        assertThat(call(KeeperRequest.newBuilder().setOpenDevice(open).build(), UnixSocket.NO_DESCRIPTOR))
                .as("root is not the engine")
                .isNull();
    }

    @Test
    void connectionsAreKeptAsLongAsTheyAreInTheRecord() throws Exception {
        serve(0);
        Path staging = Files.createDirectory(directory.resolve("staging"));
        KeptConnection connection = keeper.mount("pool/v", "tank/v", staging, false, MountFlags.parse(List.of()));
        try {
            assertThat(connection.device()).matches("0:[0-9]+");
            assertThat(keeper.isConnected(connection.id())).isTrue();
            Answer copy = take(connection.id());
            assertThat(copy.response().getErrno()).isZero();
            Keeper successor = new Keeper(directory.resolve("connections.json"), InstantSource.system());
            assertThat(successor.connections()).containsExactly(connection);
            assertThat(successor.holds(connection.id())).isFalse();
            KeepConnection keep = KeepConnection.newBuilder()
                    .setConnection("12345")
                    .setPool("p")
                    .setVolume("v")
                    .build();
            assertThat(answered(
                                    KeeperRequest.newBuilder()
                                            .setKeepConnection(keep)
                                            .build(),
                                    copy.descriptor())
                            .response()
                            .getErrno())
                    .as("a connection that nobody has made")
                    .isEqualTo(Errno.ENOENT.number());
            FileDescriptors.close(copy.descriptor());
        } finally {
            keeper.release(connection.id());
            run("umount", "-l", staging.toString());
        }
        assertThat(keeper.connections()).isEmpty();
        assertThat(take(connection.id()).response().getErrno()).isEqualTo(Errno.ENOENT.number());
    }
}
