package io.dynamicfs.control.grpc;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Listens on a unix socket that only those may use whom its mode names. */
public final class UnixServer implements AutoCloseable {
    public static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    public static final Set<PosixFilePermission> OWNER_AND_GROUP = PosixFilePermissions.fromString("rw-rw----");

    private static final int IDLE_SECONDS = 30;
    private static final int CLOSE_SECONDS = 5;

    /** How an HTTP/2 client begins: the fixed text and empty settings (RFC 9113, 3.4). */
    private static final String HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

    private static final int HTTP2_FRAME_HEADER_BYTES = 9;

    private final Path socket;
    private final EventLoopGroup eventLoops = EventLoops.single();
    private final ExecutorService calls;
    private final Server server;

    /** What is served: {@code threads} calls at once, each of which passes {@code interceptors}. */
    public record Spec(
            List<BindableService> services,
            List<ServerInterceptor> interceptors,
            Set<PosixFilePermission> mode,
            int threads) {
        public Spec {
            services = List.copyOf(services);
            interceptors = List.copyOf(interceptors);
            mode = Set.copyOf(mode);
        }
    }

    /**
     * Serves. The socket appears at its path at once and with its mode; what a dead server left there is replaced. The caller
     * knows that no living server has that path.
     */
    public static UnixServer start(Path socket, Spec spec) throws IOException {
        return new UnixServer(socket, spec);
    }

    private UnixServer(Path socket, Spec spec) throws IOException {
        this.socket = socket;
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                spec.threads(),
                spec.threads(),
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("call-", 0).factory());
        pool.allowCoreThreadTimeOut(true);
        this.calls = pool;
        // Whoever watches the directory, as the kubelet does, takes no notice of names that begin with a dot.
        Path unseen = socket.resolveSibling("." + socket.getFileName() + ".new");
        Files.deleteIfExists(unseen);
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new DomainSocketAddress(unseen.toFile()))
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(eventLoops)
                .workerEventLoopGroup(eventLoops)
                .executor(calls);
        spec.services().forEach(builder::addService);
        spec.interceptors().forEach(builder::intercept);
        this.server = builder.build().start();
        warmUp(unseen);
        Files.setPosixFilePermissions(unseen, spec.mode());
        Files.move(unseen, socket, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /**
     * One handshake before anybody sees the socket: the first one loads so much code that clients which wait for a second,
     * as the CSI sidecars do, take the connection for lost and end.
     */
    private static void warmUp(Path socket) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.wrap(HTTP2_PREFACE.getBytes(StandardCharsets.ISO_8859_1)));
            channel.read(ByteBuffer.allocate(HTTP2_FRAME_HEADER_BYTES));
        }
    }

    public Path socket() {
        return socket;
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
            // A socket that stays behind is replaced by the next server.
        }
        calls.shutdown();
        EventLoops.stop(eventLoops);
    }
}
