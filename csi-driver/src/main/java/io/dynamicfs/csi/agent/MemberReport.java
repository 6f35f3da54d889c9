package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.agent.MemberStep.Blocked;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The status of a StoragePoolMember, from what the engine says and what the last step came to. */
final class MemberReport {
    private MemberReport() {}

    /** {@code diskNames} are names of Disk resources by "pool id/disk index". */
    static StoragePoolMemberStatus status(
            StoragePoolMember member,
            EngineView engine,
            MemberStep outcome,
            Map<String, String> diskNames,
            Instant now) {
        StoragePoolMemberStatus before =
                member.getStatus() == null ? new StoragePoolMemberStatus() : member.getStatus();
        StoragePoolMemberStatus status = new StoragePoolMemberStatus();
        status.setObservedGeneration(member.getMetadata().getGeneration());
        status.setLastHeartbeat(now.truncatedTo(ChronoUnit.SECONDS).toString());
        status.setEngineVersion(engine.answers() ? engine.version() : before.getEngineVersion());
        OpenPool open = engine.byName(member.getSpec().getStoragePool());
        if (open != null) {
            describe(open, diskNames, status);
        } else {
            status.setPoolId(before.getPoolId());
            status.setRedundancy(before.getRedundancy());
            status.setDisks(before.getDisks());
            status.setFailedDisks(before.getFailedDisks());
            status.setGeneration(before.getGeneration());
        }
        status.setPhase(phase(member, before, engine, open, outcome));
        status.setConditions(conditions(member, before, status, engine, open, outcome, now));
        explain(status, outcome);
        return status;
    }

    static String diskKey(String poolId, int index) {
        return poolId + "/" + index;
    }

    private static void describe(OpenPool open, Map<String, String> diskNames, StoragePoolMemberStatus status) {
        Pool pool = open.pool();
        status.setPoolId(pool.getId());
        status.setGeneration(pool.getGeneration());
        status.setRedundancy(pool.getRedundancy());
        status.setRedundancyMargin(pool.getRedundancyMargin());
        status.setVolumes(pool.getVolumes());
        status.setMounts(pool.getMounts());
        DiskCounts counts = new DiskCounts().setTotal(pool.getDisksCount());
        List<String> failed = new ArrayList<>();
        for (io.dynamicfs.control.v1.Disk disk : pool.getDisksList()) {
            if (!disk.getPresent()) {
                counts.setMissing(counts.getMissing() + 1);
                failed.add(name(pool, disk, diskNames));
                continue;
            }
            switch (disk.getHealth()) {
                case DISK_HEALTH_HEALTHY -> counts.setHealthy(counts.getHealthy() + 1);
                case DISK_HEALTH_FAILED -> {
                    counts.setFailed(counts.getFailed() + 1);
                    failed.add(name(pool, disk, diskNames));
                }
                case DISK_HEALTH_SUSPECT,
                        DISK_HEALTH_DEGRADED,
                        DISK_HEALTH_DRAINING,
                        DISK_HEALTH_UNSPECIFIED,
                        UNRECOGNIZED -> counts.setSuspect(counts.getSuspect() + 1);
            }
        }
        status.setDisks(counts);
        status.setFailedDisks(failed);
        status.setCapacityBytes(ledger(open.capacity()));
    }

    private static CapacityBytes ledger(Capacity capacity) {
        return new CapacityBytes()
                .setRaw(capacity.getRawBytes())
                .setUsable(capacity.getUsableBytes())
                .setUsed(capacity.getUsedBytes())
                .setReserved(capacity.getReservedBytes())
                .setAvailable(capacity.getAvailableBytes());
    }

    private static MemberPhase phase(
            StoragePoolMember member,
            StoragePoolMemberStatus before,
            EngineView engine,
            @Nullable OpenPool open,
            MemberStep outcome) {
        Release release = member.getSpec().getRelease();
        if (!engine.answers()) {
            return before.getPhase() == null ? MemberPhase.Pending : before.getPhase();
        }
        if (outcome instanceof Blocked && open == null) {
            return MemberPhase.Failed;
        }
        return switch (release) {
            case None -> open != null ? MemberPhase.Open : MemberPhase.Creating;
            case Retain -> outcome instanceof Blocked ? MemberPhase.Open : MemberPhase.Released;
            case Wipe -> open == null ? MemberPhase.Wiped : MemberPhase.Open;
        };
    }

