package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.HumanBytes;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Says on a claim that no node has room for it, and which lacks how much. With storage capacity tracking the scheduler
 * passes by every node that is too small, so nobody else does.
 */
final class RoomForClaims {
    private RoomForClaims() {}

    /** Empty while some node has room, or the claim is not one that waits for this pool. */
    static Optional<String> lacking(PersistentVolumeClaim claim, StoragePool pool, ClusterView cluster) {
        Optional<StorageClass> storageClass = classOf(claim, cluster);
        if (!isWaiting(claim)
                || storageClass.isEmpty()
                || !StorageClasses.isOf(storageClass.get(), pool.getMetadata().getName())) {
            return Optional.empty();
        }
        long wanted = wantedBytes(claim);
        List<String> nodes = new ArrayList<>();
        for (StoragePoolMember member : cluster.membersOf(pool)) {
            Optional<String> lack = lackOf(member, wanted, storageClass.get(), cluster);
            if (lack.isEmpty()) {
                return Optional.empty();
            }
            nodes.add(lack.get());
        }
        String size = HumanBytes.of(wanted);
        String name = pool.getMetadata().getName();
        return Optional.of(
                nodes.isEmpty()
                        ? "no node has room for " + size + ": pool " + name
                                + " has no node yet, see kubectl describe storagepool " + name
                        : "no node has room for " + size + " in pool " + name + ": " + Texts.sentences(nodes)
                                + "; ask for less, add disks, or delete volumes");
    }

    private static Optional<String> lackOf(
            StoragePoolMember member, long wanted, StorageClass storageClass, ClusterView cluster) {
        String node = member.getSpec().getNodeName();
        StoragePoolMemberStatus status = member.getStatus();
        if (!cluster.hasNode(node)) {
            return Optional.of(node + " is gone");
        }
        if (cluster.isSilent(member)) {
            return Optional.of("the agent of " + node + " is silent");
        }
        CapacityBytes capacity = status == null ? null : status.getCapacityBytes();
        if (status == null || status.getPhase() != MemberPhase.Open || capacity == null) {
            return Optional.of("the pool is not open on " + node);
        }
        long available = available(capacity.getAvailable(), member, storageClass);
        return available >= wanted
                ? Optional.empty()
                : Optional.of(node + " has " + HumanBytes.of(available) + " available, "
                        + HumanBytes.of(wanted - available) + " too little");
    }

    /** A class may have a redundancy of its own, under which the same disks hold more or less. */
    private static long available(long bytes, StoragePoolMember member, StorageClass storageClass) {
        Optional<Redundancy> own =
                Redundancy.parse(StorageClasses.parameters(storageClass).get(DynamicfsApi.PARAMETER_REDUNDANCY));
        Optional<Redundancy> ofPool = Redundancy.parse(member.getSpec().getRedundancy());
        return own.isPresent() && ofPool.isPresent() ? own.get().convert(bytes, ofPool.get()) : bytes;
    }

    static Optional<StorageClass> classOf(PersistentVolumeClaim claim, ClusterView cluster) {
        String name = claim.getSpec().getStorageClassName();
        return cluster.storageClasses().stream()
                .filter(storageClass -> storageClass.getMetadata().getName().equals(name))
                .findFirst();
    }

    static boolean isWaiting(PersistentVolumeClaim claim) {
        return claim.getMetadata().getDeletionTimestamp() == null
                && claim.getStatus() != null
                && "Pending".equals(claim.getStatus().getPhase());
    }

    private static long wantedBytes(PersistentVolumeClaim claim) {
        Quantity wanted = claim.getSpec().getResources() == null
                        || claim.getSpec().getResources().getRequests() == null
                ? null
                : claim.getSpec().getResources().getRequests().get("storage");
        return wanted == null ? 0 : Quantity.getAmountInBytes(wanted).longValue();
    }
}
