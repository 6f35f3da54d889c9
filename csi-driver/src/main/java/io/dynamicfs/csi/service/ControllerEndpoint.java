package io.dynamicfs.csi.service;

import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.rpc.Calls.Kind;
import io.dynamicfs.csi.v1.ControllerGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.ControllerGetCapabilitiesResponse;
import io.dynamicfs.csi.v1.ControllerGrpc;
import io.dynamicfs.csi.v1.ControllerServiceCapability;
import io.dynamicfs.csi.v1.NodeGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.NodeGetCapabilitiesResponse;
import io.dynamicfs.csi.v1.NodeGrpc;
import io.dynamicfs.csi.v1.NodeServiceCapability;
import io.grpc.BindableService;
import io.grpc.stub.StreamObserver;
import java.util.List;

/**
 * What the one csi-resizer of a cluster talks to. It learns here that volumes grow where they are mounted, so that it only
 * marks the claim and leaves the rest to the kubelet.
 */
public final class ControllerEndpoint {
    private ControllerEndpoint() {}

    public static List<BindableService> services(Calls calls) {
        return List.of(new IdentityService(calls), new Controller(calls), new Node(calls));
    }

    private static final class Controller extends ControllerGrpc.ControllerImplBase {
        private final Calls calls;

        Controller(Calls calls) {
            this.calls = calls;
        }

        @Override
        public void controllerGetCapabilities(
                ControllerGetCapabilitiesRequest request, StreamObserver<ControllerGetCapabilitiesResponse> observer) {
            calls.answer(
                    Kind.ASKING,
                    "ControllerGetCapabilities",
                    "",
                    observer,
                    () -> ControllerGetCapabilitiesResponse.newBuilder()
                            .addCapabilities(ControllerServiceCapability.newBuilder()
                                    .setRpc(ControllerServiceCapability.RPC
                                            .newBuilder()
                                            .setType(ControllerServiceCapability.RPC.Type.SINGLE_NODE_MULTI_WRITER)))
                            .build());
        }
    }

    private static final class Node extends NodeGrpc.NodeImplBase {
        private final Calls calls;

        Node(Calls calls) {
            this.calls = calls;
        }

        @Override
        public void nodeGetCapabilities(
                NodeGetCapabilitiesRequest request, StreamObserver<NodeGetCapabilitiesResponse> observer) {
            calls.answer(
                    Kind.ASKING,
                    "NodeGetCapabilities",
                    "",
                    observer,
                    () -> NodeGetCapabilitiesResponse.newBuilder()
                            .addCapabilities(NodeServiceCapability.newBuilder()
                                    .setRpc(NodeServiceCapability.RPC
                                            .newBuilder()
                                            .setType(NodeServiceCapability.RPC.Type.EXPAND_VOLUME)))
                            .addCapabilities(NodeServiceCapability.newBuilder()
                                    .setRpc(NodeServiceCapability.RPC
                                            .newBuilder()
                                            .setType(NodeServiceCapability.RPC.Type.SINGLE_NODE_MULTI_WRITER)))
                            .build());
        }
    }
}
