package io.dynamicfs.csi.engine;

import io.dynamicfs.control.v1.EngineInfo;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.KeepConnectionsRequest;
import io.dynamicfs.control.v1.ListMountsRequest;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.ServeRequest;
import io.dynamicfs.csi.disk.DiskWatch;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.volume.VolumeId;
import io.dynamicfs.engine.mount.MountTable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the engine. Once a second it is asked for its instance, and what it lacks is made good: pools on disks that are
 * here and not open, connections that are kept and not served, descriptors that it has and we lost. Everything is derived
 * from what both sides hold, so that it does not matter which of the two was restarted, or both in turn.
 */
public final class EngineLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineLink.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration PING_LIMIT = Duration.ofSeconds(2);

    /** How the engine is. */
    public enum Phase {
        /** It does not answer. */
        DOWN,
        /** It answers, and is being given its pools and connections. */
        RECOVERING,
        READY
    }

    /** {@code instance} is the engine's, empty while it is down; {@code readyNanos} when it was last ready, or we started. */
    private record State(Phase phase, String instance, long readyNanos, String problem) {}

    private final EngineClient engine;
    private final Keeper keeper;
    private final DiskWatch disks;
    private final Aborter aborter;
    private final Incidents incidents;
    private final Duration outageLimit;
    private final PoolOpener opener;
    private final Semaphore asked = new Semaphore(0);
    private final Thread thread;
    private final Object changes = new Object();
    private volatile State state = new State(Phase.DOWN, "", System.nanoTime(), "the engine has not been asked yet");
    private volatile boolean closed;
    private volatile Set<String> serving = Set.of();
    private final Map<String, Long> unservedSince = new HashMap<>();
    private boolean outageHandled;
    private String lastFailure = "";
    private long freshScan;

    public EngineLink(
            EngineClient engine,
            Keeper keeper,
            DiskWatch disks,
            Aborter aborter,
            Incidents incidents,
            Duration outageLimit) {
        this.engine = engine;
        this.keeper = keeper;
        this.disks = disks;
        this.aborter = aborter;
        this.incidents = incidents;
        this.outageLimit = outageLimit;
        this.opener = new PoolOpener(engine, System::nanoTime);
        this.thread = Thread.ofPlatform().daemon().name("engine-link").unstarted(this::run);
    }

    public EngineLink start() {
        thread.start();
        return this;
    }

    public Phase phase() {
        return state.phase();
    }

    /** The engine's instance, or empty while it is down. */
    public String instance() {
        return state.instance();
    }

    /** Fails at once while the engine is known not to answer, instead of waiting for an answer each time. */
    public void requireUp() throws EngineDown {
        State now = state;
        if (now.phase() == Phase.DOWN) {
            throw new EngineDown(now.problem());
        }
    }

    /** Why the engine is not ready; empty when it is. */
    public String problem() {
        return state.problem();
    }

    /** Why pools that are on the disks are not open, by pool id. */
    public Map<String, String> poolProblems() {
        return opener.problems();
    }

    /** Whether the engine has not been ready for longer than somebody should wait for it. */
    public boolean outageIsLong() {
        State now = state;
        return now.phase() != Phase.READY && System.nanoTime() - now.readyNanos() > outageLimit.toNanos();
    }

    /** Waits until the engine serves the connection, and says whether it does. */
    public boolean awaitServing(String connection, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        wake();
        synchronized (changes) {
            while (!serving.contains(connection)) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    return false;
                }
                changes.wait(left);
            }
        }
        return true;
    }

    /** Does not open that pool again by itself, until {@link #allowPool}. */
    public void keepPoolClosed(String poolId) {
        opener.keepClosed(poolId);
    }

    public void allowPool(String poolId) {
        opener.allow(poolId);
        wake();
    }

    /** Looks at the engine as soon as possible. */
    public void wake() {
        asked.release();
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        while (!closed) {
            try {
                look();
                if (asked.tryAcquire(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
                    asked.drainPermits();
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.error("event=engine-watch-failed", e);
            }
        }
    }

    private void look() throws InterruptedException {
        try {
            EngineInfo info =
                    engine.call(PING_LIMIT, stub -> stub.getEngineInfo(GetEngineInfoRequest.getDefaultInstance()));
            if (!info.getInstance().equals(state.instance())) {
                LOG.info("event=engine-up instance={} version={}", info.getInstance(), info.getVersion());
                opener.forgetFailures();
                freshScan = disks.rescan();
                become(Phase.RECOVERING, info.getInstance(), "the engine is being given its pools");
            }
            if (reconcile()) {
                become(Phase.READY, info.getInstance(), "");
                outageHandled = false;
            }
        } catch (EngineDown e) {
            down(String.valueOf(e.getMessage()));
        } catch (EngineFailure | Refusal e) {
            String message = String.valueOf(e.getMessage());
            if (!message.equals(lastFailure)) {
                lastFailure = message;
                LOG.warn("event=engine-watch-failed message={}", message);
            }
        }
    }

    /** Whether everything that could be done has been done. */
    private boolean reconcile() throws EngineFailure, Refusal {
        DiskWatch.Scan scan = disks.latest();
        List<Pool> pools = pools();
        // A look from before this engine may not show what the one before it has made.
        boolean known = scan.settled() && scan.number() >= freshScan;
        if (known) {
            opener.open(scan, pools);
            pools = pools();
        }
        connections(pools);
        return known || state.phase() == Phase.READY;
    }

    private List<Pool> pools() throws EngineFailure {
        return engine.call(EngineClient.QUICK, stub -> stub.listPools(ListPoolsRequest.getDefaultInstance()))
                .getPoolsList();
    }

    /**
     * The record is read before the engine is asked, and holds only what an engine has served: so a connection that is in the
     * one and not in the other has nobody who serves it. Serving one twice would answer requests twice.
     */
    private void connections(List<Pool> pools) throws EngineFailure, Refusal {
        List<KeptConnection> kept = keeper.connections().stream()
                .filter(connection -> connection.agreed() != null || !keeper.holds(connection.id()))
                .toList();
        List<MountPoint> mounts = engine.call(
                        EngineClient.QUICK, stub -> stub.listMounts(ListMountsRequest.getDefaultInstance()))
                .getMountsList();
        Set<String> served =
                mounts.stream().map(MountPoint::getConnection).collect(Collectors.toCollection(HashSet::new));
        boolean descriptorsMissing = adoptUnknown(mounts, pools);
        for (KeptConnection connection : kept) {
            if (keeper.holds(connection.id())) {
                if (!keeper.isConnected(connection.id())) {
                    LOG.info("event=connection-ended volume={} connection={}", connection.volume(), connection.id());
                    keeper.release(connection.id());
                } else if (!served.contains(connection.id()) && resume(connection, pools)) {
                    served.add(connection.id());
                }
            } else if (served.contains(connection.id())) {
                descriptorsMissing = true;
            } else {
                keeper.release(connection.id());
                incidents.lost(connection);
            }
        }
        if (descriptorsMissing) {
            List<String> sent = engine.call(
                            EngineClient.SLOW,
                            stub -> stub.keepConnections(KeepConnectionsRequest.getDefaultInstance()))
                    .getConnectionsList();
            LOG.info("event=connections-kept-again count={}", sent.size());
        }
        serving = Set.copyOf(served);
        abortUnserved(kept);
    }

    /** An engine that answers and does not serve, for want of a pool, is no better than none. */
    private void abortUnserved(List<KeptConnection> kept) throws Refusal {
        long now = System.nanoTime();
        unservedSince.keySet().retainAll(kept.stream().map(KeptConnection::id).collect(Collectors.toSet()));
        for (KeptConnection connection : kept) {
            if (serving.contains(connection.id()) || !keeper.isConnected(connection.id())) {
                unservedSince.remove(connection.id());
            } else if (now - unservedSince.computeIfAbsent(connection.id(), id -> now) > outageLimit.toNanos()) {
                aborter.abort(
                        connection,
                        "the engine has not served it for " + outageLimit.toSeconds()
                                + " s, because its pool is not open; nothing waits for it any more");
            }
        }
    }

    private boolean adoptUnknown(List<MountPoint> mounts, List<Pool> pools) throws Refusal {
        Set<String> known =
                keeper.connections().stream().map(KeptConnection::id).collect(Collectors.toCollection(HashSet::new));
        boolean adopted = false;
        for (MountPoint mount : mounts) {
            Optional<Pool> pool = pools.stream()
                    .filter(candidate -> candidate.getName().equals(mount.getPool())
                            || candidate.getId().equals(mount.getPool()))
                    .findFirst();
            Optional<MountTable.Entry> entry = mount.getConnection().isEmpty() || known.contains(mount.getConnection())
                    ? Optional.empty()
                    : MountPaths.table().at(Path.of(mount.getPath()));
            if (pool.isPresent() && entry.isPresent() && entry.get().type().equals(Keeper.TYPE)) {
                keeper.adopt(new KeptConnection(
                        mount.getConnection(),
                        pool.get().getId() + "/" + mount.getVolume(),
                        entry.get().source(),
                        mount.getPath(),
                        entry.get().device(),
                        mount.getReadOnly(),
                        List.of(),
                        null,
                        mount.getSinceMillis(),
                        null));
                adopted = true;
            }
        }
        return adopted;
    }

    private boolean resume(KeptConnection connection, List<Pool> pools) throws EngineDown {
        Optional<VolumeId> volume = VolumeId.parse(connection.volume());
        KeptConnection.Agreed agreed = connection.agreed();
        if (volume.isEmpty()
                || agreed == null
                || pools.stream()
                        .noneMatch(
                                pool -> pool.getId().equals(volume.get().pool().toString()))) {
            return false;
        }
        ServeRequest request = ServeRequest.newBuilder()
                .setPool(volume.get().pool().toString())
                .setVolume(volume.get().volume())
                .setConnection(connection.id())
                .setReadOnly(connection.readOnly())
                .addAllOptions(connection.options())
                .setMountPoint(connection.staging())
                .setResume(Negotiated.newBuilder()
                        .setMinor(agreed.minor())
                        .setReadAheadBytes(agreed.readAheadBytes())
                        .setFeatures(agreed.features())
                        .setPagesMax(agreed.pagesMax()))
                .build();
        try {
            var ignored = engine.call(EngineClient.SLOW, stub -> stub.serve(request));
            LOG.info("event=connection-resumed volume={} connection={}", connection.volume(), connection.id());
            return true;
        } catch (EngineDown e) {
            throw e;
        } catch (EngineFailure e) {
            LOG.error(
                    "event=connection-not-resumed volume={} connection={} message={}",
                    connection.volume(),
                    connection.id(),
                    e.getMessage());
            return false;
        }
    }

    private void down(String problem) {
        if (state.phase() != Phase.DOWN) {
            LOG.warn("event=engine-down message={}", problem);
        }
        serving = Set.of();
        become(Phase.DOWN, "", problem);
        engine.reconnect();
        if (outageIsLong() && !outageHandled) {
            outageHandled = true;
            for (KeptConnection connection : keeper.connections()) {
                try {
                    aborter.abort(
                            connection,
                            "no engine has answered for " + outageLimit.toSeconds()
                                    + " s; nothing waits for it any more");
                } catch (Refusal e) {
                    LOG.error("event=abort-failed volume={} message={}", connection.volume(), e.getMessage());
                }
            }
        }
    }

    private void become(Phase phase, String instance, String problem) {
        long ready = phase == Phase.READY ? System.nanoTime() : state.readyNanos();
        synchronized (changes) {
            state = new State(phase, instance, ready, problem);
            changes.notifyAll();
        }
    }
}
