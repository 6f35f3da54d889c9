package io.dynamicfs.csi.service;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.GetCapacityRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.SetVolumeRequest;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.rpc.Calls.Kind;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.rpc.VolumeLocks;
import io.dynamicfs.csi.v1.NodeExpandVolumeRequest;
import io.dynamicfs.csi.v1.NodeExpandVolumeResponse;
import io.dynamicfs.csi.v1.NodeGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.NodeGetCapabilitiesResponse;
import io.dynamicfs.csi.v1.NodeGetInfoRequest;
import io.dynamicfs.csi.v1.NodeGetInfoResponse;
import io.dynamicfs.csi.v1.NodeGetStorageHealthRequest;
import io.dynamicfs.csi.v1.NodeGetStorageHealthResponse;
import io.dynamicfs.csi.v1.NodeGetVolumeHealthRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeHealthResponse;
import io.dynamicfs.csi.v1.NodeGetVolumeStatsRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeStatsResponse;
import io.dynamicfs.csi.v1.NodeGrpc;
import io.dynamicfs.csi.v1.NodePublishVolumeRequest;
import io.dynamicfs.csi.v1.NodePublishVolumeResponse;
import io.dynamicfs.csi.v1.NodeServiceCapability;
import io.dynamicfs.csi.v1.NodeStageVolumeRequest;
import io.dynamicfs.csi.v1.NodeStageVolumeResponse;
import io.dynamicfs.csi.v1.NodeUnpublishVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnpublishVolumeResponse;
import io.dynamicfs.csi.v1.NodeUnstageVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnstageVolumeResponse;
import io.dynamicfs.csi.v1.StorageHealthErrorType;
import io.dynamicfs.csi.v1.Topology;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.v1.VolumeHealth;
import io.dynamicfs.csi.v1.VolumeUsage;
import io.dynamicfs.csi.volume.VolumeId;
import io.dynamicfs.engine.mount.MountTable;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Puts volumes where pods find them. What is mounted is read from the kernel each time, never remembered. */
public final class NodeService extends NodeGrpc.NodeImplBase {
    private static final int BLOCK_BYTES = 4096;

    private final Calls calls;
    private final EngineClient engine;
    private final EngineLink link;
    private final Pools pools;
    private final Keeper keeper;
    private final VolumeLocks locks;
    private final NodeTopology topology;
    private final MountPaths paths;
    private final Staging staging;
    private final Publishing publishing;

    public NodeService(
            Calls calls,
            EngineClient engine,
            EngineLink link,
            Keeper keeper,
            VolumeLocks locks,
            NodeTopology topology,
            MountPaths paths,
            Detacher detacher) {
        this.calls = calls;
        this.engine = engine;
        this.link = link;
        this.pools = new Pools(engine, link, topology.node());
        this.keeper = keeper;
        this.locks = locks;
        this.topology = topology;
        this.paths = paths;
        this.staging = new Staging(engine, link, pools, keeper, paths, detacher);
        this.publishing = new Publishing(keeper, paths, detacher);
    }

