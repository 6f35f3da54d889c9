package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.EngineInfo;
import io.dynamicfs.control.v1.GetCapacityRequest;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.agent.EngineView.RefusedPool;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.disk.DiskWatch;
import io.dynamicfs.csi.disk.FoundPool;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The parts of the node plugin that the agent works on. */
final class PluginAccess implements NodeAccess {
    /** Making a pool writes to all its disks, and taking one in may have to discard it. */
    private static final Duration CALL_LIMIT = Duration.ofMinutes(2);

    private static final Duration SCAN_LIMIT = Duration.ofSeconds(30);

    private final EngineClient engine;
    private final EngineLink link;
    private final DiskWatch disks;

    PluginAccess(EngineClient engine, EngineLink link, DiskWatch disks) {
        this.engine = engine;
        this.link = link;
        this.disks = disks;
    }

    @Override
    public List<BlockDisk> disks() {
        return latest(() -> disks.await(SCAN_LIMIT));
    }

    @Override
    public List<BlockDisk> disksAfterChange() {
        return latest(() -> disks.awaitRescan(SCAN_LIMIT));
    }

    @Override
    public EngineView engine() {
        if (link.phase() != EngineLink.Phase.READY) {
            return EngineView.unavailable(link.problem());
        }
        try {
            EngineInfo info = engine.call(
                    EngineClient.QUICK, stub -> stub.getEngineInfo(GetEngineInfoRequest.getDefaultInstance()));
            List<OpenPool> open = new ArrayList<>();
            for (Pool pool : engine.call(
                            EngineClient.QUICK, stub -> stub.listPools(ListPoolsRequest.getDefaultInstance()))
                    .getPoolsList()) {
                Capacity capacity = engine.call(
                        EngineClient.QUICK,
                        stub -> stub.getCapacity(GetCapacityRequest.newBuilder()
                                .setPool(pool.getId())
                                .build()));
                open.add(new OpenPool(pool, capacity));
            }
            return new EngineView("", info.getVersion(), open, refused());
        } catch (EngineFailure e) {
            return EngineView.unavailable(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public <T> T call(Function<EngineControlBlockingStub, T> call) throws EngineFailure {
        return engine.call(CALL_LIMIT, call);
    }

    private List<RefusedPool> refused() {
        Map<String, String> problems = link.poolProblems();
        return FoundPool.among(disks.latest().disks()).stream()
                .filter(pool -> problems.containsKey(pool.id().toString()))
                .map(pool -> new RefusedPool(
                        pool.name(),
                        pool.id().toString(),
                        problems.getOrDefault(pool.id().toString(), "")))
                .toList();
    }

    private interface Scanning {
        DiskWatch.Scan scan() throws InterruptedException;
    }

    private List<BlockDisk> latest(Scanning scanning) {
        try {
            return scanning.scan().disks();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return disks.latest().disks();
        }
    }
}
