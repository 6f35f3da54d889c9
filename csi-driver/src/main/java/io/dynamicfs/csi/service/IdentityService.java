package io.dynamicfs.csi.service;

import com.google.protobuf.BoolValue;
import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.rpc.Calls.Kind;
import io.dynamicfs.csi.v1.GetPluginCapabilitiesRequest;
import io.dynamicfs.csi.v1.GetPluginCapabilitiesResponse;
import io.dynamicfs.csi.v1.GetPluginInfoRequest;
import io.dynamicfs.csi.v1.GetPluginInfoResponse;
import io.dynamicfs.csi.v1.IdentityGrpc;
import io.dynamicfs.csi.v1.PluginCapability;
import io.dynamicfs.csi.v1.ProbeRequest;
import io.dynamicfs.csi.v1.ProbeResponse;
import io.grpc.stub.StreamObserver;

/** Who we are. Never needs the engine: sidecars and the kubelet give up on a driver that does not say so. */
public final class IdentityService extends IdentityGrpc.IdentityImplBase {
    private final Calls calls;

    public IdentityService(Calls calls) {
        this.calls = calls;
    }

    @Override
    public void getPluginInfo(GetPluginInfoRequest request, StreamObserver<GetPluginInfoResponse> observer) {
        calls.answer(
                Kind.ASKING,
                "GetPluginInfo",
                "",
                observer,
                () -> GetPluginInfoResponse.newBuilder()
                        .setName(Driver.NAME)
                        .setVendorVersion(Driver.version())
                        .build());
    }

    @Override
    public void getPluginCapabilities(
            GetPluginCapabilitiesRequest request, StreamObserver<GetPluginCapabilitiesResponse> observer) {
        calls.answer(
                Kind.ASKING,
                "GetPluginCapabilities",
                "",
                observer,
                () -> GetPluginCapabilitiesResponse.newBuilder()
                        .addCapabilities(service(PluginCapability.Service.Type.CONTROLLER_SERVICE))
                        .addCapabilities(service(PluginCapability.Service.Type.VOLUME_ACCESSIBILITY_CONSTRAINTS))
                        .addCapabilities(PluginCapability.newBuilder()
                                .setVolumeExpansion(PluginCapability.VolumeExpansion.newBuilder()
                                        .setType(PluginCapability.VolumeExpansion.Type.ONLINE)))
                        .build());
    }

    @Override
    public void probe(ProbeRequest request, StreamObserver<ProbeResponse> observer) {
        calls.answer(
                Kind.ASKING,
                "Probe",
                "",
                observer,
                () -> ProbeResponse.newBuilder().setReady(BoolValue.of(true)).build());
    }

    private static PluginCapability service(PluginCapability.Service.Type type) {
        return PluginCapability.newBuilder()
                .setService(PluginCapability.Service.newBuilder().setType(type))
                .build();
    }
}
