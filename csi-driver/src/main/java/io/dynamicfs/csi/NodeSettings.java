package io.dynamicfs.csi;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How a node plugin is run. {@code endpoint} is where the CSI services listen, {@code registrationDirectory} where the kubelet
 * looks for plugins. {@code outageLimit} is how long mounts wait for an engine, {@code unmountGrace} how long an unmount does.
 * {@code httpPort} 0 takes any; {@code diskNames} is a glob, empty for all disks. Without Kubernetes there is neither a kubelet to register with nor an API server.
 */
public record NodeSettings(
        String node,
        Path kubeletRoot,
        Path engineSocket,
        Path keeperSocket,
        int engineUid,
        Path endpoint,
        Path registrationDirectory,
        Duration outageLimit,
        Duration unmountGrace,
        int httpPort,
        String namespace,
        String diskNames,
        boolean withoutKubernetes) {
    public NodeSettings {
        kubeletRoot = kubeletRoot.toAbsolutePath();
        engineSocket = engineSocket.toAbsolutePath();
        keeperSocket = keeperSocket.toAbsolutePath();
        endpoint = endpoint.toAbsolutePath();
        registrationDirectory = registrationDirectory.toAbsolutePath();
    }
}
