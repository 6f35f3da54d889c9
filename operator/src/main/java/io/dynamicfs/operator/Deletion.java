package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.DeletionPolicy;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The next step of letting a pool go. Retain never waits for a node that is silent or gone. Wipe does wait for a
 * silent one, because it promised to destroy; changing spec.deletionPolicy to Retain is the way out.
 *
 * @param orders members as they shall be applied
 * @param finished members that can be deleted, and their disks freed
 * @param waiting why the finalizer cannot be dropped yet; empty when it can, once {@code finished} are gone
 */
record Deletion(
        List<StoragePoolMember> orders,
        List<StoragePoolMember> finished,
        List<Disk> freed,
        String reason,
        List<String> waiting,
        List<String> abandoned) {

    static Deletion next(StoragePool pool, ClusterView cluster) {
        boolean wipe = pool.getSpec().getDeletionPolicy() == DeletionPolicy.Wipe;
        List<StoragePoolMember> members = cluster.membersOf(pool);
        if (wipe) {
            List<String> volumes = volumesOf(pool, members, cluster);
            if (!volumes.isEmpty()) {
                return new Deletion(
                        List.of(),
                        List.of(),
                        List.of(),
                        Reasons.PERSISTENT_VOLUMES_EXIST,
                        List.of(inTheWay(volumes)),
                        List.of());
            }
        }
        Release release = wipe ? Release.Wipe : Release.Retain;
        List<StoragePoolMember> orders = new ArrayList<>();
        List<StoragePoolMember> finished = new ArrayList<>();
        List<String> waiting = new ArrayList<>();
        List<String> abandoned = new ArrayList<>();
        for (StoragePoolMember member : members) {
            String node = member.getSpec().getNodeName();
            if (isFinished(member, wipe)) {
                finished.add(member);
            } else if (!cluster.hasNode(node)) {
                finished.add(member);
                abandoned.add("node " + node + " is gone; its disks still carry the pool");
            } else if (!wipe && cluster.isSilent(member)) {
                finished.add(member);
                abandoned.add("the agent of " + node + " is silent and was not told to let go");
            } else {
                if (member.getSpec().getRelease() != release) {
                    orders.add(Members.released(pool, member, release));
                }
                waiting.add(waitingFor(member, cluster));
            }
        }
        return new Deletion(
                orders,
                finished,
                freed(pool, members, finished, cluster),
                wipe ? Reasons.WIPING : Reasons.RELEASING,
                waiting,
                abandoned);
    }

    /** Disks of finished members, and those that no member speaks of. */
    private static List<Disk> freed(
            StoragePool pool, List<StoragePoolMember> members, List<StoragePoolMember> finished, ClusterView cluster) {
        List<String> busy = members.stream()
                .filter(member -> !finished.contains(member))
                .map(member -> member.getSpec().getNodeName())
                .toList();
        return cluster.disksClaimedBy(pool).stream()
                .filter(disk -> !busy.contains(disk.getSpec().getNodeName()))
                .toList();
    }

    private static boolean isFinished(StoragePoolMember member, boolean wipe) {
        StoragePoolMemberStatus status = member.getStatus();
        MemberPhase phase = status == null ? null : status.getPhase();
        return phase == MemberPhase.Wiped || !wipe && phase == MemberPhase.Released;
    }

    private static String waitingFor(StoragePoolMember member, ClusterView cluster) {
        String node = member.getSpec().getNodeName();
        if (cluster.isSilent(member)) {
            return "the agent of " + node
                    + " is silent; start it, or change spec.deletionPolicy to Retain to let go without wiping";
        }
        StoragePoolMemberStatus status = member.getStatus();
        String message = status == null ? null : status.getMessage();
        return "waiting for " + node + (message == null || message.isEmpty() ? "" : ": " + message);
    }

    private static String inTheWay(List<String> volumes) {
        return Texts.count(volumes.size(), "PersistentVolume")
                + " still on the pool, nothing is wiped while there is one: " + Texts.list(volumes)
                + "; delete them, or change spec.deletionPolicy to Retain";
    }

    private static List<String> volumesOf(StoragePool pool, List<StoragePoolMember> members, ClusterView cluster) {
        List<String> prefixes = Stream.concat(
                        members.stream()
                                .map(StoragePoolMember::getStatus)
                                .filter(Objects::nonNull)
                                .map(status -> status.getPoolId()),
                        cluster.disks().stream()
                                .filter(disk -> disk.getStatus() != null
                                        && pool.getMetadata()
                                                .getName()
                                                .equals(disk.getStatus().getPoolName()))
                                .map(disk -> disk.getStatus().getPoolId()))
                .filter(Objects::nonNull)
                .distinct()
                .map(id -> id + "/")
                .toList();
        return cluster.volumes().stream()
                .filter(volume -> prefixes.stream().anyMatch(prefix -> isOn(volume, prefix)))
                .map(volume -> volume.getMetadata().getName())
                .sorted()
                .toList();
    }

    private static boolean isOn(PersistentVolume volume, String prefix) {
        PersistentVolumeSpec spec = volume.getSpec();
        return spec != null
                && spec.getCsi() != null
                && DynamicfsApi.DRIVER.equals(spec.getCsi().getDriver())
                && spec.getCsi().getVolumeHandle() != null
                && spec.getCsi().getVolumeHandle().startsWith(prefix);
    }
}
