package io.dynamicfs.csi.service;

import io.dynamicfs.csi.engine.Aborter;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.mount.Unmounter;
import io.dynamicfs.csi.mount.Unmounter.How;
import io.dynamicfs.csi.mount.Unmounter.Result;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.engine.mount.MountTable;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes mounts of ours away, with and without an engine. The last unmount of a volume writes its dirty pages, for which an
 * engine that is about to return is waited for; then the connection is ended, because a pod must be deletable.
 */
public final class Detacher {
    private static final Logger LOG = LoggerFactory.getLogger(Detacher.class);
    private static final int STACKED_MAX = 16;
    private static final Duration RECOVERY_LIMIT = Duration.ofSeconds(30);

    private final EngineLink link;
    private final Keeper keeper;
    private final Unmounter unmounter;
    private final Aborter aborter;
    private final Duration engineGrace;

    public Detacher(EngineLink link, Keeper keeper, Unmounter unmounter, Aborter aborter, Duration engineGrace) {
        this.link = link;
        this.keeper = keeper;
        this.unmounter = unmounter;
        this.aborter = aborter;
        this.engineGrace = engineGrace;
    }

    /** Whether the mount answers. */
    Unmounter.Answer ask(Path point) throws Refusal {
        return unmounter.ask(point);
    }

    /** Out of the tree at once, for mounts that have nobody any more. */
    void detachDead(Path point) throws Refusal {
        Result result = unmounter.unmount(point, How.LAZILY);
        LOG.warn("event=dead-mount-detached path={} result={}", point, result);
    }

    /** Removes everything of ours that is mounted at {@code point}; what is not {@code volume}'s is refused. */
    void unmount(String what, Path point, String volume) throws Refusal, InterruptedException {
        for (int i = 0; i < STACKED_MAX; i++) {
            Optional<MountTable.Entry> mount = MountPaths.table().at(point);
            if (mount.isEmpty()) {
                return;
            }
            requireOurs(what, mount.get(), volume);
            unmount(mount.get());
        }
        throw new Refusal(
                Status.Code.INTERNAL,
                what + " " + point + ": expected at most " + STACKED_MAX + " mounts over each other, found more");
    }

    private void requireOurs(String what, MountTable.Entry mount, String volume) throws Refusal {
        if (!mount.type().equals(Keeper.TYPE)) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    what + " " + mount.point() + ": expected volume " + volume + ", found " + mount.source()
                            + " of type " + mount.type() + "; unmount it");
        }
        Optional<KeptConnection> connection = keeper.behind(mount);
        if (connection.isPresent() && !connection.get().volume().equals(volume)) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    what + " " + mount.point() + ": expected volume " + volume + ", found volume "
                            + connection.get().volume());
        }
    }

    private void unmount(MountTable.Entry mount) throws Refusal, InterruptedException {
        Optional<KeptConnection> connection = keeper.behind(mount);
        boolean last = MountPaths.table().ofDevice(mount.device()).size() == 1;
        if (last && connection.isPresent() && keeper.condition(mount) != Keeper.Condition.DEAD) {
            awaitEngineOrAbort(connection.get());
        }
        Result result = unmounter.unmount(mount.point(), How.WHEN_UNUSED);
        switch (result) {
            case UNMOUNTED -> {}
            case BUSY -> {
                // Containers and this call are torn down at the same time; who has files open keeps them.
                LOG.info("event=unmounted-lazily path={}", mount.point());
                Result ignored = unmounter.unmount(mount.point(), How.LAZILY);
            }
            case WAITS -> afterWaiting(mount, connection);
        }
        link.wake();
    }

    private void awaitEngineOrAbort(KeptConnection connection) throws Refusal, InterruptedException {
        if (link.awaitServing(connection.id(), engineGrace)) {
            return;
        }
        boolean recovering = link.phase() == EngineLink.Phase.RECOVERING;
        if (recovering && link.awaitServing(connection.id(), RECOVERY_LIMIT)) {
            return;
        }
        if (link.phase() == EngineLink.Phase.RECOVERING) {
            throw new Refusal(
                    Status.Code.UNAVAILABLE,
                    "unmount of volume " + connection.volume() + ": expected the engine to serve it, found that it is"
                            + " still being given its pools; call again");
        }
        aborter.abort(
                connection,
                "it is being unmounted and no engine has served it for " + engineGrace.toSeconds()
                        + " s; what was not yet synced is lost");
    }

    /** The command waits for pages to be written. With an engine they will be; without one nobody will ever write them. */
    private void afterWaiting(MountTable.Entry mount, Optional<KeptConnection> connection) throws Refusal {
        if (link.phase() == EngineLink.Phase.DOWN && connection.isPresent()) {
            aborter.abort(
                    connection.get(), "it is being unmounted and the engine is gone; what was not yet synced is lost");
            keeper.release(connection.get().id());
        }
        boolean gone =
                MountPaths.table().at(mount.point()).filter(mount::equals).isEmpty();
        if (!gone) {
            throw new Refusal(
                    Status.Code.DEADLINE_EXCEEDED,
                    "unmount of " + mount.point()
                            + ": expected an end, found that it still waits; it goes on, call again");
        }
    }
}
