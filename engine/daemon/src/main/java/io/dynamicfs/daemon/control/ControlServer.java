package io.dynamicfs.daemon.control;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Listens on a unix socket that only its owner may use. */
public final class ControlServer implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int CLOSE_SECONDS = 5;

    private final Path socket;
    private final EventLoopGroup eventLoops = EventLoops.single();
    private final ExecutorService calls;
    private final Server server;

    /**
     * Serves {@code service}. The socket appears at its path with its mode already 0600; what a dead engine left there is
     * replaced. The caller holds the lock that says that no other engine lives there.
     */
    public static ControlServer start(Path socket, BindableService service) throws IOException {
        return new ControlServer(socket, service);
    }

    private ControlServer(Path socket, BindableService service) throws IOException {
        this.socket = socket;
        this.calls = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().name("control-", 0).factory());
        Path unseen = socket.resolveSibling(socket.getFileName() + ".new");
        Files.deleteIfExists(unseen);
        this.server = NettyServerBuilder.forAddress(new DomainSocketAddress(unseen.toFile()))
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(eventLoops)
                .workerEventLoopGroup(eventLoops)
                .executor(calls)
                .addService(service)
                .build()
                .start();
        Files.setPosixFilePermissions(unseen, PosixFilePermissions.fromString("rw-------"));
        Files.move(unseen, socket, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        server.shutdown();
        try {
            if (!server.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
            Files.deleteIfExists(socket);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // A socket that stays behind is replaced by the next engine.
        }
        calls.shutdown();
        EventLoops.stop(eventLoops);
    }
}
