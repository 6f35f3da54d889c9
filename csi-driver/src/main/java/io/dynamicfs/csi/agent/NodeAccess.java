package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.engine.EngineFailure;
import java.util.List;
import java.util.function.Function;

/** What the agent works on. Everything behind it works without Kubernetes too. */
interface NodeAccess {
    /** Every disk that the node sees now, those included that no pool may take. */
    List<BlockDisk> disks();

    /** Like {@link #disks}, and it has looked at the disks after the call: somebody has changed what is on them. */
    List<BlockDisk> disksAfterChange();

    /** Never fails: an engine that does not answer is a view that says so. */
    EngineView engine();

    /** One call to the engine that may have to reach the disks. */
    <T> T call(Function<EngineControlBlockingStub, T> call) throws EngineFailure;
}
