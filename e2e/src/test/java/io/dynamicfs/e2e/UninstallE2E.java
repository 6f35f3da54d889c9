package io.dynamicfs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is deleted comes back from the disks, and what is uninstalled leaves the data and nothing else. */
@ExtendWith(OnCluster.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(4)
class UninstallE2E {
    private static final String NAMESPACE = "uninstall";
    private static final String KUBELET = "/var/lib/kubelet/";

    private static String sum = "";

    @BeforeAll
    static void writer(TestCluster cluster) {
        cluster.productWithPool();
        cluster.kube().namespace(NAMESPACE, Map.of());
        cluster.driver().kubectl(cluster.product().example("claim"), "apply", "-n", NAMESPACE, "-f", "-");
        cluster.kube().awaitReady(NAMESPACE, "writer");
        cluster.kube().exec(NAMESPACE, "writer", "sh", "-c", "seq 300000 > /notes/numbers && sync /notes/numbers");
        sum = sum(cluster);
    }

    private static String sum(TestCluster cluster) {
        return cluster.kube().exec(NAMESPACE, "writer", "sha256sum", "/notes/numbers");
    }

    @Test
    @Order(1)
    void poolsAreAdoptedFromTheDisksWhenAllCustomResourcesAreDeleted(TestCluster cluster) {
        StoragePool before = cluster.product().pool(Product.POOL).get();
        // Whose a dead disk was is written on it alone.
        int readable = before.getStatus().getDisks()
                - before.getStatus().getFailedDisks().size();
        cluster.driver()
                .kubectl(
                        "",
                        "delete",
                        "crd",
                        "storagepools.dynamicfs.io",
                        "storagepoolmembers.dynamicfs.io",
                        "disks.dynamicfs.io",
                        "--timeout=120s");
        assertThat(sum(cluster)).isEqualTo(sum);
        Instant begin = Instant.now();
        cluster.driver()
                .shell("kubectl apply --server-side -f '" + cluster.product().crds() + "'");
        StoragePool after = cluster.kube()
                .await(
                        cluster.product().pool(Product.POOL),
                        "the pool to be adopted with its " + readable + " disks that can be read",
                        pool -> pool.getStatus() != null
                                && pool.getStatus().getDisks() == readable
                                && pool.getStatus().getNodes() == TestCluster.NODES);
        cluster.report().seconds("CRDs applied again to pool adopted", begin);
        assertThat(after.getMetadata().getUid())
                .isNotEqualTo(before.getMetadata().getUid());
        assertThat(after.getSpec().getRedundancy().getDefaultRedundancy())
                .isEqualTo(before.getSpec().getRedundancy().getDefaultRedundancy());
        assertThat(sum(cluster)).isEqualTo(sum);
    }

    @Test
    @Order(2)
    void uninstallingIsRefusedWhileAVolumeIsMounted(TestCluster cluster) {
        Shell.Result result = cluster.product().tryUninstall();
        assertThat(result.succeeded()).as(result.output()).isFalse();
        assertThat(cluster.product().pods("node")).hasSize(TestCluster.NODES);
        assertThat(sum(cluster)).isEqualTo(sum);
    }

    @Test
    @Order(3)
    void uninstallingLeavesTheDataAndNothingMounted(TestCluster cluster) {
        Pod writer = cluster.kube().awaitReady(NAMESPACE, "writer");
        cluster.kube().client().resource(writer).delete();
        cluster.kube()
                .awaitGone(cluster.kube().client().pods().inNamespace(NAMESPACE).withName("writer"), "pod writer");
        Shell.Result result = cluster.product().tryUninstall();
        assertThat(result.succeeded()).as(result.output()).isTrue();
        for (int node = 1; node <= TestCluster.NODES; node++) {
            assertThat(cluster.driver()
                            .tryExec(node, "findmnt", "-rn", "-t", "fuse.dynamicfs", "-o", "TARGET")
                            .output()
                            .lines())
                    .noneMatch(mount -> mount.startsWith(KUBELET));
        }
        assertThat(cluster.product().pool(Product.POOL).get()).isNotNull();
    }

    @Test
    @Order(4)
    void aSecondInstallationFindsTheData(TestCluster cluster) {
        cluster.product().install();
        String podOnly = cluster.product().example("claim").split("---\n", -1)[1];
        cluster.driver().kubectl(podOnly, "apply", "-n", NAMESPACE, "-f", "-");
        cluster.kube().awaitReady(NAMESPACE, "writer");
        assertThat(sum(cluster)).isEqualTo(sum);
        cluster.kube().deleteNamespace(NAMESPACE);
    }
}
