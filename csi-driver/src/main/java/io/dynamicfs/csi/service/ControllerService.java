package io.dynamicfs.csi.service;

import com.google.protobuf.Int64Value;
import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.engine.EngineRefusal;
import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.rpc.Calls;
import io.dynamicfs.csi.rpc.Calls.Kind;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.rpc.VolumeLocks;
import io.dynamicfs.csi.v1.ControllerGetCapabilitiesRequest;
import io.dynamicfs.csi.v1.ControllerGetCapabilitiesResponse;
import io.dynamicfs.csi.v1.ControllerGetVolumeHealthRequest;
import io.dynamicfs.csi.v1.ControllerGetVolumeHealthResponse;
import io.dynamicfs.csi.v1.ControllerGetVolumeRequest;
import io.dynamicfs.csi.v1.ControllerGetVolumeResponse;
import io.dynamicfs.csi.v1.ControllerGrpc;
import io.dynamicfs.csi.v1.ControllerListVolumeHealthRequest;
import io.dynamicfs.csi.v1.ControllerListVolumeHealthResponse;
import io.dynamicfs.csi.v1.ControllerServiceCapability;
import io.dynamicfs.csi.v1.CreateVolumeRequest;
import io.dynamicfs.csi.v1.CreateVolumeResponse;
import io.dynamicfs.csi.v1.DeleteVolumeRequest;
import io.dynamicfs.csi.v1.DeleteVolumeResponse;
import io.dynamicfs.csi.v1.GetCapacityRequest;
import io.dynamicfs.csi.v1.GetCapacityResponse;
import io.dynamicfs.csi.v1.ListVolumesRequest;
import io.dynamicfs.csi.v1.ListVolumesResponse;
import io.dynamicfs.csi.v1.Topology;
import io.dynamicfs.csi.v1.TopologyRequirement;
import io.dynamicfs.csi.v1.ValidateVolumeCapabilitiesRequest;
import io.dynamicfs.csi.v1.ValidateVolumeCapabilitiesResponse;
import io.dynamicfs.csi.v1.Volume;
import io.dynamicfs.csi.volume.VolumeId;
import io.dynamicfs.csi.volume.VolumeName;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and deletes volumes in the pools of this node. */
public final class ControllerService extends ControllerGrpc.ControllerImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerService.class);
    private static final Duration UNMOUNT_NOTICED = Duration.ofSeconds(5);
    private static final Duration POLL = Duration.ofMillis(100);

    private final Calls calls;
    private final EngineClient engine;
    private final EngineLink link;
    private final Pools pools;
    private final Keeper keeper;
    private final VolumeLocks locks;
    private final NodeTopology topology;

    public ControllerService(
            Calls calls,
            EngineClient engine,
            EngineLink link,
            Keeper keeper,
            VolumeLocks locks,
            NodeTopology topology) {
        this.calls = calls;
        this.engine = engine;
        this.link = link;
        this.pools = new Pools(engine, link, topology.node());
        this.keeper = keeper;
        this.locks = locks;
        this.topology = topology;
    }

    @Override
    public void createVolume(CreateVolumeRequest request, StreamObserver<CreateVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "CreateVolume", request.getName(), observer, () -> create(request));
    }

    @Override
    public void deleteVolume(DeleteVolumeRequest request, StreamObserver<DeleteVolumeResponse> observer) {
        calls.answer(Kind.CHANGING, "DeleteVolume", request.getVolumeId(), observer, () -> delete(request));
    }

    @Override
    public void getCapacity(GetCapacityRequest request, StreamObserver<GetCapacityResponse> observer) {
        calls.answer(Kind.ASKING, "GetCapacity", "", observer, () -> {
            long available = available(request);
            return GetCapacityResponse.newBuilder()
                    .setAvailableCapacity(available)
                    .setMaximumVolumeSize(Int64Value.of(available))
                    .setMinimumVolumeSize(Int64Value.of(VolumeSize.MIN))
                    .build();
        });
    }

    @Override
    public void validateVolumeCapabilities(
            ValidateVolumeCapabilitiesRequest request, StreamObserver<ValidateVolumeCapabilitiesResponse> observer) {
        calls.answer(
                Kind.ASKING, "ValidateVolumeCapabilities", request.getVolumeId(), observer, () -> validate(request));
    }

    @Override
    public void listVolumes(ListVolumesRequest request, StreamObserver<ListVolumesResponse> observer) {
        calls.answer(Kind.ASKING, "ListVolumes", "", observer, () -> {
            Page<Volume> page = Page.of(volumes(), request.getStartingToken(), request.getMaxEntries());
            ListVolumesResponse.Builder response =
                    ListVolumesResponse.newBuilder().setNextToken(page.nextToken());
            page.entries()
                    .forEach(volume -> response.addEntries(
                            ListVolumesResponse.Entry.newBuilder().setVolume(volume)));
            return response.build();
        });
    }

    @Override
    public void controllerGetVolume(
            ControllerGetVolumeRequest request, StreamObserver<ControllerGetVolumeResponse> observer) {
        calls.answer(Kind.ASKING, "ControllerGetVolume", request.getVolumeId(), observer, () -> {
            VolumeId id = Pools.requireId(request.getVolumeId());
            Pool pool = pools.require(id);
            return ControllerGetVolumeResponse.newBuilder()
                    .setVolume(message(pool, pools.requireVolume(id)))
                    .setStatus(ControllerGetVolumeResponse.VolumeStatus.newBuilder())
                    .build();
        });
    }

    @Override
    public void controllerGetVolumeHealth(
            ControllerGetVolumeHealthRequest request, StreamObserver<ControllerGetVolumeHealthResponse> observer) {
        calls.answer(Kind.ASKING, "ControllerGetVolumeHealth", request.getVolumeId(), observer, () -> {
            VolumeId id = Pools.requireId(request.getVolumeId());
            Pool pool = pools.require(id);
            pools.requireVolume(id);
            return ControllerGetVolumeHealthResponse.newBuilder()
                    .setVolumeHealth(HealthReport.of(request.getVolumeId(), pool))
                    .build();
        });
    }

    @Override
    public void controllerListVolumeHealth(
            ControllerListVolumeHealthRequest request, StreamObserver<ControllerListVolumeHealthResponse> observer) {
        calls.answer(Kind.ASKING, "ControllerListVolumeHealth", "", observer, () -> {
            Map<String, Pool> byId = new TreeMap<>();
            pools.all().forEach(pool -> byId.put(pool.getId(), pool));
            Page<Volume> page = Page.of(volumes(), request.getStartingToken(), request.getMaxEntries());
            ControllerListVolumeHealthResponse.Builder response =
                    ControllerListVolumeHealthResponse.newBuilder().setNextToken(page.nextToken());
            for (Volume volume : page.entries()) {
                Pool pool =
                        byId.get(Pools.requireId(volume.getVolumeId()).pool().toString());
                if (pool != null) {
                    response.addEntries(HealthReport.of(volume.getVolumeId(), pool));
                }
            }
            return response.build();
        });
    }

    @Override
    public void controllerGetCapabilities(
            ControllerGetCapabilitiesRequest request, StreamObserver<ControllerGetCapabilitiesResponse> observer) {
        calls.answer(Kind.ASKING, "ControllerGetCapabilities", "", observer, () -> {
            ControllerGetCapabilitiesResponse.Builder response = ControllerGetCapabilitiesResponse.newBuilder();
            for (ControllerServiceCapability.RPC.Type type : List.of(
                    ControllerServiceCapability.RPC.Type.CREATE_DELETE_VOLUME,
                    ControllerServiceCapability.RPC.Type.LIST_VOLUMES,
                    ControllerServiceCapability.RPC.Type.GET_CAPACITY,
                    ControllerServiceCapability.RPC.Type.GET_VOLUME,
                    ControllerServiceCapability.RPC.Type.SINGLE_NODE_MULTI_WRITER,
                    ControllerServiceCapability.RPC.Type.GET_VOLUME_HEALTH,
                    ControllerServiceCapability.RPC.Type.LIST_VOLUME_HEALTH)) {
                response.addCapabilities(ControllerServiceCapability.newBuilder()
                        .setRpc(ControllerServiceCapability.RPC.newBuilder().setType(type)));
            }
            return response.build();
        });
    }

    private CreateVolumeResponse create(CreateVolumeRequest request) throws Exception {
        Pools.requireGiven("volume name", request.getName());
        Capabilities.require(request.getVolumeCapabilitiesList(), Status.Code.INVALID_ARGUMENT);
        refuseWhatDoesNotExist(request);
        StorageParameters parameters = StorageParameters.parse(request.getParametersMap());
        long size = VolumeSize.of(request.getCapacityRange());
        requireHere(request.getAccessibilityRequirements());
        requireEngine();
        Pool pool = poolForNewVolume(parameters.pool());
        VolumeId id = new VolumeId(UUID.fromString(pool.getId()), VolumeName.of(request.getName()));
        try (VolumeLocks.Held _ = locks.acquire(id.toString(), "CreateVolume")) {
            Optional<io.dynamicfs.control.v1.Volume> existing = pools.find(id);
            io.dynamicfs.control.v1.Volume volume =
                    existing.isPresent() ? existing.get() : create(id, parameters, size);
            requireSame(request, parameters, volume);
            return CreateVolumeResponse.newBuilder()
                    .setVolume(message(pool, volume))
                    .build();
        }
    }

    private io.dynamicfs.control.v1.Volume create(VolumeId id, StorageParameters parameters, long size)
            throws EngineFailure, Refusal {
        var request = io.dynamicfs.control.v1.CreateVolumeRequest.newBuilder()
                .setPool(id.pool().toString())
                .setName(id.volume())
                .setQuotaBytes(size)
                .setRedundancy(parameters.redundancy())
                .setReserve(true)
                .build();
        try {
            return engine.call(EngineClient.SLOW, stub -> stub.createVolume(request));
        } catch (EngineRefusal e) {
            if (e.is(EngineRefusal.VOLUME_EXISTS)) {
                // An earlier call that nobody waited for has come through.
                return pools.requireVolume(id);
            }
            throw e;
        }
    }

    private static void refuseWhatDoesNotExist(CreateVolumeRequest request) throws Refusal {
        if (request.hasVolumeContentSource()) {
            throw Refusal.invalid("volume content source: new volumes are empty; neither snapshots nor clones are"
                    + " supported, remove dataSource from the claim");
        }
        if (request.getModifiableParametersCount() > 0) {
            throw Refusal.invalid("VolumeAttributesClass: a volume has no attributes that can be changed; remove it"
                    + " from the claim");
        }
    }

    private void requireHere(TopologyRequirement requirement) throws Refusal {
        if (requirement.getRequisiteCount() > 0
                && requirement.getRequisiteList().stream().noneMatch(topology::contains)) {
            throw new Refusal(
                    Status.Code.RESOURCE_EXHAUSTED,
                    "topology: expected node " + topology.node() + " among the allowed ones, found only others");
        }
    }

    /** UNAVAILABLE keeps the claim on this node, which is right only while the engine is about to return. */
    private void requireEngine() throws Refusal {
        if (link.phase() == EngineLink.Phase.DOWN) {
            throw notReady("engine of node " + topology.node() + ": expected it to answer, found that it does not ("
                    + link.problem() + ")");
        }
    }

    private Refusal notReady(String message) {
        return link.outageIsLong()
                ? new Refusal(Status.Code.RESOURCE_EXHAUSTED, message + "; another node has to take the volume")
                : new Refusal(Status.Code.UNAVAILABLE, message + "; call again");
    }

    private Pool poolForNewVolume(String name) throws EngineFailure, Refusal {
        Optional<Pool> found = pools.find(name);
        if (found.isEmpty()) {
            String message = "pool " + name + ": expected it to be open on node " + topology.node()
                    + ", found no open pool of that name";
            throw link.phase() == EngineLink.Phase.READY
                    ? new Refusal(Status.Code.RESOURCE_EXHAUSTED, message)
                    : notReady(message);
        }
        Pool pool = found.get();
        return switch (pool.getState()) {
            case POOL_STATE_STOPPED, POOL_STATE_READ_ONLY ->
                throw new Refusal(
                        Status.Code.RESOURCE_EXHAUSTED,
                        "pool " + name + " on node " + topology.node()
                                + ": expected one that can be written to, found: " + pool.getReason());
            case POOL_STATE_HEALTHY, POOL_STATE_DEGRADED, POOL_STATE_UNSPECIFIED, UNRECOGNIZED -> pool;
        };
    }

    private static void requireSame(
            CreateVolumeRequest request, StorageParameters parameters, io.dynamicfs.control.v1.Volume volume)
            throws Refusal {
        if (!VolumeSize.fits(volume.getQuotaBytes(), request.getCapacityRange())) {
            throw new Refusal(
                    Status.Code.ALREADY_EXISTS,
                    "volume " + request.getName() + ": expected none, or one of "
                            + request.getCapacityRange().getRequiredBytes() + " bytes, found one of "
                            + volume.getQuotaBytes() + "; choose another name");
        }
        if (!parameters.redundancy().isEmpty() && !parameters.redundancy().equals(volume.getRedundancy())) {
            throw new Refusal(
                    Status.Code.ALREADY_EXISTS,
                    "volume " + request.getName() + ": expected none, or one with redundancy "
                            + parameters.redundancy() + ", found one with " + volume.getRedundancy()
                            + "; choose another name");
        }
    }

    private DeleteVolumeResponse delete(DeleteVolumeRequest request) throws Exception {
        Pools.requireGiven("volume id", request.getVolumeId());
        Optional<VolumeId> parsed = VolumeId.parse(request.getVolumeId());
        if (parsed.isEmpty()) {
            LOG.info("event=foreign-volume-deleted volume={}", request.getVolumeId());
            return DeleteVolumeResponse.getDefaultInstance();
        }
        VolumeId id = parsed.get();
        try (VolumeLocks.Held _ = locks.acquire(id.toString(), "DeleteVolume")) {
            refuseMounted(id);
            pools.require(id);
            deleteInPool(id);
        }
        return DeleteVolumeResponse.getDefaultInstance();
    }

    /** Nobody else checks this: without attachments, Kubernetes does not know where a volume is in use. */
    private void refuseMounted(VolumeId id) throws Refusal {
        for (KeptConnection connection : keeper.connections()) {
            if (connection.volume().equals(id.toString())
                    && !MountPaths.table().ofDevice(connection.device()).isEmpty()) {
                throw new Refusal(
                        Status.Code.FAILED_PRECONDITION,
                        "volume " + id + ": expected that it is not mounted, found it at "
                                + MountPaths.table()
                                        .ofDevice(connection.device())
                                        .getFirst()
                                        .point()
                                + "; delete the pods that use it");
            }
        }
    }

    /** The engine may still be finishing a mount that has just gone. */
    private void deleteInPool(VolumeId id) throws EngineFailure, InterruptedException {
        var request = io.dynamicfs.control.v1.DeleteVolumeRequest.newBuilder()
                .setPool(id.pool().toString())
                .setName(id.volume())
                .setConfirmName(id.volume())
                .build();
        long deadline = System.nanoTime() + UNMOUNT_NOTICED.toNanos();
        while (true) {
            try {
                var ignored = engine.call(EngineClient.SLOW, stub -> stub.deleteVolume(request));
                return;
            } catch (EngineRefusal e) {
                if (e.is(EngineRefusal.VOLUME_NOT_FOUND)) {
                    return;
                }
                boolean inUse = e.is(EngineRefusal.VOLUME_MOUNTED) || e.is(EngineRefusal.VOLUME_BUSY);
                if (!inUse || System.nanoTime() >= deadline) {
                    throw e;
                }
                Thread.sleep(POLL);
            }
        }
    }

    /** 0 whenever nothing can be made here: an error would leave the figure of before standing. */
    private long available(GetCapacityRequest request) {
        try {
            if (request.hasAccessibleTopology() && !topology.contains(request.getAccessibleTopology())) {
                return 0;
            }
            if (request.getVolumeCapabilitiesCount() > 0) {
                Capabilities.require(request.getVolumeCapabilitiesList(), Status.Code.INVALID_ARGUMENT);
            }
            StorageParameters parameters = StorageParameters.forCapacity(request.getParametersMap());
            List<Pool> candidates =
                    parameters.pool().isEmpty() ? pools.all() : List.of(poolForNewVolume(parameters.pool()));
            long available = 0;
            for (Pool pool : candidates) {
                available = Math.max(available, available(pool, parameters.redundancy()));
            }
            return available;
        } catch (Refusal | EngineFailure e) {
            LOG.info("event=no-capacity parameters={} message={}", request.getParametersMap(), e.getMessage());
            return 0;
        }
    }

    private long available(Pool pool, String redundancy) throws EngineFailure {
        var asked = io.dynamicfs.control.v1.GetCapacityRequest.newBuilder()
                .setPool(pool.getId())
                .setRedundancy(redundancy)
                .build();
        try {
            Capacity capacity = engine.call(EngineClient.QUICK, stub -> stub.getCapacity(asked));
            return capacity.getAvailableBytes();
        } catch (EngineRefusal e) {
            if (e.code() == Status.Code.INVALID_ARGUMENT && !redundancy.isEmpty()) {
                // No redundancy at all: CreateVolume says so.
                return available(pool, "");
            }
            throw e;
        }
    }

    private ValidateVolumeCapabilitiesResponse validate(ValidateVolumeCapabilitiesRequest request) throws Exception {
        Pools.requireGiven("volume id", request.getVolumeId());
        if (request.getVolumeCapabilitiesCount() == 0) {
            throw Refusal.invalid("volume capability: expected at least one, found none");
        }
        pools.requireVolume(Pools.requireId(request.getVolumeId()));
        ValidateVolumeCapabilitiesResponse.Builder response = ValidateVolumeCapabilitiesResponse.newBuilder();
        try {
            Capabilities.require(request.getVolumeCapabilitiesList(), Status.Code.INVALID_ARGUMENT);
            StorageParameters.checkContext(request.getVolumeContextMap());
            if (request.getParametersCount() > 0) {
                StorageParameters.parse(request.getParametersMap());
            }
        } catch (Refusal e) {
            return response.setMessage(String.valueOf(e.getMessage())).build();
        }
        return response.setConfirmed(ValidateVolumeCapabilitiesResponse.Confirmed.newBuilder()
                        .addAllVolumeCapabilities(request.getVolumeCapabilitiesList())
                        .putAllVolumeContext(request.getVolumeContextMap())
                        .putAllParameters(request.getParametersMap()))
                .build();
    }

    /** All volumes of all pools, by handle. */
    private Map<String, Volume> volumes() throws EngineFailure {
        Map<String, Volume> volumes = new TreeMap<>();
        for (Pool pool : pools.all()) {
            for (io.dynamicfs.control.v1.Volume volume : pools.volumes(pool.getId())) {
                Volume message = message(pool, volume);
                volumes.put(message.getVolumeId(), message);
            }
        }
        return volumes;
    }

    private Volume message(Pool pool, io.dynamicfs.control.v1.Volume volume) {
        return Volume.newBuilder()
                .setVolumeId(pool.getId() + "/" + volume.getName())
                .setCapacityBytes(volume.getQuotaBytes())
                .putVolumeContext(StorageParameters.POOL, pool.getName())
                .addAccessibleTopology(Topology.newBuilder().putAllSegments(topology.segments()))
                .build();
    }
}
