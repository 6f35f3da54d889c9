package io.dynamicfs.csi;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "node",
        mixinStandardHelpOptions = true,
        description = "Runs the node plugin: CSI node and controller services, keeper of mounts and disks.")
@SuppressWarnings("NullAway.Init")
final class NodeCommand implements Callable<Integer> {
    @Option(names = "--node-name", required = true, paramLabel = "NAME", description = "This node's name.")
    private String node;

    @Option(
            names = "--kubelet-root",
            defaultValue = "/var/lib/kubelet",
            paramLabel = "DIR",
            description = "The kubelet's directory. Default: ${DEFAULT-VALUE}.")
    private Path kubeletRoot;

    @Option(
            names = "--engine-socket",
            defaultValue = "/run/dynamicfs/engine/engine.sock",
            paramLabel = "PATH",
            description = "Where the engine listens. Default: ${DEFAULT-VALUE}.")
    private Path engineSocket;

    @Option(
            names = "--keeper-socket",
            defaultValue = "/run/dynamicfs/keeper/keeper.sock",
            paramLabel = "PATH",
            description = "Where to listen for the engine. Default: ${DEFAULT-VALUE}.")
    private Path keeperSocket;

    @Option(
            names = "--engine-uid",
            defaultValue = "64535",
            paramLabel = "UID",
            description = "The engine's user id. Default: ${DEFAULT-VALUE}.")
    private int engineUid;

    @Option(
            names = "--endpoint",
            paramLabel = "PATH",
            description = "Where to listen for CSI calls. Default: plugins/" + Driver.NAME
                    + "/csi.sock in the kubelet's directory.")
    private @Nullable Path endpoint;

    @Option(
            names = "--registration-dir",
            paramLabel = "DIR",
            description = "Where the kubelet looks for plugins. Default: plugins_registry in its directory.")
    private @Nullable Path registrationDirectory;

    @Option(
            names = "--outage-limit",
            defaultValue = "5m",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "How long mounts wait for an engine before they are ended. Default: ${DEFAULT-VALUE}.")
    private Duration outageLimit;

    @Option(
            names = "--unmount-grace",
            defaultValue = "10s",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "How long an unmount waits for an engine. Default: ${DEFAULT-VALUE}.")
    private Duration unmountGrace;

    @Option(
            names = "--http-port",
            defaultValue = "9809",
            paramLabel = "PORT",
            description = "Where probes and metrics are served. Default: ${DEFAULT-VALUE}.")
    private int httpPort;

    @Option(
            names = "--namespace",
            defaultValue = "dynamicfs-system",
            paramLabel = "NAME",
            description = "Our namespace.")
    private String namespace;

    @Option(
            names = "--disk-names",
            defaultValue = "",
            paramLabel = "GLOB",
            description = "Only disks with such a name below /dev/disk/by-id. Default: all disks.")
    private String diskNames;

    @Option(names = "--without-kubernetes", description = "No kubelet and no API server: CSI services only.")
    private boolean withoutKubernetes;

    @Override
    public Integer call() throws Exception {
        Shutdown.await(NodePlugin.start(settings()));
        return 0;
    }

    private NodeSettings settings() {
        return new NodeSettings(
                node,
                kubeletRoot,
                engineSocket,
                keeperSocket,
                engineUid,
                Objects.requireNonNullElse(endpoint, kubeletRoot.resolve("plugins/" + Driver.NAME + "/csi.sock")),
                Objects.requireNonNullElse(registrationDirectory, kubeletRoot.resolve("plugins_registry")),
                outageLimit,
                unmountGrace,
                httpPort,
                namespace,
                diskNames,
                withoutKubernetes);
    }
}
