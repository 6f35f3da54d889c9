package io.dynamicfs.daemon.control;

import com.google.protobuf.InvalidProtocolBufferException;
import io.dynamicfs.daemon.engine.EngineException;
import io.dynamicfs.daemon.engine.EngineException.Reason;
import io.dynamicfs.daemon.engine.Keeper;
import io.dynamicfs.engine.device.DeviceOpenException;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.device.LinuxBlockDevice;
import io.dynamicfs.engine.device.LinuxBlockDevice.Mode;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.UnixSocket;
import io.dynamicfs.keeper.v1.KeepConnection;
import io.dynamicfs.keeper.v1.KeeperRequest;
import io.dynamicfs.keeper.v1.KeeperResponse;
import io.dynamicfs.keeper.v1.OpenDevice;
import io.dynamicfs.keeper.v1.TakeConnection;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Asks the keeper over its socket: a connection, a packet and an answer for each call. */
public final class KeeperClient implements Keeper {
    private static final int PACKET_BYTES_MAX = 64 << 10;

    /** A keeper opens dying disks in a process of its own and answers in time, whatever they do. */
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);

    private final Path socket;

    public KeeperClient(Path socket) {
        this.socket = socket;
    }

    private record Answer(KeeperResponse response, int descriptor) {
        /** Errors bring no descriptor; one that comes all the same must not stay open. */
        Answer requireDescriptor() throws EngineException {
            if (descriptor == UnixSocket.NO_DESCRIPTOR) {
                throw new EngineException(
                        Reason.KEEPER_UNAVAILABLE,
                        "expected a descriptor from the keeper, found an answer without one. Is it of another version?");
            }
            return this;
        }
    }

    @Override
    public LinuxBlockDevice openDevice(Path path, Mode mode) throws DeviceOpenException {
        OpenDevice open = OpenDevice.newBuilder()
                .setPath(path.toString())
                .setReadOnly(mode == Mode.READ_ONLY)
                .build();
        Answer answer;
        try {
            answer = call(KeeperRequest.newBuilder().setOpenDevice(open).build(), UnixSocket.NO_DESCRIPTOR);
            KeeperResponse response = answer.response;
            if (response.getErrno() != 0) {
                throw DeviceOpenException.byOther(path.toString(), response.getErrno(), response.getMessage());
            }
            answer.requireDescriptor();
        } catch (EngineException e) {
            throw new DeviceOpenException(
                    path.toString(), DeviceOpenException.Reason.FAILED, String.valueOf(e.getMessage()));
        }
        return LinuxBlockDevice.adopt(KernelFiles.ofHost(), answer.descriptor, path.toString(), mode);
    }

    @Override
    public int takeConnection(long connection) throws EngineException {
        String id = Long.toUnsignedString(connection);
        TakeConnection take = TakeConnection.newBuilder().setConnection(id).build();
        Answer answer = call(KeeperRequest.newBuilder().setTakeConnection(take).build(), UnixSocket.NO_DESCRIPTOR);
        int errno = answer.response.getErrno();
        if (errno != 0) {
            throw new EngineException(
                    errno == Errno.ENOENT.number() ? Reason.CONNECTION_NOT_FOUND : Reason.KEEPER_UNAVAILABLE,
                    "expected connection " + id + " from the keeper, found " + describe(answer.response));
        }
        return answer.requireDescriptor().descriptor;
    }

    @Override
    public void keepConnection(Connection connection, int descriptor) throws EngineException {
        KeepConnection keep = KeepConnection.newBuilder()
                .setConnection(Long.toUnsignedString(connection.id()))
                .setPool(connection.pool())
                .setVolume(connection.volume())
                .setNegotiated(Messages.negotiated(connection.negotiated()))
                .build();
        Answer answer = call(KeeperRequest.newBuilder().setKeepConnection(keep).build(), descriptor);
        if (answer.response.getErrno() != 0) {
            throw new EngineException(
                    Reason.KEEPER_UNAVAILABLE,
                    "expected the keeper to take connection " + keep.getConnection() + ", found "
                            + describe(answer.response));
        }
    }

    private Answer call(KeeperRequest request, int descriptor) throws EngineException {
        try (UnixSocket connection = UnixSocket.connect(socket)) {
            connection.limitWaits(ANSWER_TIMEOUT);
            connection.send(request.toByteArray(), descriptor);
            UnixSocket.Packet packet = connection.receive(PACKET_BYTES_MAX);
            if (packet == null) {
                throw unavailable("a connection that was closed without an answer", null);
            }
            return answer(packet);
        } catch (KernelException e) {
            throw unavailable(String.valueOf(e.getMessage()), e);
        }
    }

    private Answer answer(UnixSocket.Packet packet) throws EngineException {
        try {
            KeeperResponse response = KeeperResponse.parseFrom(packet.bytes());
            if (response.getErrno() != 0) {
                discard(packet.descriptor());
                return new Answer(response, UnixSocket.NO_DESCRIPTOR);
            }
            return new Answer(response, packet.descriptor());
        } catch (InvalidProtocolBufferException e) {
            discard(packet.descriptor());
            throw unavailable("an answer that cannot be understood (" + e.getMessage() + ")", e);
        }
    }

    private static void discard(int descriptor) {
        if (descriptor != UnixSocket.NO_DESCRIPTOR) {
            FileDescriptors.close(descriptor);
        }
    }

    private EngineException unavailable(String found, @Nullable Exception cause) {
        String message = "expected the keeper to answer at " + socket + ", found " + found
                + ". It runs in the node plugin; the engine asks again when it is asked again.";
        return cause == null
                ? new EngineException(Reason.KEEPER_UNAVAILABLE, message)
                : new EngineException(Reason.KEEPER_UNAVAILABLE, message, cause);
    }

    private static String describe(KeeperResponse response) {
        return response.getMessage().isEmpty() ? Errno.describe(response.getErrno()) : response.getMessage();
    }
}
