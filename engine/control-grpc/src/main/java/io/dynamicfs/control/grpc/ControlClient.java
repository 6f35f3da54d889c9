package io.dynamicfs.control.grpc;

import io.dynamicfs.control.v1.EngineControlGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Path;

/** A connection to a running engine. Calls throw StatusRuntimeException; {@link ErrorReasons#of} tells why. */
public final class ControlClient implements AutoCloseable {
    private static final int MESSAGE_BYTES_MAX = 64 << 20;

    private final EventLoopGroup eventLoops = EventLoops.single();
    private final ManagedChannel channel;

    public ControlClient(Path socket) {
        this.channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(eventLoops)
                .maxInboundMessageSize(MESSAGE_BYTES_MAX)
                .usePlaintext()
                .build();
    }

    public EngineControlGrpc.EngineControlBlockingStub engine() {
        return EngineControlGrpc.newBlockingStub(channel);
    }

    /** The next call tries to connect at once, however long the engine has been away. */
    public void reconnect() {
        channel.resetConnectBackoff();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        EventLoops.stop(eventLoops);
    }
}
