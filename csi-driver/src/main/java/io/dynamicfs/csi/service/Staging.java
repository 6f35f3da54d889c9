package io.dynamicfs.csi.service;

import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.ServeRequest;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.engine.EngineRefusal;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountFlags;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.mount.Unmounter;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.volume.VolumeId;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountTable;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One mount of each volume for all its pods: made by us, served by the engine. */
final class Staging {
    private static final Logger LOG = LoggerFactory.getLogger(Staging.class);
    private static final String PATH = "staging path";
    private static final Duration KEEPING_AGAIN = Duration.ofSeconds(5);
    private static final Duration END_NOTICED = Duration.ofSeconds(5);
    private static final Duration POLL = Duration.ofMillis(100);

    private final EngineClient engine;
    private final EngineLink link;
    private final Pools pools;
    private final Keeper keeper;
    private final MountPaths paths;
    private final Detacher detacher;

    Staging(EngineClient engine, EngineLink link, Pools pools, Keeper keeper, MountPaths paths, Detacher detacher) {
        this.engine = engine;
        this.link = link;
        this.pools = pools;
        this.keeper = keeper;
        this.paths = paths;
        this.detacher = detacher;
    }

    void stage(VolumeId id, String path, VolumeCapability capability)
            throws Refusal, MountException, EngineFailure, InterruptedException {
        MountFlags flags = Capabilities.flags(capability);
        boolean readOnly = flags.readOnly() || Capabilities.isReadOnly(capability);
        Path staging = paths.resolve(PATH, path)
                .orElseThrow(() -> new Refusal(
                        Status.Code.FAILED_PRECONDITION,
                        PATH + " " + path + ": expected its parent to exist, found nothing; create it"));
        if (isStaged(id, staging, readOnly, flags)) {
            return;
        }
        Pool pool = pools.require(id);
        pools.requireVolume(id);
        MountPaths.requireDirectory(PATH, staging);
        KeptConnection connection =
                keeper.mount(id.toString(), pool.getName() + "/" + id.volume(), staging, readOnly, flags);
        serve(id, connection, staging);
    }

    void unstage(String volume, String path) throws Refusal, InterruptedException {
        Optional<Path> staging = paths.resolve(PATH, path);
        if (staging.isPresent()) {
            detacher.unmount(PATH, staging.get(), volume);
        }
    }

    /** Whether the volume is there already, as it is wanted. What is dead is taken away. */
    private boolean isStaged(VolumeId id, Path staging, boolean readOnly, MountFlags flags)
            throws Refusal, InterruptedException {
        for (Optional<MountTable.Entry> top = MountPaths.table().at(staging);
                top.isPresent();
                top = MountPaths.table().at(staging)) {
            MountTable.Entry mount = top.get();
            if (!mount.type().equals(Keeper.TYPE)) {
                throw new Refusal(
                        Status.Code.FAILED_PRECONDITION,
                        PATH + " " + staging + ": expected nothing mounted, found " + mount.source() + " of type "
                                + mount.type() + "; unmount it");
            }
            if (conditionNow(mount) != Keeper.Condition.DEAD) {
                Optional<KeptConnection> connection = keeper.behind(mount);
                if (connection.isPresent()) {
                    requireSame(id, staging, readOnly, flags, connection.get());
                    return true;
                }
            }
            detacher.detachDead(staging);
        }
        return false;
    }

    /** After a restart of this process the engine has to be heard before a connection is called dead. */
    private Keeper.Condition conditionNow(MountTable.Entry mount) throws Refusal, InterruptedException {
        long deadline = System.nanoTime() + KEEPING_AGAIN.toNanos();
        while (keeper.condition(mount) == Keeper.Condition.UNKNOWN) {
            if (System.nanoTime() >= deadline) {
                throw new Refusal(
                        Status.Code.UNAVAILABLE,
                        PATH + " " + mount.point() + ": expected to know whether its connection lives, found that the"
                                + " engine does not say; call again");
            }
            link.wake();
            Thread.sleep(POLL);
        }
        return keeper.condition(mount);
    }

    private static void requireSame(
            VolumeId id, Path staging, boolean readOnly, MountFlags flags, KeptConnection connection) throws Refusal {
        if (!connection.volume().equals(id.toString())) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    PATH + " " + staging + ": expected nothing or volume " + id + ", found volume "
                            + connection.volume() + "; unstage that first");
        }
        boolean same = connection.readOnly() == readOnly
                && connection.options().equals(flags.names())
                && Objects.equals(connection.context(), flags.context());
        if (!same) {
            throw new Refusal(
                    Status.Code.ALREADY_EXISTS,
                    "volume " + id + ": expected it to be staged as now asked for, found it staged with "
                            + connection.options() + (connection.readOnly() ? ", read-only" : "")
                            + "; unstage it first");
        }
    }

    private void serve(VolumeId id, KeptConnection connection, Path staging)
            throws EngineFailure, Refusal, InterruptedException {
        boolean served = false;
        try {
            Negotiated values = serve(ServeRequest.newBuilder()
                    .setPool(id.pool().toString())
                    .setVolume(id.volume())
                    .setConnection(connection.id())
                    .setReadOnly(connection.readOnly())
                    .addAllOptions(connection.options())
                    .setMountPoint(staging.toString())
                    .build());
            keeper.served(
                    connection.id(),
                    new KeptConnection.Agreed(
                            values.getMinor(), values.getReadAheadBytes(), values.getFeatures(), values.getPagesMax()));
            served = true;
        } finally {
            if (!served) {
                abandon(connection, staging);
            }
        }
        // INIT is over for the kernel when the first other request is answered; until then it would undo the settings.
        Unmounter.Answer answer = detacher.ask(staging);
        LOG.info(
                "event=staged volume={} source={} staging={} device={} connection={} answer={}",
                id,
                connection.source(),
                staging,
                connection.device(),
                connection.id(),
                answer);
        Keeper.tune(connection);
    }

    /** The engine may still be finishing a mount of the same volume that has just gone. */
    private Negotiated serve(ServeRequest request) throws EngineFailure, InterruptedException {
        long deadline = System.nanoTime() + END_NOTICED.toNanos();
        while (true) {
            try {
                return engine.call(EngineClient.SLOW, stub -> stub.serve(request))
                        .getNegotiated();
            } catch (EngineRefusal e) {
                boolean inUse = e.is(EngineRefusal.VOLUME_MOUNTED) || e.is(EngineRefusal.VOLUME_BUSY);
                if (!inUse || System.nanoTime() >= deadline) {
                    throw e;
                }
                Thread.sleep(POLL);
            }
        }
    }

    /** Nobody has used it yet, so nothing can be lost. The descriptor goes first: with it the last who could answer. */
    private void abandon(KeptConnection connection, Path staging) {
        keeper.release(connection.id());
        try {
            detacher.detachDead(staging);
        } catch (Refusal e) {
            LOG.error("event=half-made-mount-stays path={} message={}", staging, e.getMessage());
        }
    }
}
