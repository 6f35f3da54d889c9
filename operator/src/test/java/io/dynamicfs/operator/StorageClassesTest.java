package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.PoolStorageClass;
import io.dynamicfs.crd.v1alpha1.ReclaimPolicy;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.operator.StorageClasses.Verdict;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.StorageClassBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StorageClassesTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @Test
    void noneIsMadeUnlessAskedFor() {
        assertThat(decide()).isEqualTo(new Verdict.NotWanted());
    }

    @Test
    void theClassHasThePoolsNameAndWaitsForTheFirstConsumer() {
        pool.getSpec().setStorageClass(new PoolStorageClass());

        StorageClass made = created();

        assertThat(made.getMetadata().getName()).isEqualTo("tank");
        assertThat(made.getProvisioner()).isEqualTo("csi.dynamicfs.io");
        assertThat(made.getParameters()).isEqualTo(Map.of("pool", "tank"));
        assertThat(made.getVolumeBindingMode()).isEqualTo("WaitForFirstConsumer");
        assertThat(made.getAllowVolumeExpansion()).isTrue();
        assertThat(made.getReclaimPolicy()).isEqualTo("Delete");
        assertThat(made.getMetadata().getOwnerReferences()).isEmpty();
        assertThat(made.getMetadata().getAnnotations())
                .containsEntry("storageclass.kubernetes.io/is-default-class", "false");
    }

    @Test
    void nameReclaimPolicyAndDefaultAreAsWished() {
        pool.getSpec()
                .setStorageClass(new PoolStorageClass()
                        .setName("fast")
                        .setReclaimPolicy(ReclaimPolicy.Retain)
                        .setIsDefault(true));

        StorageClass made = created();

        assertThat(made.getMetadata().getName()).isEqualTo("fast");
        assertThat(made.getReclaimPolicy()).isEqualTo("Retain");
        assertThat(made.getMetadata().getAnnotations())
                .containsEntry("storageclass.kubernetes.io/is-default-class", "true");
    }

    @Test
    void oneThatIsThereIsLeftAlone() {
        pool.getSpec().setStorageClass(new PoolStorageClass());
        cluster.storageClasses.add(created());

        assertThat(decide()).isEqualTo(new Verdict.AsWished("tank"));
    }

    @Test
    void aForeignOneIsNeverChangedEvenIfItIsTheSame() {
        pool.getSpec().setStorageClass(new PoolStorageClass());
        cluster.storageClasses.add(new StorageClassBuilder(created())
                .editMetadata()
                .withLabels(Map.of())
                .endMetadata()
                .build());

        assertThat(decide()).isInstanceOfSatisfying(Verdict.Stuck.class, stuck -> {
            assertThat(stuck.reason()).isEqualTo(Reasons.STORAGE_CLASS_FOREIGN);
            assertThat(stuck.message()).contains("was not made for this pool", "it is left alone");
        });
    }

    @Test
    void whatKubernetesDoesNotLetChangeIsToldWithTheWayOut() {
        pool.getSpec().setStorageClass(new PoolStorageClass());
        cluster.storageClasses.add(created());
        pool.getSpec().setStorageClass(new PoolStorageClass().setReclaimPolicy(ReclaimPolicy.Retain));

        assertThat(decide())
                .isEqualTo(new Verdict.Stuck(
                        Reasons.STORAGE_CLASS_OUTDATED,
                        "StorageClass tank differs in reclaimPolicy (Delete, wished Retain), which Kubernetes does not let "
                                + "change: delete it and it is made anew; volumes are not touched"));
    }

    @Test
    void theDefaultCanBeChanged() {
        pool.getSpec().setStorageClass(new PoolStorageClass());
        cluster.storageClasses.add(created());
        pool.getSpec().setStorageClass(new PoolStorageClass().setIsDefault(true));

        assertThat(decide()).isInstanceOf(Verdict.Change.class);
    }

    private Verdict decide() {
        return StorageClasses.decide(pool, cluster.view());
    }

    private StorageClass created() {
        cluster.storageClasses.clear();
        return ((Verdict.Create) decide()).wished();
    }
}
