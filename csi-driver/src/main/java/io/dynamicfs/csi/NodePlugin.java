package io.dynamicfs.csi;

import io.dynamicfs.control.grpc.UnixServer;
import io.dynamicfs.csi.agent.MountIncidents;
import io.dynamicfs.csi.agent.NodeAgent;
import io.dynamicfs.csi.disk.DiskScanner;
import io.dynamicfs.csi.disk.DiskWatch;
import io.dynamicfs.csi.engine.Aborter;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.engine.Incidents;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeeperServer;
import io.dynamicfs.csi.kubelet.HealthEndpoint;
import io.dynamicfs.csi.kubelet.Registration;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.mount.Unmounter;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.rpc.VolumeLocks;
import io.dynamicfs.csi.service.ControllerService;
import io.dynamicfs.csi.service.Detacher;
import io.dynamicfs.csi.service.EngineErrors;
import io.dynamicfs.csi.service.IdentityService;
import io.dynamicfs.csi.service.NodeService;
import io.dynamicfs.csi.service.NodeTopology;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything that runs in a node plugin, started in the order in which one needs the other, and ended in reverse. */
public final class NodePlugin implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodePlugin.class);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(100);
    /** More than the changes that may be at work at once, so that who only asks is answered. */
    private static final int CALL_THREADS = 96;

    /** Longer than a unix socket's address may be. */
    private static final int SOCKET_BYTES_MAX = 107;

    private final Deque<AutoCloseable> running = new ArrayDeque<>();
    private final EngineClient engine;
    private final DiskWatch disks;
    private final EngineLink link;
    private final HealthEndpoint health;

    public static NodePlugin start(NodeSettings settings) throws IOException {
        requireShort(settings.endpoint());
        requireShort(settings.keeperSocket());
        return new NodePlugin(settings);
    }

    private NodePlugin(NodeSettings settings) throws IOException {
        makeDirectories(settings);
        Optional<KubernetesClient> cluster = settings.withoutKubernetes()
                ? Optional.empty()
                : Optional.of(closing(new KubernetesClientBuilder().build()));
        Incidents incidents = cluster.isEmpty()
                ? Incidents.logged()
                : closing(new MountIncidents(cluster.get(), settings.node(), InstantSource.system()));
        Keeper keeper =
                closing(new Keeper(settings.keeperSocket().resolveSibling("connections.json"), InstantSource.system()));
        closing(KeeperServer.start(keeper, settings.keeperSocket(), settings.engineUid()));
        this.engine = closing(new EngineClient(settings.engineSocket()));
        this.disks = closing(new DiskWatch(DiskScanner.ofHost(settings.diskNames())).start());
        Unmounter unmounter = new Unmounter();
        Aborter aborter = new Aborter(unmounter, incidents);
        this.link = closing(new EngineLink(engine, keeper, disks, aborter, incidents, settings.outageLimit()).start());
        Calls calls = new Calls(CALL_LIMIT, EngineErrors::map);
        VolumeLocks locks = new VolumeLocks();
        NodeTopology topology = new NodeTopology(settings.node());
        Detacher detacher = new Detacher(link, keeper, unmounter, aborter, settings.unmountGrace());
        UnixServer server = closing(UnixServer.start(
                settings.endpoint(),
                new UnixServer.Spec(
                        List.of(
                                new IdentityService(calls),
                                new ControllerService(calls, engine, link, keeper, locks, topology),
                                new NodeService(
                                        calls,
                                        engine,
                                        link,
                                        keeper,
                                        locks,
                                        topology,
                                        new MountPaths(settings.kubeletRoot()),
                                        detacher)),
                        List.of(),
                        UnixServer.OWNER_ONLY,
                        CALL_THREADS)));
        if (cluster.isPresent()) {
            closing(Registration.start(settings.registrationDirectory(), server.socket()));
            closing(new NodeAgent(cluster.get(), engine, link, disks, settings.node(), InstantSource.system()).start());
        }
        this.health = closing(HealthEndpoint.start(
                settings.httpPort(), () -> "", () -> Metrics.text(calls.counts(), link.phase(), keeper)));
        LOG.info(
                "event=node-plugin-serves node={} endpoint={} version={}",
                settings.node(),
                settings.endpoint(),
                Driver.version());
    }

    public EngineClient engine() {
        return engine;
    }

    public DiskWatch disks() {
        return disks;
    }

    public EngineLink link() {
        return link;
    }

    public int httpPort() {
        return health.port();
    }

    /** Ends the services; mounts and their connections stay. */
    @Override
    public void close() {
        while (!running.isEmpty()) {
            try {
                running.pop().close();
            } catch (Exception e) {
                LOG.warn("event=stop-failed cause={}", e.toString());
            }
        }
    }

    private <T extends AutoCloseable> T closing(T part) {
        running.push(part);
        return part;
    }

    /** The engine's directories belong to the engine, the keeper's to us: the engine only passes through. */
    private static void makeDirectories(NodeSettings settings) throws IOException {
        Files.createDirectories(settings.endpoint().resolveSibling(""));
        if (!settings.withoutKubernetes()) {
            Files.createDirectories(settings.registrationDirectory());
        }
        makeDirectory(settings.engineSocket().resolveSibling(""), settings.engineUid(), "rwx------");
        makeDirectory(settings.keeperSocket().resolveSibling(""), 0, "rwx--x--x");
    }

    private static void makeDirectory(Path directory, int uid, String mode) throws IOException {
        Files.createDirectories(directory);
        Files.setAttribute(directory, "unix:uid", uid);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(mode));
    }

    private static void requireShort(Path socket) throws IOException {
        if (socket.toString().length() > SOCKET_BYTES_MAX) {
            throw new IOException("socket " + socket + ": expected a path of at most " + SOCKET_BYTES_MAX
                    + " bytes, found " + socket.toString().length() + "; choose a shorter one");
        }
    }
}
