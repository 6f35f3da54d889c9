package io.dynamicfs.csi.kubelet;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.registration.v1.InfoRequest;
import io.dynamicfs.csi.registration.v1.PluginInfo;
import io.dynamicfs.csi.registration.v1.RegistrationGrpc;
import io.dynamicfs.csi.registration.v1.RegistrationStatus;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kubelet sees: a socket of a fixed name, who listens there, and that its word is heard. */
class RegistrationTest {
    @TempDir
    Path directory;

    @Test
    void theKubeletFindsTheDriverAndItsEndpoint() throws Exception {
        Path socket = Files.writeString(directory.resolve("csi.dynamicfs.io-reg.sock"), "left by a dead plugin");
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try (Registration.Running running = Registration.start(directory, Path.of("/kubelet/plugins/x/csi.sock"))) {
            ManagedChannel channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                    .channelType(EpollDomainSocketChannel.class)
                    .eventLoopGroup(loops)
                    .usePlaintext()
                    .build();
            try {
                var kubelet = RegistrationGrpc.newBlockingStub(channel);
                PluginInfo info = kubelet.getInfo(InfoRequest.getDefaultInstance());
                assertThat(info.getType()).isEqualTo("CSIPlugin");
                assertThat(info.getName()).isEqualTo(Driver.NAME);
                assertThat(info.getEndpoint()).isEqualTo("/kubelet/plugins/x/csi.sock");
                assertThat(info.getSupportedVersionsList()).containsExactly("1.0.0");
                assertThat(running.problem()).isNotEmpty();
                var ignored = kubelet.notifyRegistrationStatus(RegistrationStatus.newBuilder()
                        .setError("no such driver")
                        .build());
                assertThat(running.problem()).isEqualTo("no such driver");
                var again = kubelet.notifyRegistrationStatus(RegistrationStatus.newBuilder()
                        .setPluginRegistered(true)
                        .build());
                assertThat(again).isNotNull();
                assertThat(running.problem()).isEmpty();
            } finally {
                channel.shutdownNow();
            }
            try (Stream<Path> sockets = Files.list(directory)) {
                assertThat(sockets).containsExactly(socket);
            }
        } finally {
            boolean ignored =
                    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
        assertThat(socket).doesNotExist();
    }
}