    @Override
    public void nodeStageVolume(NodeStageVolumeRequest request, StreamObserver<NodeStageVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "NodeStageVolume", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("staging path", request.getStagingTargetPath());
            requireCapability(request.hasVolumeCapability(), request.getVolumeCapability());
            StorageParameters.checkContext(request.getVolumeContextMap());
            VolumeId id = Pools.requireId(request.getVolumeId());
            try (VolumeLocks.Held _ = locks.acquire(id.toString(), "NodeStageVolume")) {
                staging.stage(id, request.getStagingTargetPath(), request.getVolumeCapability());
            }
            return NodeStageVolumeResponse.getDefaultInstance();
        });
    }

    @Override
    public void nodeUnstageVolume(
            NodeUnstageVolumeRequest request, StreamObserver<NodeUnstageVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "NodeUnstageVolume", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("staging path", request.getStagingTargetPath());
            try (VolumeLocks.Held _ = locks.acquire(request.getVolumeId(), "NodeUnstageVolume")) {
                staging.unstage(request.getVolumeId(), request.getStagingTargetPath());
            }
            return NodeUnstageVolumeResponse.getDefaultInstance();
        });
    }

    @Override
    public void nodePublishVolume(
            NodePublishVolumeRequest request, StreamObserver<NodePublishVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "NodePublishVolume", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("target path", request.getTargetPath());
            requireCapability(request.hasVolumeCapability(), request.getVolumeCapability());
            StorageParameters.checkContext(request.getVolumeContextMap());
            VolumeId id = Pools.requireId(request.getVolumeId());
            try (VolumeLocks.Held _ = locks.acquire(id.toString(), "NodePublishVolume")) {
                publishing.publish(id, request);
            }
            return NodePublishVolumeResponse.getDefaultInstance();
        });
    }

    @Override
    public void nodeUnpublishVolume(
            NodeUnpublishVolumeRequest request, StreamObserver<NodeUnpublishVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "NodeUnpublishVolume", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("target path", request.getTargetPath());
            try (VolumeLocks.Held _ = locks.acquire(request.getVolumeId(), "NodeUnpublishVolume")) {
                publishing.unpublish(request.getVolumeId(), request.getTargetPath());
            }
            return NodeUnpublishVolumeResponse.getDefaultInstance();
        });
    }

    @Override
    public void nodeGetVolumeStats(
            NodeGetVolumeStatsRequest request, StreamObserver<NodeGetVolumeStatsResponse> observer) {
        calls.answer(Kind.ASKING, "NodeGetVolumeStats", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("volume path", request.getVolumePath());
            VolumeId id = Pools.requireId(request.getVolumeId());
            requireMounted(id, request.getVolumePath());
            return usage(pools.requireVolume(id));
        });
    }

    @Override
    public void nodeExpandVolume(NodeExpandVolumeRequest request, StreamObserver<NodeExpandVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "NodeExpandVolume", request.getVolumeId(), observer, () -> {
            Pools.requireGiven("volume id", request.getVolumeId());
            Pools.requireGiven("volume path", request.getVolumePath());
            if (request.hasVolumeCapability()) {
                Capabilities.require(request.getVolumeCapability(), Status.Code.INVALID_ARGUMENT);
            }
            VolumeSize.check(request.getCapacityRange());
            VolumeId id = Pools.requireId(request.getVolumeId());
            try (VolumeLocks.Held _ = locks.acquire(id.toString(), "NodeExpandVolume")) {
                requireMounted(id, request.getVolumePath());
                return NodeExpandVolumeResponse.newBuilder()
                        .setCapacityBytes(expand(id, request))
                        .build();
            }
        });
    }

    @Override
    public void nodeGetVolumeHealth(
            NodeGetVolumeHealthRequest request, StreamObserver<NodeGetVolumeHealthResponse> observer) {
        calls.answer(Kind.ASKING, "NodeGetVolumeHealth", request.getVolumeId(), observer, () -> {
            VolumeId id = Pools.requireId(request.getVolumeId());
            return NodeGetVolumeHealthResponse.newBuilder()
                    .setVolumeHealth(health(id))
                    .build();
        });
    }

    @Override
    public void nodeGetStorageHealth(
            NodeGetStorageHealthRequest request, StreamObserver<NodeGetStorageHealthResponse> observer) {
        calls.answer(Kind.ASKING, "NodeGetStorageHealth", "", observer, this::storageHealth);
    }

    @Override
    public void nodeGetCapabilities(
            NodeGetCapabilitiesRequest request, StreamObserver<NodeGetCapabilitiesResponse> observer) {
        calls.answer(Kind.ASKING, "NodeGetCapabilities", "", observer, () -> {
            NodeGetCapabilitiesResponse.Builder response = NodeGetCapabilitiesResponse.newBuilder();
            for (NodeServiceCapability.RPC.Type type : List.of(
                    NodeServiceCapability.RPC.Type.STAGE_UNSTAGE_VOLUME,
                    NodeServiceCapability.RPC.Type.GET_VOLUME_STATS,
                    NodeServiceCapability.RPC.Type.EXPAND_VOLUME,
                    NodeServiceCapability.RPC.Type.SINGLE_NODE_MULTI_WRITER,
                    NodeServiceCapability.RPC.Type.GET_VOLUME_HEALTH,
                    NodeServiceCapability.RPC.Type.GET_STORAGE_HEALTH)) {
                response.addCapabilities(NodeServiceCapability.newBuilder()
                        .setRpc(NodeServiceCapability.RPC.newBuilder().setType(type)));
            }
            return response.build();
        });
    }

    @Override
    public void nodeGetInfo(NodeGetInfoRequest request, StreamObserver<NodeGetInfoResponse> observer) {
        calls.answer(
                Kind.ASKING,
                "NodeGetInfo",
                "",
                observer,
                () -> NodeGetInfoResponse.newBuilder()
                        .setNodeId(topology.node())
                        .setAccessibleTopology(Topology.newBuilder().putAllSegments(topology.segments()))
                        .build());
    }

    private static void requireCapability(boolean given, VolumeCapability capability) throws Refusal {
        if (!given) {
            throw Refusal.invalid("volume capability: expected one, found none");
        }
        Capabilities.require(capability, Status.Code.FAILED_PRECONDITION);
    }

    private void requireMounted(VolumeId id, String path) throws Refusal {
        Optional<MountTable.Entry> mount = Path.of(path).isAbsolute()
                ? paths.resolve("volume path", path)
                        .flatMap(resolved -> tableNow().flatMap(table -> table.at(resolved)))
                : Optional.empty();
        boolean ours = mount.filter(entry -> entry.type().equals(Keeper.TYPE))
                .flatMap(keeper::behind)
                .filter(connection -> connection.volume().equals(id.toString()))
                .isPresent();
        if (!ours) {
            throw new Refusal(
                    Status.Code.NOT_FOUND,
                    "volume path " + path + ": expected volume " + id + " to be mounted there, found "
                            + mount.map(MountTable.Entry::source).orElse("nothing"));
        }
    }

    private static Optional<MountTable> tableNow() {
        try {
            return Optional.of(MountPaths.table());
        } catch (Refusal e) {
            return Optional.empty();
        }
    }

    /** The figures come from the engine: asking the mount could wait for ever. */
    private NodeGetVolumeStatsResponse usage(Volume volume) throws EngineFailure {
        long free = volume.getQuotaBytes() == 0
                ? poolRoom(volume)
                : Math.max(0, volume.getQuotaBytes() - volume.getUsedBytes());
        // Every file takes a block at least; there is no other limit of a volume without one.
        long freeInodes = volume.getQuotaInodes() == 0
                ? free / BLOCK_BYTES
                : Math.max(0, volume.getQuotaInodes() - volume.getUsedInodes());
        return NodeGetVolumeStatsResponse.newBuilder()
                .addUsage(usage(VolumeUsage.Unit.BYTES, volume.getUsedBytes(), free))
                .addUsage(usage(VolumeUsage.Unit.INODES, volume.getUsedInodes(), freeInodes))
                .build();
    }

    private static VolumeUsage usage(VolumeUsage.Unit unit, long used, long free) {
        return VolumeUsage.newBuilder()
                .setUnit(unit)
                .setUsed(used)
                .setAvailable(free)
                .setTotal(used + free)
                .build();
    }

    private long poolRoom(Volume volume) throws EngineFailure {
        GetCapacityRequest request = GetCapacityRequest.newBuilder()
                .setPool(volume.getPool())
                .setRedundancy(volume.getRedundancy())
                .build();
        Capacity capacity = engine.call(EngineClient.QUICK, stub -> stub.getCapacity(request));
        return Math.max(0, capacity.getUsableBytes() - capacity.getUsedBytes());
    }

    private long expand(VolumeId id, NodeExpandVolumeRequest request) throws EngineFailure, Refusal {
        Volume volume = pools.requireVolume(id);
        long current = volume.getQuotaBytes();
        long required = request.getCapacityRange().getRequiredBytes();
        if (current == 0 || required <= current) {
            if (current > VolumeSize.limit(request.getCapacityRange())) {
                throw new Refusal(
                        Status.Code.OUT_OF_RANGE,
                        "volume " + id + ": expected a limit of at least its " + current + " bytes, found "
                                + request.getCapacityRange().getLimitBytes() + "; volumes do not shrink");
            }
            return current;
        }
        SetVolumeRequest change = SetVolumeRequest.newBuilder()
                .setPool(id.pool().toString())
                .setName(id.volume())
                .setQuotaBytes(required)
                .setReserve(true)
                .build();
        return engine.call(EngineClient.SLOW, stub -> stub.setVolume(change)).getQuotaBytes();
    }

    private VolumeHealth health(VolumeId id) throws EngineFailure, Refusal {
        Optional<KeptConnection> connection = keeper.connections().stream()
                .filter(candidate -> candidate.volume().equals(id.toString()))
                .findFirst();
        if (connection.isPresent()
                && keeper.holds(connection.get().id())
                && !keeper.isConnected(connection.get().id())) {
            return HealthReport.inaccessible(
                    id.toString(), "ConnectionEnded", "the mount has ended; start the pods that use it again");
        }
        if (link.phase() == EngineLink.Phase.DOWN) {
            return HealthReport.inaccessible(id.toString(), "EngineDown", link.problem());
        }
        Pool pool = pools.require(id);
        pools.requireVolume(id);
        return HealthReport.of(id.toString(), pool);
    }

    private NodeGetStorageHealthResponse storageHealth() throws EngineFailure {
        NodeGetStorageHealthResponse.Builder response = NodeGetStorageHealthResponse.newBuilder();
        if (link.phase() == EngineLink.Phase.DOWN) {
            return response.addBackendHealth(
                            backend(StorageHealthErrorType.STORAGE_UNREACHABLE, "EngineDown", link.problem()))
                    .build();
        }
        for (Pool pool : pools.all()) {
            switch (pool.getState()) {
                case POOL_STATE_DEGRADED, POOL_STATE_READ_ONLY ->
                    response.addBackendHealth(backend(
                            StorageHealthErrorType.STORAGE_DEGRADED,
                            "PoolDegraded",
                            "pool " + pool.getName() + ": " + pool.getReason()));
                case POOL_STATE_STOPPED ->
                    response.addBackendHealth(backend(
                            StorageHealthErrorType.STORAGE_UNREACHABLE,
                            "PoolStopped",
                            "pool " + pool.getName() + ": " + pool.getReason()));
                case POOL_STATE_HEALTHY, POOL_STATE_UNSPECIFIED, UNRECOGNIZED -> {}
            }
        }
        link.poolProblems()
                .forEach((pool, why) -> response.addBackendHealth(backend(
                        StorageHealthErrorType.STORAGE_UNREACHABLE, "PoolNotOpen", "pool " + pool + ": " + why)));
        return response.build();
    }

    private static NodeGetStorageHealthResponse.StorageBackendHealth backend(
            StorageHealthErrorType type, String reason, String message) {
        return NodeGetStorageHealthResponse.StorageBackendHealth.newBuilder()
                .setStatus(type)
                .setReason(reason)
                .setMessage(message)
                .build();
    }
}
