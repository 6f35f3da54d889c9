package io.dynamicfs.csi.kubelet;

import io.dynamicfs.control.grpc.UnixServer;
import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.registration.v1.InfoRequest;
import io.dynamicfs.csi.registration.v1.PluginInfo;
import io.dynamicfs.csi.registration.v1.RegistrationGrpc;
import io.dynamicfs.csi.registration.v1.RegistrationStatus;
import io.dynamicfs.csi.registration.v1.RegistrationStatusResponse;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the driver known to the kubelet, which watches a directory for sockets and asks whoever listens there. */
public final class Registration extends RegistrationGrpc.RegistrationImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(Registration.class);
    private static final String TYPE = "CSIPlugin";
    private static final String SOCKET = Driver.NAME + "-reg.sock";
    private static final String SUPPORTED = "1.0.0";
    private static final int THREADS = 2;

    private final Path endpoint;
    private volatile String problem = "the kubelet has not asked yet";

    private Registration(Path endpoint) {
        this.endpoint = endpoint;
    }

    /** The server, and what the kubelet said. */
    public record Running(UnixServer server, Registration registration) implements AutoCloseable {
        /** Why the kubelet does not know the driver; empty when it does. */
        public String problem() {
            return registration.problem;
        }

        @Override
        public void close() {
            server.close();
        }
    }

    /** To be called once {@code endpoint}, a path of the host, serves. */
    public static Running start(Path directory, Path endpoint) throws IOException {
        Registration registration = new Registration(endpoint);
        UnixServer server = UnixServer.start(
                directory.resolve(SOCKET),
                new UnixServer.Spec(List.of(registration), List.of(), UnixServer.OWNER_ONLY, THREADS));
        return new Running(server, registration);
    }

    @Override
    public void getInfo(InfoRequest request, StreamObserver<PluginInfo> observer) {
        observer.onNext(PluginInfo.newBuilder()
                .setType(TYPE)
                .setName(Driver.NAME)
                .setEndpoint(endpoint.toString())
                .addSupportedVersions(SUPPORTED)
                .build());
        observer.onCompleted();
    }

    @Override
    public void notifyRegistrationStatus(
            RegistrationStatus status, StreamObserver<RegistrationStatusResponse> observer) {
        if (status.getPluginRegistered()) {
            problem = "";
            LOG.info("event=registered driver={} endpoint={}", Driver.NAME, endpoint);
        } else {
            problem = status.getError();
            LOG.error("event=not-registered driver={} endpoint={} message={}", Driver.NAME, endpoint, problem);
        }
        observer.onNext(RegistrationStatusResponse.getDefaultInstance());
        observer.onCompleted();
    }
}