    private static List<Condition> conditions(
            StoragePoolMember member,
            StoragePoolMemberStatus before,
            StoragePoolMemberStatus status,
            EngineView engine,
            @Nullable OpenPool open,
            MemberStep outcome,
            Instant now) {
        ConditionList conditions =
                new ConditionList(before.getConditions(), member.getMetadata().getGeneration(), now);
        if (!engine.answers()) {
            return conditions
                    .add(Conditions.READY, false, "EngineUnavailable", engine.outage())
                    .add(Conditions.HEALTHY, ConditionList.UNKNOWN, "EngineUnavailable", engine.outage())
                    .add(Conditions.REDUNDANT, ConditionList.UNKNOWN, "EngineUnavailable", engine.outage())
                    .build();
        }
        if (open == null) {
            String reason = outcome instanceof Blocked blocked ? blocked.reason() : "NoPool";
            String message = outcome instanceof Blocked blocked ? blocked.message() : "the node has no such pool";
            return conditions
                    .add(Conditions.READY, false, reason, message)
                    .add(Conditions.HEALTHY, ConditionList.UNKNOWN, reason, message)
                    .add(Conditions.REDUNDANT, ConditionList.UNKNOWN, reason, message)
                    .build();
        }
        Pool pool = open.pool();
        boolean serves =
                pool.getState() == PoolState.POOL_STATE_HEALTHY || pool.getState() == PoolState.POOL_STATE_DEGRADED;
        conditions.add(
                Conditions.READY,
                serves,
                serves
                        ? "PoolOpen"
                        : pool.getState() == PoolState.POOL_STATE_READ_ONLY ? "PoolReadOnly" : "PoolStopped",
                serves ? "" : pool.getReason());
        conditions.add(
                Conditions.HEALTHY,
                pool.getState() == PoolState.POOL_STATE_HEALTHY,
                pool.getState() == PoolState.POOL_STATE_HEALTHY ? Reasons.ALL_DISKS_HEALTHY : Reasons.DISKS_FAILED,
                pool.getState() == PoolState.POOL_STATE_HEALTHY ? "" : health(status, pool));
        boolean full = status.getFailedDisks().isEmpty();
        conditions.add(
                Conditions.REDUNDANT,
                full,
                full
                        ? Reasons.FULLY_REDUNDANT
                        : pool.getRedundancyMargin() < 0 ? Reasons.DATA_LOST : Reasons.REDUNDANCY_REDUCED,
                full
                        ? ""
                        : pool.getRedundancyMargin() < 0
                                ? "more disks are gone than " + pool.getRedundancy() + " can replace"
                                : pool.getRedundancyMargin() + " more disks may fail without losing data");
        return conditions.build();
    }

    private static String health(StoragePoolMemberStatus status, Pool pool) {
        String disks = status.getFailedDisks().isEmpty()
                ? ""
                : "failed or missing: " + String.join(", ", status.getFailedDisks()) + ". ";
        return disks + pool.getReason();
    }

    private static void explain(StoragePoolMemberStatus status, MemberStep outcome) {
        if (outcome instanceof Blocked blocked) {
            status.setReason(blocked.reason());
            status.setMessage(blocked.message());
            return;
        }
        for (Condition condition : status.getConditions()) {
            if (!condition.getStatus().equals("True")) {
                status.setReason(condition.getReason());
                status.setMessage(condition.getMessage());
                return;
            }
        }
    }

    private static String name(Pool pool, io.dynamicfs.control.v1.Disk disk, Map<String, String> diskNames) {
        return diskNames.getOrDefault(diskKey(pool.getId(), disk.getIndex()), disk.getName());
    }
}
