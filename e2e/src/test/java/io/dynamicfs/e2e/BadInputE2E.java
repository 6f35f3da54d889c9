package io.dynamicfs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.StoragePool;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What cannot be done says why, where the user looks, and harms nothing. */
@ExtendWith(OnCluster.class)
@Order(2)
class BadInputE2E {
    private static final String NAMESPACE = "bad-input";

    @BeforeAll
    static void namespace(TestCluster cluster) {
        cluster.productWithPool();
        cluster.kube().namespace(NAMESPACE, Map.of());
    }

    @AfterAll
    static void nothingStays(TestCluster cluster) {
        cluster.kube().deleteNamespace(NAMESPACE);
        cluster.product().awaitPool(TestCluster.NODES, TestCluster.DISK_COUNT);
    }

    @Test
    void aPoolOfDisksThatDoNotExistNamesThem(TestCluster cluster) {
        String manifest = cluster.product().example("pool-by-devices").replace("worker-a", firstNode(cluster));
        awaitRefusal(cluster, "archive", manifest, message -> message.contains("wwn-0x5000c500a1b2c3d4"));
    }

    @Test
    void aPoolOfADiskThatAnotherPoolHasNamesThatPool(TestCluster cluster) {
        String node = firstNode(cluster);
        awaitRefusal(
                cluster,
                "second",
                pool(
                        "second",
                        "devices: [{node: NODE, path: /dev/disk/by-id/virtual-NODE-a}]".replace("NODE", node),
                        "1x"),
                message -> message.contains(Product.POOL));
    }

    @Test
    void aPoolOfTooFewDisksForItsRedundancySaysHowManyItNeeds(TestCluster cluster) {
        String node = firstNode(cluster);
        int number = cluster.nodeNumber(node);
        String path = cluster.driver().addDisk(number, "extra", "1G");
        try {
            awaitRefusal(
                    cluster,
                    "small",
                    pool("small", "devices: [{node: " + node + ", path: " + path + "}]", "4+2"),
                    message -> message.contains("6"));
        } finally {
            cluster.driver().tryExec(number, "sync");
            cluster.driver().removeDisk(number, "extra");
        }
    }

    @Test
    void aDiskThatCarriesAFileSystemIsNotTaken(TestCluster cluster) {
        String node = firstNode(cluster);
        int number = cluster.nodeNumber(node);
        String path = cluster.driver().addDisk(number, "foreign", "1G");
        try {
            cluster.driver().exec(number, "mkfs.ext4", "-q", path);
            String before = cluster.driver().exec(number, "sha256sum", path);
            // As long as the operator takes the disk for empty it claims it, and the engine refuses it.
            cluster.kube()
                    .await(
                            cluster.product().disk(node + "-virtual-" + node + "-foreign"),
                            "the disk not to be eligible",
                            disk -> disk.getStatus() != null
                                    && Product.is(disk.getStatus().getConditions(), "Eligible", "False"));
            awaitRefusal(
                    cluster,
                    "foreign",
                    pool("foreign", "devices: [{node: " + node + ", path: " + path + "}]", "1x"),
                    message -> message.contains("ext4"));
            assertThat(cluster.driver().exec(number, "sha256sum", path)).isEqualTo(before);
        } finally {
            cluster.driver().removeDisk(number, "foreign");
        }
    }

    @Test
    void anUnknownFieldOfAPoolIsRefusedByName(TestCluster cluster) {
        Shell.Result result = cluster.driver()
                .tryKubectl(
                        cluster.product().example("pool").replace("default: 4+2", "default: 4+2\n    copies: 3"),
                        "apply",
                        "--validate=strict",
                        "--dry-run=server",
                        "-f",
                        "-");
        assertThat(result.succeeded()).isFalse();
        assertThat(result.output()).contains("copies");
    }

