package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.VolumeAttachment;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the operator saw at one moment. Everything that it decides is a function of this. */
record ClusterView(
        List<StoragePoolMember> members,
        List<Disk> disks,
        List<Node> nodes,
        List<StorageClass> storageClasses,
        List<PersistentVolume> volumes,
        List<VolumeAttachment> attachments,
        Instant now) {
    private static final Duration SILENT_AFTER = Duration.ofSeconds(DynamicfsApi.SILENT_AFTER_SECONDS);
    private static final Comparator<HasMetadata> BY_NAME =
            Comparator.comparing(object -> object.getMetadata().getName());

    ClusterView {
        members = members.stream().sorted(BY_NAME).toList();
        disks = disks.stream().sorted(BY_NAME).toList();
        nodes = nodes.stream().sorted(BY_NAME).toList();
    }

    List<StoragePoolMember> membersOf(StoragePool pool) {
        String name = pool.getMetadata().getName();
        return members.stream()
                .filter(member -> member.getSpec().getStoragePool().equals(name))
                .toList();
    }

    Optional<StoragePoolMember> member(StoragePool pool, String node) {
        return membersOf(pool).stream()
                .filter(member -> member.getSpec().getNodeName().equals(node))
                .findFirst();
    }

    List<Disk> disksOn(String node) {
        return disks.stream()
                .filter(disk -> disk.getSpec().getNodeName().equals(node))
                .toList();
    }

    List<Disk> disksClaimedBy(StoragePool pool) {
        String name = pool.getMetadata().getName();
        return disks.stream()
                .filter(disk -> name.equals(disk.getSpec().getPool()))
                .toList();
    }

    boolean hasNode(String name) {
        return nodes.stream().anyMatch(node -> node.getMetadata().getName().equals(name));
    }

    /** Whether the agent of the node has not reported for too long; a new member has as long until the first report. */
    boolean isSilent(StoragePoolMember member) {
        StoragePoolMemberStatus status = member.getStatus();
        Instant heard = instant(status == null ? null : status.getLastHeartbeat())
                .or(() -> instant(member.getMetadata().getCreationTimestamp()))
                .orElse(now);
        return heard.plus(SILENT_AFTER).isBefore(now);
    }

    Duration age(HasMetadata object) {
        return age(object.getMetadata().getCreationTimestamp());
    }

    Duration age(@Nullable String timestamp) {
        return Duration.between(instant(timestamp).orElse(now), now);
    }

    private static Optional<Instant> instant(@Nullable String text) {
        try {
            return text == null || text.isEmpty() ? Optional.empty() : Optional.of(Instant.parse(text));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
