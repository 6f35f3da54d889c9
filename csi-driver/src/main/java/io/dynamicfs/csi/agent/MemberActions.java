package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.AddDiskRequest;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.DestroyPoolRequest;
import io.dynamicfs.control.v1.SetPoolRequest;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.csi.agent.MemberStep.AddDisk;
import io.dynamicfs.csi.agent.MemberStep.Blocked;
import io.dynamicfs.csi.agent.MemberStep.ChangeRedundancy;
import io.dynamicfs.csi.agent.MemberStep.CreatePool;
import io.dynamicfs.csi.agent.MemberStep.Destroy;
import io.dynamicfs.csi.agent.MemberStep.LetGo;
import io.dynamicfs.csi.agent.MemberStep.Settled;
import io.dynamicfs.csi.agent.MemberStep.TakeBack;
import io.dynamicfs.csi.engine.EngineDown;
import io.dynamicfs.csi.engine.EngineFailure;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out one step by the engine. */
final class MemberActions {
    private static final Logger LOG = LoggerFactory.getLogger(MemberActions.class);

    private final NodeAccess node;

    MemberActions(NodeAccess node) {
        this.node = node;
    }

    /** The step itself when it is done, or why the engine refused it. */
    MemberStep carryOut(MemberStep step) {
        try {
            run(step);
            LOG.info("event=pool-step step={}", step);
            return step;
        } catch (EngineFailure e) {
            LOG.warn("event=pool-step-refused step={} message={}", step, e.getMessage());
            return new Blocked(
                    e instanceof EngineDown ? "EngineUnavailable" : reason(step), String.valueOf(e.getMessage()));
        }
    }

    private void run(MemberStep step) throws EngineFailure {
        switch (step) {
            case CreatePool create -> {
                var request = CreatePoolRequest.newBuilder()
                        .setName(create.name())
                        .setRedundancy(create.redundancy())
                        .addAllDisks(create.disks().stream().map(Path::toString).toList())
                        .build();
                var ignored = node.call(engine -> engine.createPool(request));
            }
            case AddDisk add -> {
                var request = AddDiskRequest.newBuilder()
                        .setPool(add.poolId())
                        .setDisk(add.disk().toString())
                        .build();
                var ignored = node.call(engine -> engine.addDisk(request));
            }
            case ChangeRedundancy change ->
                set(SetPoolRequest.newBuilder().setPool(change.poolId()).setRedundancy(change.redundancy()));
            case LetGo letGo ->
                set(SetPoolRequest.newBuilder().setPool(letGo.poolId()).putNotes(MemberStep.DO_NOT_ADOPT, "true"));
            case TakeBack takeBack ->
                set(SetPoolRequest.newBuilder().setPool(takeBack.poolId()).putNotes(MemberStep.DO_NOT_ADOPT, ""));
            case Destroy destroy -> {
                var request = DestroyPoolRequest.newBuilder()
                        .setPool(destroy.poolId())
                        .setConfirmName(destroy.name())
                        .build();
                var ignored = node.call(engine -> engine.destroyPool(request));
            }
            case Settled settled -> {}
            case Blocked blocked -> {}
        }
    }

    private void set(SetPoolRequest.Builder request) throws EngineFailure {
        var ignored = node.call(engine -> engine.setPool(request.build()));
    }

    private static String reason(MemberStep step) {
        return switch (step) {
            case CreatePool create -> "PoolNotCreated";
            case AddDisk add -> "DiskNotAdded";
            case ChangeRedundancy change -> Reasons.REDUNDANCY_IMPOSSIBLE;
            case LetGo letGo -> "PoolNotReleased";
            case TakeBack takeBack -> "PoolNotTakenBack";
            case Destroy destroy -> "PoolNotWiped";
            case Settled settled -> "Settled";
            case Blocked blocked -> blocked.reason();
        };
    }
}
