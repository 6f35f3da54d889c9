package io.dynamicfs.csi;

import io.dynamicfs.control.grpc.UnixServer;
import io.dynamicfs.csi.kubelet.HealthEndpoint;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.service.ControllerEndpoint;
import io.dynamicfs.csi.service.EngineErrors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "controller",
        mixinStandardHelpOptions = true,
        description = "Answers the cluster's csi-resizer; needs neither a node nor an engine.")
@SuppressWarnings("NullAway.Init")
final class ControllerCommand implements Callable<Integer> {
    private static final Duration CALL_LIMIT = Duration.ofSeconds(10);
    private static final int THREADS = 4;

    @Option(names = "--endpoint", required = true, paramLabel = "PATH", description = "Where to listen.")
    private Path endpoint;

    @Option(
            names = "--http-port",
            defaultValue = "9809",
            paramLabel = "PORT",
            description = "Where probes are served. Default: ${DEFAULT-VALUE}.")
    private int httpPort;

    @Override
    public Integer call() throws Exception {
        Calls calls = new Calls(CALL_LIMIT, EngineErrors::map);
        UnixServer server = UnixServer.start(
                endpoint,
                new UnixServer.Spec(
                        ControllerEndpoint.services(calls), List.of(), UnixServer.OWNER_AND_GROUP, THREADS));
        HealthEndpoint health = HealthEndpoint.start(httpPort, () -> "", () -> "");
        Shutdown.await(() -> {
            health.close();
            server.close();
        });
        return 0;
    }
}
