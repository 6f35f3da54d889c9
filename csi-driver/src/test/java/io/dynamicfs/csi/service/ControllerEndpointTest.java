package io.dynamicfs.csi.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.control.grpc.UnixServer;
import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.v1.ControllerExpandVolumeRequest;
import io.dynamicfs.csi.v1.ControllerGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.ControllerGrpc;
import io.dynamicfs.csi.v1.ControllerServiceCapability;
import io.dynamicfs.csi.v1.GetPluginCapabilitiesRequest;
import io.dynamicfs.csi.v1.GetPluginInfoRequest;
import io.dynamicfs.csi.v1.IdentityGrpc;
import io.dynamicfs.csi.v1.NodeGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.NodeGrpc;
import io.dynamicfs.csi.v1.NodeServiceCapability;
import io.dynamicfs.csi.v1.PluginCapability;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What csi-resizer has to find so that it leaves growing to the nodes. */
class ControllerEndpointTest {
    @TempDir
    Path directory;

    @Test
    void growingIsForTheNodesAndNothingElseIsOffered() throws Exception {
        Calls calls = new Calls(Duration.ofSeconds(10), EngineErrors::map);
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        Path socket = directory.resolve("csi.sock");
        UnixServer server = UnixServer.start(
                socket,
                new UnixServer.Spec(ControllerEndpoint.services(calls), List.of(), UnixServer.OWNER_AND_GROUP, 2));
        ManagedChannel channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loops)
                .usePlaintext()
                .build();
        try {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-rw----");
            var identity = IdentityGrpc.newBlockingStub(channel);
            assertThat(identity.getPluginInfo(GetPluginInfoRequest.getDefaultInstance())
                            .getName())
                    .isEqualTo(Driver.NAME);
            assertThat(identity.getPluginCapabilities(GetPluginCapabilitiesRequest.getDefaultInstance())
                            .getCapabilitiesList())
                    .extracting(capability -> capability.getService().getType())
                    .contains(PluginCapability.Service.Type.CONTROLLER_SERVICE);
            var controller = ControllerGrpc.newBlockingStub(channel);
            assertThat(controller
                            .controllerGetCapabilities(ControllerGetCapabilitiesRequest.getDefaultInstance())
                            .getCapabilitiesList())
                    .extracting(capability -> capability.getRpc().getType())
                    .doesNotContain(ControllerServiceCapability.RPC.Type.EXPAND_VOLUME);
            assertThat(NodeGrpc.newBlockingStub(channel)
                            .nodeGetCapabilities(NodeGetCapabilitiesRequest.getDefaultInstance())
                            .getCapabilitiesList())
                    .extracting(capability -> capability.getRpc().getType())
                    .contains(NodeServiceCapability.RPC.Type.EXPAND_VOLUME);
            StatusRuntimeException refused = catchThrowableOfType(
                    StatusRuntimeException.class,
                    () -> controller.controllerExpandVolume(ControllerExpandVolumeRequest.getDefaultInstance()));
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        } finally {
            channel.shutdownNow();
            server.close();
            boolean ignored =
                    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
    }
}
