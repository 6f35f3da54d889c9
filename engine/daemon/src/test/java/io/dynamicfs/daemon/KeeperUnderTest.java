package io.dynamicfs.daemon;

import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import io.dynamicfs.engine.syscall.UnixSocket;
import io.dynamicfs.engine.syscall.UnixSocket.Packet;
import io.dynamicfs.keeper.v1.KeeperRequest;
import io.dynamicfs.keeper.v1.KeeperResponse;
import io.dynamicfs.keeper.v1.OpenDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The least that a keeper has to do: opens disks, mounts, and holds the descriptors. */
final class KeeperUnderTest {
    private static final int PACKET_BYTES_MAX = 64 << 10;

    private final int user;
    private final UnixSocket listener;
    private final Thread server;
    private final Map<String, Integer> connections = new ConcurrentHashMap<>();
    private final Map<String, Negotiated> kept = new ConcurrentHashMap<>();
    private final List<String> opened = new ArrayList<>();
    private final SecureRandom random = new SecureRandom();

    KeeperUnderTest(Path socket, int user) throws IOException {
        this.user = user;
        this.listener = UnixSocket.listen(socket);
        Files.setAttribute(socket, "unix:uid", user);
        this.server = Thread.ofPlatform().daemon().name("keeper").start(this::serve);
    }

    /** Mounts; returns the number of the connection, which nobody serves yet. */
    String mount(String source, Path target) throws IOException {
        FuseDevice fuse = FuseDevice.open();
        Mounts.mount(
                source,
                target,
                "fuse.dynamicfs",
                0,
                "fd=" + fuse.fd()
                        + ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read=1048576");
        String connection = Long.toUnsignedString(random.nextLong() | 1);
        connections.put(connection, fuse.fd());
        return connection;
    }

    /** As if the keeper had been started again. */
    void forget() {
        connections.values().forEach(FileDescriptors::close);
        connections.clear();
    }

    void forget(String connection) {
        Integer descriptor = connections.remove(connection);
        if (descriptor != null) {
            FileDescriptors.close(descriptor);
        }
    }

    Map<String, Negotiated> kept() {
        return kept;
    }

    /** The disks that were opened, in order. */
    synchronized List<String> opened() {
        return List.copyOf(opened);
    }

    private synchronized void countOpened(String path) {
        opened.add(path);
    }

    private void serve() {
        while (true) {
            try (UnixSocket peer = listener.accept()) {
                Packet packet = peer.receive(PACKET_BYTES_MAX);
                if (packet != null) {
                    answer(peer, packet);
                }
            } catch (KernelException e) {
                if (e.is(Errno.EINVAL) || e.is(Errno.EBADF)) {
                    return;
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void answer(UnixSocket peer, Packet packet) throws IOException {
        if (peer.peerUid() != user) {
            refuse(peer, Errno.EPERM, "user " + peer.peerUid());
            return;
        }
        KeeperRequest request = KeeperRequest.parseFrom(packet.bytes());
        switch (request.getCallCase()) {
            case OPEN_DEVICE -> open(peer, request.getOpenDevice());
            case TAKE_CONNECTION ->
                send(peer, connections.get(request.getTakeConnection().getConnection()));
            case KEEP_CONNECTION -> {
                String connection = request.getKeepConnection().getConnection();
                connections.put(connection, packet.descriptor());
                kept.put(connection, request.getKeepConnection().getNegotiated());
                peer.send(ok(), UnixSocket.NO_DESCRIPTOR);
            }
            case CALL_NOT_SET -> refuse(peer, Errno.EINVAL, "nothing was asked");
        }
    }

    private void open(UnixSocket peer, OpenDevice open) throws IOException {
        int flags = FileDescriptors.O_DIRECT
                | FileDescriptors.O_CLOEXEC
                | (open.getReadOnly() ? FileDescriptors.O_RDONLY : FileDescriptors.O_RDWR | FileDescriptors.O_EXCL);
        int descriptor = FileDescriptors.open(open.getPath(), flags, 0);
        if (descriptor < 0) {
            peer.send(
                    KeeperResponse.newBuilder().setErrno(-descriptor).build().toByteArray(), UnixSocket.NO_DESCRIPTOR);
            return;
        }
        countOpened(open.getPath());
        send(peer, descriptor);
        FileDescriptors.close(descriptor);
    }

    private static void send(UnixSocket peer, @Nullable Integer descriptor) throws IOException {
        if (descriptor == null) {
            refuse(peer, Errno.ENOENT, "no such connection");
        } else {
            peer.send(ok(), descriptor);
        }
    }

    private static byte[] ok() {
        return KeeperResponse.getDefaultInstance().toByteArray();
    }

    private static void refuse(UnixSocket peer, Errno errno, String message) throws IOException {
        peer.send(
                KeeperResponse.newBuilder()
                        .setErrno(errno.number())
                        .setMessage(message)
                        .build()
                        .toByteArray(),
                UnixSocket.NO_DESCRIPTOR);
    }

    void close() throws InterruptedException {
        listener.close();
        server.join();
        forget();
    }
}
