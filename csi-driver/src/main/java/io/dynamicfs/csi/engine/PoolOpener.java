package io.dynamicfs.csi.engine;

import io.dynamicfs.control.v1.OpenPoolRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.csi.disk.DiskWatch;
import io.dynamicfs.csi.disk.FoundPool;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the engine open the pools whose disks are here. One that cannot be opened is tried again, ever more rarely. */
final class PoolOpener {
    private static final Logger LOG = LoggerFactory.getLogger(PoolOpener.class);
    private static final Duration OPEN_LIMIT = Duration.ofMinutes(2);
    private static final Duration PAUSE_MIN = Duration.ofSeconds(2);
    private static final Duration PAUSE_MAX = Duration.ofMinutes(1);

    private final EngineClient engine;
    private final LongSupplier nanoTime;
    private final Set<String> keptClosed = ConcurrentHashMap.newKeySet();
    private final Map<UUID, Failure> failures = new HashMap<>();
    private volatile Map<String, String> problems = Map.of();

    private record Failure(List<String> paths, String message, Duration pause, long until) {}

    PoolOpener(EngineClient engine, LongSupplier nanoTime) {
        this.engine = engine;
        this.nanoTime = nanoTime;
    }

    void keepClosed(String poolId) {
        keptClosed.add(poolId);
    }

    void allow(String poolId) {
        keptClosed.remove(poolId);
    }

    /** Why pools that are on the disks are not open, by pool id. */
    Map<String, String> problems() {
        return problems;
    }

    void forgetFailures() {
        failures.clear();
    }

    /** Opens what {@code open} lacks. Ends early when the engine is gone. */
    void open(DiskWatch.Scan scan, List<Pool> open) throws EngineDown {
        Set<String> ids = open.stream().map(Pool::getId).collect(Collectors.toSet());
        List<FoundPool> found = FoundPool.among(scan.disks());
        failures.keySet()
                .removeIf(id -> found.stream().noneMatch(pool -> pool.id().equals(id)));
        try {
            for (FoundPool pool : found) {
                String id = pool.id().toString();
                if (ids.contains(id) || keptClosed.contains(id)) {
                    failures.remove(pool.id());
                } else if (isDue(pool)) {
                    open(pool);
                }
            }
        } finally {
            problems = failures.entrySet().stream()
                    .collect(Collectors.toMap(
                            failure -> failure.getKey().toString(),
                            failure -> failure.getValue().message()));
        }
    }

    private boolean isDue(FoundPool pool) {
        Failure failure = failures.get(pool.id());
        return failure == null || !failure.paths().equals(pool.paths()) || nanoTime.getAsLong() - failure.until() >= 0;
    }

    private void open(FoundPool pool) throws EngineDown {
        OpenPoolRequest request = OpenPoolRequest.newBuilder()
                .setPool(pool.id().toString())
                .addAllDisks(pool.paths())
                .build();
        try {
            Pool opened = engine.call(OPEN_LIMIT, stub -> stub.openPool(request));
            failures.remove(pool.id());
            LOG.info(
                    "event=pool-opened pool={} id={} disks={} generation={} state={}",
                    pool.name(),
                    pool.id(),
                    pool.disks().size(),
                    opened.getGeneration(),
                    opened.getState());
        } catch (EngineDown e) {
            throw e;
        } catch (EngineFailure e) {
            failed(pool, String.valueOf(e.getMessage()));
        }
    }

    private void failed(FoundPool pool, String message) {
        Failure before = failures.get(pool.id());
        Duration pause = before == null ? PAUSE_MIN : before.pause().multipliedBy(2);
        if (pause.compareTo(PAUSE_MAX) > 0) {
            pause = PAUSE_MAX;
        }
        failures.put(pool.id(), new Failure(pool.paths(), message, pause, nanoTime.getAsLong() + pause.toNanos()));
        if (before == null || !before.message().equals(message)) {
            LOG.warn(
                    "event=pool-not-opened pool={} id={} disks={} message={}",
                    pool.name(),
                    pool.id(),
                    pool.paths(),
                    message);
        }
    }
}
