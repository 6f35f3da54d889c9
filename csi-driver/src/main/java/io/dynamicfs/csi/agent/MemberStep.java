package io.dynamicfs.csi.agent;

import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberSpec;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.agent.EngineView.RefusedPool;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.disk.Ineligibility;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the node has to do next to have its part of a pool as the operator wants it. */
sealed interface MemberStep {
    /** All is as wanted. */
    record Settled() implements MemberStep {}

    record CreatePool(String name, String redundancy, List<Path> disks) implements MemberStep {
        public CreatePool {
            disks = List.copyOf(disks);
        }
    }

    record AddDisk(String poolId, Path disk) implements MemberStep {}

    record ChangeRedundancy(String poolId, String redundancy) implements MemberStep {}

    /** The pool stays as it is, open while volumes of it are in use, and is not adopted any more. */
    record LetGo(String poolId) implements MemberStep {}

    /** The pool is somebody's again who had let go of it. */
    record TakeBack(String poolId) implements MemberStep {}

    record Destroy(String poolId, String name) implements MemberStep {}

    /** Nothing can be done now; {@code reason} is a condition's, {@code message} says what to do. */
    record Blocked(String reason, String message) implements MemberStep {}

    /** Note of a pool that its StoragePool was deleted: such a pool is not adopted. */
    String DO_NOT_ADOPT = "do-not-adopt";

    /** Decides from what is there; {@code disks} are those that the node sees, by the names of their Disk resources. */
    static MemberStep next(StoragePoolMember member, EngineView engine, Map<String, BlockDisk> disks) {
        StoragePoolMemberSpec spec = member.getSpec();
        OpenPool pool = engine.byName(spec.getStoragePool());
        if (pool == null) {
            return withoutPool(member, engine, disks);
        }
        return switch (spec.getRelease()) {
            case Retain -> isLetGo(pool) ? new Settled() : new LetGo(pool.id());
            case Wipe -> destroy(pool);
            case None -> improve(spec, pool, disks);
        };
    }

    private static MemberStep withoutPool(StoragePoolMember member, EngineView engine, Map<String, BlockDisk> disks) {
        StoragePoolMemberSpec spec = member.getSpec();
        RefusedPool refused = engine.refusal(spec.getStoragePool());
        if (refused != null) {
            return new Blocked("PoolNotOpen", refused.message());
        }
        if (spec.getRelease() != Release.None) {
            return new Settled();
        }
        if (spec.getDisks().isEmpty()) {
            return new Blocked("NoDisks", "expected disks for the pool on this node, found none assigned yet");
        }
        if (existed(member)) {
            return new Blocked(
                    "PoolMissing",
                    "expected the pool with id " + member.getStatus().getPoolId()
                            + " on the disks of this node, found none of its disks. Attach them again; a new pool in its"
                            + " place is made only after this StoragePoolMember was deleted");
        }
        List<Path> devices = new ArrayList<>();
        for (String name : spec.getDisks()) {
            BlockDisk disk = disks.get(name);
            if (disk == null) {
                return new Blocked(
                        "DiskNotFound", "expected disk " + name + " in this node, found none. Attach it again");
            }
            if (!disk.ineligibilities().isEmpty()) {
                return new Blocked("DiskNotEligible", "expected an empty disk, found " + name + ", which " + why(disk));
            }
            devices.add(disk.stablePath());
        }
        return new CreatePool(spec.getStoragePool(), redundancy(spec), devices);
    }

    private static MemberStep improve(StoragePoolMemberSpec spec, OpenPool pool, Map<String, BlockDisk> disks) {
        if (isLetGo(pool)) {
            return new TakeBack(pool.id());
        }
        for (String name : spec.getDisks()) {
            BlockDisk disk = disks.get(name);
            if (disk != null && disk.ineligibilities().isEmpty()) {
                return new AddDisk(pool.id(), disk.stablePath());
            }
        }
        if (!redundancy(spec).isEmpty() && !redundancy(spec).equals(pool.pool().getRedundancy())) {
            return new ChangeRedundancy(pool.id(), redundancy(spec));
        }
        return new Settled();
    }

    private static MemberStep destroy(OpenPool pool) {
        int mounts = pool.pool().getMounts();
        return mounts == 0
                ? new Destroy(pool.id(), pool.name())
                : new Blocked(
                        "VolumesMounted",
                        "expected no volume of the pool in use on this node, found " + mounts
                                + " mounted. Delete the pods that use them");
    }

    private static boolean isLetGo(OpenPool pool) {
        return Boolean.parseBoolean(pool.pool().getNotesOrDefault(DO_NOT_ADOPT, ""));
    }

    private static boolean existed(StoragePoolMember member) {
        return member.getStatus() != null
                && member.getStatus().getPoolId() != null
                && member.getStatus().getPhase() != MemberPhase.Wiped;
    }

    private static String redundancy(StoragePoolMemberSpec spec) {
        @Nullable String redundancy = spec.getRedundancy();
        return redundancy == null ? "" : redundancy;
    }

    private static String why(BlockDisk disk) {
        return disk.ineligibilities().stream().map(Ineligibility::message).collect(Collectors.joining("; "));
    }
}
