package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Labels;
import io.dynamicfs.crd.v1alpha1.PoolStorageClass;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.StorageClassBuilder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The StorageClass of a pool. Not owned by the pool: its claims must stay expandable after the pool object is gone.
 * One that is not ours is never changed.
 */
final class StorageClasses {
    private static final String DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

    private StorageClasses() {}

    /** What to do about it. */
    sealed interface Verdict {
        /** The spec asks for none. */
        record NotWanted() implements Verdict {}

        record AsWished(String name) implements Verdict {}

        record Create(StorageClass wished) implements Verdict {}

        /** What may be changed in place differs: whether it is the default, whether claims may grow. */
        record Change(StorageClass wished) implements Verdict {}

        /** Somebody else's, or ours with what no StorageClass can change. */
        record Stuck(String reason, String message) implements Verdict {}
    }

    static Verdict decide(StoragePool pool, ClusterView cluster) {
        PoolStorageClass wish = pool.getSpec().getStorageClass();
        if (wish == null) {
            return new Verdict.NotWanted();
        }
        StorageClass wished = desired(pool, wish);
        String name = wished.getMetadata().getName();
        Optional<StorageClass> found = cluster.storageClasses().stream()
                .filter(existing -> existing.getMetadata().getName().equals(name))
                .findFirst();
        if (found.isEmpty()) {
            return new Verdict.Create(wished);
        }
        StorageClass existing = found.get();
        if (!isOurs(existing, pool)) {
            return new Verdict.Stuck(
                    DynamicfsApi.Reasons.STORAGE_CLASS_FOREIGN,
                    "StorageClass " + name + " exists and was not made for this pool (provisioner "
                            + existing.getProvisioner()
                            + "); it is left alone: give spec.storageClass another name, or delete it");
        }
        List<String> fixed = fixedDifferences(existing, wished);
        if (!fixed.isEmpty()) {
            return new Verdict.Stuck(
                    DynamicfsApi.Reasons.STORAGE_CLASS_OUTDATED,
                    "StorageClass " + name + " differs in " + Texts.list(fixed)
                            + ", which Kubernetes does not let change: delete it and it is made anew; volumes are not touched");
        }
        return isDefault(existing) == isDefault(wished)
                        && Objects.equals(existing.getAllowVolumeExpansion(), wished.getAllowVolumeExpansion())
                ? new Verdict.AsWished(name)
                : new Verdict.Change(wished);
    }

    /** Whether claims of the class come from the pool, whoever made the class. */
    static boolean isOf(StorageClass storageClass, String pool) {
        return DynamicfsApi.DRIVER.equals(storageClass.getProvisioner())
                && pool.equals(parameters(storageClass).get(DynamicfsApi.PARAMETER_POOL));
    }

    static Map<String, String> parameters(StorageClass storageClass) {
        return storageClass.getParameters() == null ? Map.of() : storageClass.getParameters();
    }

    private static StorageClass desired(StoragePool pool, PoolStorageClass wish) {
        String poolName = pool.getMetadata().getName();
        return new StorageClassBuilder()
                .withNewMetadata()
                .withName(wish.getName() == null ? poolName : wish.getName())
                .addToLabels(Labels.POOL, poolName)
                .addToLabels(Labels.MANAGED_BY, Labels.MANAGED_BY_OPERATOR)
                .addToAnnotations(DEFAULT_CLASS, wish.getIsDefault().toString())
                .endMetadata()
                .withProvisioner(DynamicfsApi.DRIVER)
                .addToParameters(DynamicfsApi.PARAMETER_POOL, poolName)
                .withReclaimPolicy(wish.getReclaimPolicy().name())
                .withVolumeBindingMode("WaitForFirstConsumer")
                .withAllowVolumeExpansion(true)
                .build();
    }

    private static boolean isOurs(StorageClass existing, StoragePool pool) {
        Map<String, String> labels = existing.getMetadata().getLabels();
        return labels != null
                && Labels.MANAGED_BY_OPERATOR.equals(labels.get(Labels.MANAGED_BY))
                && pool.getMetadata().getName().equals(labels.get(Labels.POOL));
    }

    private static List<String> fixedDifferences(StorageClass existing, StorageClass wished) {
        return java.util.stream.Stream.of(
                        difference("provisioner", existing.getProvisioner(), wished.getProvisioner()),
                        difference("parameters", parameters(existing), parameters(wished)),
                        difference("reclaimPolicy", existing.getReclaimPolicy(), wished.getReclaimPolicy()),
                        difference("volumeBindingMode", existing.getVolumeBindingMode(), wished.getVolumeBindingMode()))
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<String> difference(String field, Object existing, Object wished) {
        return Objects.equals(existing, wished)
                ? Optional.empty()
                : Optional.of(field + " (" + existing + ", wished " + wished + ")");
    }

    private static boolean isDefault(StorageClass storageClass) {
        Map<String, String> annotations = storageClass.getMetadata().getAnnotations();
        return annotations != null && "true".equals(annotations.get(DEFAULT_CLASS));
    }
}
