package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Labels;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberSpec;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What the operator wants of each node, as the objects that it applies. */
final class Members {
    private Members() {}

    /** One for each node with disks of the pool. A pool does not shrink: what a member has listed stays in it. */
    static List<StoragePoolMember> desired(StoragePool pool, Claims claims, ClusterView cluster) {
        SortedSet<String> nodes = new TreeSet<>(claims.nodes().keySet());
        cluster.membersOf(pool).forEach(member -> nodes.add(member.getSpec().getNodeName()));
        List<StoragePoolMember> members = new ArrayList<>();
        for (String node : nodes) {
            Optional<StoragePoolMember> existing = cluster.member(pool, node);
            SortedSet<String> disks = new TreeSet<>();
            existing.ifPresent(member -> disks.addAll(member.getSpec().getDisks()));
            Claims.NodeClaim claim = claims.nodes().get(node);
            if (claim != null) {
                Stream.concat(claim.held().stream(), claim.taken().stream())
                        .map(Disk::getMetadata)
                        .forEach(metadata -> disks.add(metadata.getName()));
            }
            members.add(member(pool, node, nameFor(pool, node, cluster), disks, Release.None));
        }
        return members;
    }

    /** The same member with the order to let go. */
    static StoragePoolMember released(StoragePool pool, StoragePoolMember member, Release release) {
        return member(
                pool,
                member.getSpec().getNodeName(),
                member.getMetadata().getName(),
                new TreeSet<>(member.getSpec().getDisks()),
                release);
    }

    static boolean isSame(StoragePoolMember desired, ClusterView cluster) {
        return cluster.members().stream()
                .filter(member -> member.getMetadata()
                        .getName()
                        .equals(desired.getMetadata().getName()))
                .anyMatch(member -> Json.same(member.getSpec(), desired.getSpec())
                        && member.getMetadata()
                                .getLabels()
                                .entrySet()
                                .containsAll(desired.getMetadata().getLabels().entrySet())
                        && member.getMetadata()
                                .getOwnerReferences()
                                .equals(desired.getMetadata().getOwnerReferences()));
    }

    /**
     * Pool {@code a} on node {@code b-c} and pool {@code a-b} on node {@code c} would have one name; the second gets
     * another.
     */
    private static String nameFor(StoragePool pool, String node, ClusterView cluster) {
        String poolName = pool.getMetadata().getName();
        Optional<String> existing =
                cluster.member(pool, node).map(member -> member.getMetadata().getName());
        String name = DynamicfsApi.memberName(poolName, node);
        boolean taken = cluster.members().stream()
                .anyMatch(member -> member.getMetadata().getName().equals(name)
                        && !member.getSpec().getStoragePool().equals(poolName));
        return existing.orElse(taken ? DynamicfsApi.memberName(poolName + "." + poolName.length(), node) : name);
    }

    private static StoragePoolMember member(
            StoragePool pool, String node, String name, SortedSet<String> disks, Release release) {
        StoragePoolMember member = new StoragePoolMember();
        member.setMetadata(new ObjectMetaBuilder()
                .withName(name)
                .addToLabels(Labels.POOL, pool.getMetadata().getName())
                .addToLabels(Labels.NODE, DynamicfsApi.nodeLabel(node))
                .addToLabels(Labels.MANAGED_BY, Labels.MANAGED_BY_OPERATOR)
                .withOwnerReferences(new OwnerReferenceBuilder()
                        .withApiVersion(pool.getApiVersion())
                        .withKind(pool.getKind())
                        .withName(pool.getMetadata().getName())
                        .withUid(pool.getMetadata().getUid())
                        .withController(true)
                        .withBlockOwnerDeletion(false)
                        .build())
                .build());
        member.setSpec(new StoragePoolMemberSpec()
                .setStoragePool(pool.getMetadata().getName())
                .setNodeName(node)
                .setRedundancy(pool.getSpec().getRedundancy().getDefaultRedundancy())
                .setDisks(List.copyOf(disks))
                .setRelease(release));
        return member;
    }
}