    @Test
    void anUnknownParameterOfAStorageClassIsRefusedByName(TestCluster cluster) {
        cluster.driver().kubectl("""
                        apiVersion: storage.k8s.io/v1
                        kind: StorageClass
                        metadata: {name: misspelt}
                        provisioner: csi.dynamicfs.io
                        volumeBindingMode: WaitForFirstConsumer
                        parameters: {pool: tank, redundency: 3x}
                        """, "apply", "-f", "-");
        try {
            awaitProvisioningFailure(
                    cluster, "misspelt", "ReadWriteOnce", "Filesystem", "1Gi", note -> note.contains("redundency"));
        } finally {
            cluster.kube()
                    .client()
                    .storage()
                    .v1()
                    .storageClasses()
                    .withName("misspelt")
                    .delete();
        }
    }

    @Test
    void aClaimForManyNodesIsRefusedWithTheModesThatCanBeHad(TestCluster cluster) {
        awaitProvisioningFailure(
                cluster, Product.POOL, "ReadWriteMany", "Filesystem", "1Gi", note -> note.contains("ReadWriteOnce"));
    }

    @Test
    void aClaimForARawBlockDeviceIsRefused(TestCluster cluster) {
        awaitProvisioningFailure(
                cluster, Product.POOL, "ReadWriteOnce", "Block", "1Gi", note -> note.contains("raw block"));
    }

    private static String firstNode(TestCluster cluster) {
        return cluster.driver().nodeName(1);
    }

    private static String pool(String name, String disks, String redundancy) {
        return """
                apiVersion: dynamicfs.io/v1alpha1
                kind: StoragePool
                metadata: {name: NAME}
                spec:
                  disks: {DISKS}
                  redundancy: {default: REDUNDANCY}
                """.replace("NAME", name).replace("DISKS", disks).replace("REDUNDANCY", redundancy);
    }

    /** Some condition that is not True says it, and the pool has taken nothing; then it is deleted again. */
    private static void awaitRefusal(TestCluster cluster, String name, String manifest, Predicate<String> says) {
        cluster.driver().kubectl(manifest, "apply", "-f", "-");
        var resource = cluster.product().pool(name);
        try {
            StoragePool pool = cluster.kube()
                    .await(
                            resource,
                            "a condition of pool " + name + " to say why it cannot be",
                            p -> p.getStatus() != null
                                    && p.getStatus().getConditions().stream()
                                            .anyMatch(c -> "False".equals(c.getStatus())
                                                    && says.test(Objects.requireNonNullElse(c.getMessage(), ""))));
            assertThat(pool.getStatus().getDisks()).isZero();
        } finally {
            resource.delete();
            cluster.kube().awaitGone(resource, "pool " + name);
        }
    }

    private static void awaitProvisioningFailure(
            TestCluster cluster,
            String storageClass,
            String access,
            String volume,
            String size,
            Predicate<String> says) {
        String name = ("claim-" + storageClass + "-" + access + "-" + volume).toLowerCase(java.util.Locale.ROOT);
        String use = "Block".equals(volume)
                ? "volumeDevices: [{name: data, devicePath: /dev/data}]"
                : "volumeMounts: [{name: data, mountPath: /data}]";
        String manifest = """
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: NAME}
                spec:
                  storageClassName: CLASS
                  accessModes: [ACCESS]
                  volumeMode: VOLUME
                  resources: {requests: {storage: SIZE}}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: NAME}
                spec:
                  containers:
                    - name: sleeper
                      image: docker.io/library/debian:bookworm-slim
                      command: [sleep, infinity]
                      USE
                  volumes: [{name: data, persistentVolumeClaim: {claimName: NAME}}]
                """.replace("NAME", name)
                .replace("CLASS", storageClass)
                .replace("ACCESS", access)
                .replace("VOLUME", volume)
                .replace("SIZE", size)
                .replace("USE", use);
        cluster.driver().kubectl(manifest, "apply", "-n", NAMESPACE, "-f", "-");
        cluster.kube()
                .awaitEvent(
                        NAMESPACE,
                        "an Event on claim " + name + " that says why it cannot be",
                        e -> "ProvisioningFailed".equals(e.getReason())
                                && Kube.isAbout(e, "PersistentVolumeClaim", name)
                                && says.test(Objects.requireNonNullElse(e.getNote(), "")));
        cluster.driver().kubectl(manifest, "delete", "-n", NAMESPACE, "-f", "-", "--wait");
    }
}
