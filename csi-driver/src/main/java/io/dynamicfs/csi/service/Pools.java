package io.dynamicfs.csi.service;

import io.dynamicfs.control.v1.GetPoolRequest;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.ListVolumesRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.engine.EngineRefusal;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.volume.VolumeId;
import io.grpc.Status;
import java.util.List;
import java.util.Optional;

/** Pools and volumes of this node, asked from the engine each time. */
final class Pools {
    private final EngineClient engine;
    private final EngineLink link;
    private final String node;

    Pools(EngineClient engine, EngineLink link, String node) {
        this.engine = engine;
        this.link = link;
        this.node = node;
    }

    List<Pool> all() throws EngineFailure {
        link.requireUp();
        return engine.call(EngineClient.QUICK, stub -> stub.listPools(ListPoolsRequest.getDefaultInstance()))
                .getPoolsList();
    }

    /** The open pool of that name or id. */
    Optional<Pool> find(String pool) throws EngineFailure {
        link.requireUp();
        GetPoolRequest request = GetPoolRequest.newBuilder().setPool(pool).build();
        try {
            return Optional.of(engine.call(EngineClient.QUICK, stub -> stub.getPool(request)));
        } catch (EngineRefusal e) {
            if (e.is(EngineRefusal.POOL_NOT_FOUND)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The pool of a volume. One that is not open is not gone: its disks may only be out of sight. */
    Pool require(VolumeId id) throws EngineFailure, Refusal {
        String pool = id.pool().toString();
        Optional<Pool> open = find(pool);
        if (open.isPresent()) {
            return open.get();
        }
        boolean recovering = link.phase() != EngineLink.Phase.READY;
        throw new Refusal(
                recovering ? Status.Code.UNAVAILABLE : Status.Code.FAILED_PRECONDITION,
                "pool " + pool + ": expected it to be open on node " + node + ", found that it is not"
                        + Optional.ofNullable(link.poolProblems().get(pool))
                                .map(why -> " (" + why + ")")
                                .orElse("")
                        + (recovering ? "; the engine has just started, call again" : "; are its disks attached?"));
    }

    Optional<Volume> find(VolumeId id) throws EngineFailure {
        return volumes(id.pool().toString()).stream()
                .filter(volume -> volume.getName().equals(id.volume()))
                .findFirst();
    }

    /** The volume, of a pool that is open. */
    Volume requireVolume(VolumeId id) throws EngineFailure, Refusal {
        require(id);
        return find(id).orElseThrow(() -> notFound(id.toString()));
    }

    List<Volume> volumes(String pool) throws EngineFailure {
        link.requireUp();
        ListVolumesRequest request =
                ListVolumesRequest.newBuilder().setPool(pool).build();
        return engine.call(EngineClient.QUICK, stub -> stub.listVolumes(request))
                .getVolumesList();
    }

    /** The handle of a volume, or NOT_FOUND: what is no handle of ours is no volume of ours. */
    static VolumeId requireId(String handle) throws Refusal {
        requireGiven("volume id", handle);
        return VolumeId.parse(handle).orElseThrow(() -> notFound(handle));
    }

    static void requireGiven(String what, String text) throws Refusal {
        if (text.isEmpty()) {
            throw Refusal.invalid(what + ": expected one, found none");
        }
    }

    private static Refusal notFound(String handle) {
        return new Refusal(Status.Code.NOT_FOUND, "volume " + handle + ": expected it to exist, found no such volume");
    }
}
