package io.dynamicfs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskHealth;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/** PostgreSQL on a claim, while pods, the API server, disks and a whole node die. */
@ExtendWith(OnCluster.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(3)
class FailuresE2E {
    private static final String NAMESPACE = "failures";
    private static final String POD = "postgres-0";
    private static final List<String> FAILING = List.of("a", "b");
    private static final long CLAIM_BYTES = 1L << 30;
    private static final int ACKNOWLEDGED_MIN = 200;

    private static String node = "";

    @BeforeAll
    static void database(TestCluster cluster) {
        cluster.productWithPool();
        cluster.kube().namespace(NAMESPACE, Map.of());
        cluster.driver().kubectl(manifest(cluster), "apply", "-n", NAMESPACE, "-f", "-");
        node = cluster.kube().awaitReady(NAMESPACE, POD).getSpec().getNodeName();
        cluster.kube().exec(NAMESPACE, POD, "pgbench", "-h", "/tmp", "-U", "postgres", "-i", "-q", "-s", "5");
        sql(cluster, "create table acknowledged(id int primary key)");
    }

    private static String manifest(TestCluster cluster) {
        return """
                apiVersion: apps/v1
                kind: StatefulSet
                metadata:
                  name: postgres
                spec:
                  serviceName: postgres
                  selector: {matchLabels: {app: postgres}}
                  template:
                    metadata: {labels: {app: postgres}}
                    spec:
                      securityContext:
                        runAsUser: 5432
                        runAsGroup: 5432
                        runAsNonRoot: true
                        fsGroup: 5432
                        # PostgreSQL refuses a data directory that its group may write to.
                        fsGroupChangePolicy: OnRootMismatch
                      tolerations: [{operator: Exists}]
                      containers:
                        - name: postgres
                          image: IMAGE
                          readinessProbe:
                            exec: {command: [pg_isready, -h, /tmp, -U, postgres]}
                            periodSeconds: 2
                          volumeMounts: [{name: data, mountPath: /data}]
                  volumeClaimTemplates:
                    - metadata: {name: data}
                      spec:
                        storageClassName: tank
                        accessModes: [ReadWriteOnce]
                        resources: {requests: {storage: 1Gi}}
                """.replace("IMAGE", cluster.pgImage());
    }

    @AfterAll
    static void nothingStays(TestCluster cluster) {
        cluster.kube().deleteNamespace(NAMESPACE);
    }

    private static String sql(TestCluster cluster, String statement) {
        return cluster.kube()
                .exec(
                        NAMESPACE,
                        POD,
                        "psql",
                        "-h",
                        "/tmp",
                        "-U",
                        "postgres",
                        "-qAt",
                        "-v",
                        "ON_ERROR_STOP=1",
                        "-c",
                        statement)
                .strip();
    }

    /** Load that goes on inside the pod whatever happens to the API server. */
    private static void startLoad(TestCluster cluster, int seconds) {
        cluster.kube()
                .exec(
                        NAMESPACE,
                        POD,
                        "sh",
                        "-c",
                        "rm -f /tmp/load.*; (pgbench -h /tmp -U postgres -c 2 -T " + seconds
                                + " > /tmp/load.log 2>&1; echo $? > /tmp/load.exit) > /dev/null 2>&1 < /dev/null &");
    }

    private static String awaitLoad(TestCluster cluster) {
        String script =
                "while [ ! -s /tmp/load.exit ]; do sleep 0.2; done; cat /tmp/load.log; exit \"$(cat /tmp/load.exit)\"";
        return cluster.kube().exec(NAMESPACE, POD, "sh", "-c", script);
    }

    @Test
    @Order(1)
    void controlPlaneAndNodePluginRestartUnderLoad(TestCluster cluster) {
        startLoad(cluster, 45);
        for (Pod operator : cluster.product().pods("operator")) {
            cluster.kube().client().resource(operator).delete();
        }
        cluster.product().replace("node", cluster.product().podOn("node", node));
        cluster.driver().restart("kube-apiserver");
        cluster.driver().kubectl("", "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s");
        String load = awaitLoad(cluster);
        cluster.report().add("pgbench while operator, node plugin and API server restart", transactions(load));
        cluster.product().install();
        cluster.product().awaitPool(TestCluster.NODES, TestCluster.DISK_COUNT);
    }

    private static String transactions(String load) {
        return load.lines().filter(line -> line.startsWith("tps")).findFirst().orElse(load);
    }

    @Test
    @Order(2)
    void theEngineDiesUnderLoadAndNobodyNotices(TestCluster cluster) {
        startLoad(cluster, 40);
        Pod engine = cluster.product().podOn("engine", node);
        Instant begin = Instant.now();
        cluster.kube().client().resource(engine).withGracePeriod(0).delete();
        cluster.product().replace("engine", engine);
        cluster.report().seconds("engine pod killed to engine pod Ready", begin);
        cluster.report().add("pgbench while the engine is replaced", transactions(awaitLoad(cluster)));
        cluster.product().awaitPool(TestCluster.NODES, TestCluster.DISK_COUNT);
    }

    @Test
    @Order(3)
    void twoDisksFailUnderLoadAndThePoolNamesThem(TestCluster cluster) {
        List<String> failing = cluster.product().disks().stream()
                .filter(disk -> FAILING.stream()
                        .anyMatch(name ->
                                disk.getStatus().getById().contains("/dev/disk/by-id/virtual-" + node + "-" + name)))
                .map(disk -> disk.getMetadata().getName())
                .toList();
        assertThat(failing).hasSize(FAILING.size());
        startLoad(cluster, 30);
        Instant begin = Instant.now();
        for (String disk : FAILING) {
            cluster.driver().failDisk(cluster.nodeNumber(node), disk);
        }
        StoragePool pool = cluster.kube()
                .await(
                        cluster.product().pool(Product.POOL),
                        "pool to be Degraded and to name " + failing,
                        p -> p.getStatus().getPhase() == PoolPhase.Degraded
                                && p.getStatus().getFailedDisks().containsAll(failing));
        cluster.report().seconds("two disks fail to StoragePool Degraded", begin);
        assertThat(pool.getStatus().getFailedDisks()).hasSize(FAILING.size());
        for (String name : failing) {
            Disk disk = cluster.kube()
                    .await(
                            cluster.product().disk(name),
                            name + " to be Failed",
                            d -> d.getStatus().getHealth() == DiskHealth.Failed);
            assertThat(disk.getStatus().getReason()).isNotBlank();
        }
        cluster.report().add("pgbench while two of six disks fail", transactions(awaitLoad(cluster)));
        assertThat(sql(cluster, "select count(*) from pgbench_accounts")).isEqualTo("500000");
    }

    @Test
    @Order(4)
    void aPowerCutLosesNoTransactionThatWasAcknowledged(TestCluster cluster) throws Exception {
        startLoad(cluster, 600);
        int restarts = restarts(database(POD, cluster).get());
        AcknowledgedIds acknowledged = new AcknowledgedIds();
        String writer =
                "i=0; while psql -h /tmp -U postgres -q -c \"insert into acknowledged values ($i)\"; do echo $i;"
                        + " i=$((i+1)); done";
        int number = cluster.nodeNumber(node);
        try (ExecWatch _ = cluster.kube().start(NAMESPACE, POD, acknowledged, "sh", "-c", writer)) {
            acknowledged.await(ACKNOWLEDGED_MIN);
            cluster.driver().crash(number);
        }
        int last = acknowledged.last();
        Instant begin = Instant.now();
        cluster.driver().boot(number);
        cluster.report().seconds("node switched on to node Ready", begin);
        Instant ready = Instant.now();
        // What is known of the pod says Ready until the node's kubelet has looked.
        cluster.kube()
                .await(
                        database(POD, cluster),
                        "the database to be started again",
                        pod -> Kube.isReady(pod) && restarts(pod) > restarts);
        cluster.report().seconds("node Ready to pod with its volume Ready", ready);
        int stored = Integer.parseInt(sql(cluster, "select coalesce(max(id), -1) from acknowledged"));
        assertThat(stored).isGreaterThanOrEqualTo(last);
        assertThat(sql(cluster, "select count(*) from acknowledged")).isEqualTo(Integer.toString(stored + 1));
        assertThat(sql(cluster, "select count(*) from pgbench_accounts")).isEqualTo("500000");
        cluster.report().add("transactions acknowledged before the power cut, lost", (last + 1) + ", 0");
    }

    private static Resource<Pod> database(String pod, TestCluster cluster) {
        return cluster.kube().client().pods().inNamespace(NAMESPACE).withName(pod);
    }

    private static int restarts(Pod pod) {
        return pod.getStatus().getContainerStatuses().stream()
                .mapToInt(ContainerStatus::getRestartCount)
                .sum();
    }

    @Test
    @Order(5)
    void aDeletedClaimGivesItsSpaceBack(TestCluster cluster) {
        var member = cluster.product().member(node);
        long before =
                reserved(cluster.kube().await(member, "the ledger to know the claim", m -> reserved(m) >= CLAIM_BYTES));
        cluster.driver().kubectl(manifest(cluster), "delete", "-n", NAMESPACE, "-f", "-", "--wait");
        cluster.driver().kubectl("", "delete", "pvc", "--all", "-n", NAMESPACE, "--wait");
        cluster.kube()
                .await(member, "the node to have the claim's gibibyte back", m -> reserved(m) <= before - CLAIM_BYTES);
    }

    private static long reserved(StoragePoolMember member) {
        var ledger = member.getStatus().getCapacityBytes();
        return ledger == null ? 0 : ledger.getReserved();
    }
}
