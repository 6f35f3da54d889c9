package io.dynamicfs.csi.agent;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What the API server holds of this node, kept up to date by watches, and the only way to write its statuses. */
final class ClusterView implements AutoCloseable {
    private final KubernetesClient client;
    private final SharedIndexInformer<Disk> disks;
    private final SharedIndexInformer<StoragePoolMember> members;
    private final SharedIndexInformer<StoragePool> storagePools;

    /** Disks that were made just now, until the watch tells of them. */
    private final Map<String, Disk> made = new ConcurrentHashMap<>();

    private final PatchContext asNode = new PatchContext.Builder()
            .withPatchType(PatchType.SERVER_SIDE_APPLY)
            .withFieldManager(DynamicfsApi.FieldManagers.NODE)
            .withForce(true)
            .build();

    ClusterView(KubernetesClient client, String node, Runnable changed) {
        this.client = client;
        this.disks = watched(
                client.resources(Disk.class)
                        .withLabel(DynamicfsApi.Labels.NODE, DynamicfsApi.nodeLabel(node))
                        .runnableInformer(0),
                changed);
        this.members = watched(
                client.resources(StoragePoolMember.class)
                        .withLabel(DynamicfsApi.Labels.NODE, DynamicfsApi.nodeLabel(node))
                        .runnableInformer(0),
                changed);
        this.storagePools = watched(client.resources(StoragePool.class).runnableInformer(0), changed);
    }

    void start() {
        for (SharedIndexInformer<?> informer : List.of(disks, members, storagePools)) {
            // A start that fails, as long as there are no custom resources, is tried again by the informer itself.
            informer.start();
        }
    }

    /** Whether everything was listed at least once. */
    boolean isKnown() {
        return disks.hasSynced() && members.hasSynced() && storagePools.hasSynced();
    }

    List<Disk> disks() {
        return disks.getStore().list();
    }

    Optional<Disk> disk(String name) {
        Disk known = disks.getStore().getByKey(name);
        if (known != null) {
            made.remove(name);
            return Optional.of(known);
        }
        return Optional.ofNullable(made.get(name));
    }

    void remember(Disk disk) {
        made.put(disk.getMetadata().getName(), disk);
    }

    List<StoragePoolMember> members() {
        return members.getStore().list();
    }

    Optional<StoragePool> storagePool(String name) {
        return Optional.ofNullable(storagePools.getStore().getByKey(name));
    }

    /** False when it is written already. */
    boolean writeStatus(Disk disk, DiskStatus status) {
        if (isSame(disk.getStatus(), status)) {
            return false;
        }
        Disk patch = about(disk, new Disk());
        patch.setStatus(status);
        patch(patch);
        return true;
    }

    /** False when it is written already; a mere sign of life is written every {@code heartbeat}. */
    boolean writeStatus(StoragePoolMember member, StoragePoolMemberStatus status, Duration heartbeat) {
        StoragePoolMemberStatus before = member.getStatus();
        @Nullable String beat = status.getLastHeartbeat();
        if (before != null && before.getLastHeartbeat() != null && beat != null) {
            boolean due =
                    !Instant.parse(before.getLastHeartbeat()).plus(heartbeat).isAfter(Instant.parse(beat));
            status.setLastHeartbeat(before.getLastHeartbeat());
            if (!due && isSame(before, status)) {
                return false;
            }
            status.setLastHeartbeat(beat);
        }
        StoragePoolMember patch = about(member, new StoragePoolMember());
        patch.setStatus(status);
        patch(patch);
        return true;
    }

    private boolean isSame(@Nullable Object before, Object after) {
        return before != null
                && client.getKubernetesSerialization()
                        .asJson(before)
                        .equals(client.getKubernetesSerialization().asJson(after));
    }

    private static <T extends CustomResource<?, ?>> T about(HasMetadata original, T patch) {
        ObjectMeta metadata = new ObjectMeta();
        metadata.setName(original.getMetadata().getName());
        patch.setMetadata(metadata);
        patch.setSpec(null);
        return patch;
    }

    private void patch(HasMetadata patch) {
        client.resource(patch).subresource("status").patch(asNode);
    }

    private static <T> SharedIndexInformer<T> watched(SharedIndexInformer<T> informer, Runnable changed) {
        return informer.exceptionHandler((started, failure) -> true).addEventHandler(new ResourceEventHandler<>() {
            @Override
            public void onAdd(T added) {
                changed.run();
            }

            @Override
            public void onUpdate(T before, T after) {
                changed.run();
            }

            @Override
            public void onDelete(T deleted, boolean finalStateUnknown) {
                changed.run();
            }
        });
    }

    @Override
    public void close() {
        disks.stop();
        members.stop();
        storagePools.stop();
    }
}
