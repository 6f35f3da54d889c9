package io.dynamicfs.csi.agent;

import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.Map;
import java.util.TreeMap;

/** The copy of a StoragePool that its pool carries on its disks: what a user wrote, without what a cluster added. */
final class PoolManifest {
    /** The pool's note that holds it. */
    static final String NOTE = "storagepool";

    private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

    private final KubernetesSerialization serialization;

    PoolManifest(KubernetesSerialization serialization) {
        this.serialization = serialization;
    }

    String write(StoragePool pool) {
        StoragePool copy = new StoragePool();
        ObjectMeta metadata = new ObjectMeta();
        metadata.setName(pool.getMetadata().getName());
        metadata.setLabels(sorted(pool.getMetadata().getLabels()));
        Map<String, String> annotations = sorted(pool.getMetadata().getAnnotations());
        annotations.remove(LAST_APPLIED);
        metadata.setAnnotations(annotations);
        copy.setMetadata(metadata);
        copy.setSpec(pool.getSpec());
        return serialization.asJson(copy);
    }

    /** Throws {@link IllegalArgumentException} for what is no StoragePool. */
    StoragePool read(String note) {
        return serialization.unmarshal(note, StoragePool.class);
    }

    private static Map<String, String> sorted(Map<String, String> map) {
        return map == null ? new TreeMap<>() : new TreeMap<>(map);
    }
}
