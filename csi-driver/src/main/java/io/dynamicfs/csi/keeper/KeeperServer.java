package io.dynamicfs.csi.keeper;

import com.google.protobuf.InvalidProtocolBufferException;
import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.engine.device.DeviceKey;
import io.dynamicfs.engine.device.DeviceUse;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FileStatus;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.UnixSocket;
import io.dynamicfs.keeper.v1.DeviceFacts;
import io.dynamicfs.keeper.v1.KeepConnection;
import io.dynamicfs.keeper.v1.KeeperRequest;
import io.dynamicfs.keeper.v1.KeeperResponse;
import io.dynamicfs.keeper.v1.OpenDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the engine, and nobody else, on the keeper's socket: the peer must have the engine's user id. A device that takes
 * its time to open holds up only the call that asked for it.
 */
public final class KeeperServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeeperServer.class);
    private static final Duration PEER_LIMIT = Duration.ofSeconds(10);
    private static final int PACKET_BYTES_MAX = 64 << 10;
    private static final int AT_ONCE_MAX = 64;
    private static final Path DEV = Path.of("/dev");

    /** Not without a text: a packet has at least one byte. */
    private static final KeeperResponse DONE =
            KeeperResponse.newBuilder().setMessage("done").build();

    private final Keeper keeper;
    private final Path path;
    private final int engineUid;
    private final UnixSocket listener;
    private final Semaphore room = new Semaphore(AT_ONCE_MAX);

    /** A descriptor to send, or none; it is closed once it is sent. */
    private record Answer(KeeperResponse response, int descriptor) {}

    public static KeeperServer start(Keeper keeper, Path path, int engineUid) throws IOException {
        Files.deleteIfExists(path);
        UnixSocket listener = UnixSocket.listen(path);
        Files.setAttribute(path, "unix:uid", engineUid);
        KeeperServer server = new KeeperServer(keeper, path, engineUid, listener);
        Thread.ofPlatform().daemon().name("keeper").start(server::run);
        return server;
    }

    private KeeperServer(Keeper keeper, Path path, int engineUid, UnixSocket listener) {
        this.keeper = keeper;
        this.path = path;
        this.engineUid = engineUid;
        this.listener = listener;
    }

    @Override
    public void close() {
        listener.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The next one replaces it.
        }
    }

    private void run() {
        while (true) {
            UnixSocket peer;
            try {
                peer = listener.accept();
            } catch (KernelException e) {
                if (e.is(Errno.EBADF) || e.is(Errno.EINVAL)) {
                    return;
                }
                LOG.warn("event=keeper-accept-failed cause={}", e.getMessage());
                continue;
            }
            room.acquireUninterruptibly();
            Thread.ofPlatform().daemon().name("keeper-call").start(() -> {
                try (peer) {
                    serve(peer);
                } catch (IOException e) {
                    LOG.warn("event=keeper-call-failed cause={}", e.getMessage());
                } finally {
                    room.release();
                }
            });
        }
    }

    private void serve(UnixSocket peer) throws IOException {
        int uid = peer.peerUid();
        if (uid != engineUid) {
            LOG.warn("event=keeper-call-refused expected-uid={} found-uid={}", engineUid, uid);
            return;
        }
        peer.limitWaits(PEER_LIMIT);
        UnixSocket.Packet packet = peer.receive(PACKET_BYTES_MAX);
        if (packet == null) {
            return;
        }
        Answer answer = answer(packet);
        try {
            peer.send(answer.response().toByteArray(), answer.descriptor());
        } finally {
            if (answer.descriptor() != UnixSocket.NO_DESCRIPTOR) {
                FileDescriptors.close(answer.descriptor());
            }
        }
    }

    private Answer answer(UnixSocket.Packet packet) {
        KeeperRequest request;
        try {
            request = KeeperRequest.parseFrom(packet.bytes());
        } catch (InvalidProtocolBufferException e) {
            drop(packet);
            return refused(Errno.EINVAL, "expected a keeper's request, found " + e.getMessage());
        }
        return switch (request.getCallCase()) {
            case OPEN_DEVICE -> {
                drop(packet);
                yield open(request.getOpenDevice());
            }
            case TAKE_CONNECTION -> {
                drop(packet);
                yield take(request.getTakeConnection().getConnection());
            }
            case KEEP_CONNECTION -> keep(request.getKeepConnection(), packet.descriptor());
            case CALL_NOT_SET -> {
                drop(packet);
                yield refused(Errno.EOPNOTSUPP, "expected a call that this version knows, found none");
            }
        };
    }

    private Answer take(String id) {
        Optional<Integer> copy = keeper.duplicate(id);
        return copy.isPresent()
                ? new Answer(DONE, copy.get())
                : refused(Errno.ENOENT, "connection " + id + ": expected to hold it, found no such connection");
    }

    private Answer keep(KeepConnection call, int descriptor) {
        String id = call.getConnection();
        if (descriptor == UnixSocket.NO_DESCRIPTOR) {
            return refused(Errno.EBADF, "connection " + id + ": expected its descriptor, found none");
        }
        Negotiated values = call.getNegotiated();
        KeptConnection.Agreed agreed = new KeptConnection.Agreed(
                values.getMinor(), values.getReadAheadBytes(), values.getFeatures(), values.getPagesMax());
        return keeper.keep(id, call.getPool() + "/" + call.getVolume(), descriptor, agreed)
                ? new Answer(DONE, UnixSocket.NO_DESCRIPTOR)
                : refused(Errno.ENOENT, "connection " + id + ": expected one of ours, found none in the record");
    }

    private static Answer open(OpenDevice call) {
        Path device;
        try {
            device = Path.of(call.getPath()).toRealPath();
        } catch (IOException | IllegalArgumentException e) {
            return refused(Errno.ENOENT, call.getPath() + ": expected a block device, found nothing");
        }
        FileStatus status = FileDescriptors.status(device.toString());
        if (!device.startsWith(DEV) || status.kind() != FileStatus.Kind.BLOCK_DEVICE) {
            return refused(
                    Errno.EACCES, call.getPath() + ": expected a block device below " + DEV + ", found something else");
        }
        int flags = FileDescriptors.O_DIRECT
                | FileDescriptors.O_CLOEXEC
                | (call.getReadOnly() ? FileDescriptors.O_RDONLY : FileDescriptors.O_RDWR | FileDescriptors.O_EXCL);
        int fd;
        do {
            fd = FileDescriptors.open(device.toString(), flags, 0);
        } while (fd == -Errno.EINTR.number());
        if (fd < 0) {
            return refused(-fd, call.getPath() + ": " + Errno.describe(-fd) + uses(status));
        }
        if (!FileDescriptors.status(fd).device().equals(status.device())) {
            FileDescriptors.close(fd);
            return refused(Errno.EAGAIN, call.getPath() + ": the name moved to another device; try again");
        }
        return new Answer(
                KeeperResponse.newBuilder()
                        .setDevice(DeviceFacts.newBuilder().setPath(device.toString()))
                        .build(),
                fd);
    }

    private static String uses(FileStatus status) {
        List<DeviceUse> uses = DeviceUse.find(KernelFiles.ofHost(), new DeviceKey.Block(status.device()));
        return uses.isEmpty()
                ? ""
                : " (" + uses.stream().map(DeviceUse::toString).collect(Collectors.joining(", ")) + ")";
    }

    private static void drop(UnixSocket.Packet packet) {
        if (packet.descriptor() != UnixSocket.NO_DESCRIPTOR) {
            FileDescriptors.close(packet.descriptor());
        }
    }

    private static Answer refused(Errno errno, String message) {
        return refused(errno.number(), message);
    }

    private static Answer refused(int errno, String message) {
        LOG.info("event=keeper-refused errno={} message={}", errno, message);
        return new Answer(
                KeeperResponse.newBuilder().setErrno(errno).setMessage(message).build(), UnixSocket.NO_DESCRIPTOR);
    }
}
