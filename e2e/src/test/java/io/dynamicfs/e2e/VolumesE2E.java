package io.dynamicfs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;

/** From the chart to files in a pod: the README's quick start, step by step. */
@ExtendWith(OnCluster.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(1)
class VolumesE2E {
    private static final String NAMESPACE = "volumes";
    private static final long GI = 1L << 30;

    @BeforeAll
    static void namespace(TestCluster cluster) {
        cluster.kube().namespace(NAMESPACE, Map.of());
    }

    @AfterAll
    static void nothingStays(TestCluster cluster) {
        cluster.kube().deleteNamespace(NAMESPACE);
    }

    @Test
    @Order(1)
    void everyDiskOfEveryNodeIsListedAndNoneIsTakenByItself(TestCluster cluster) {
        for (int node = 1; node <= TestCluster.NODES; node++) {
            String name = cluster.driver().nodeName(node);
            for (String disk : TestCluster.DISKS) {
                Disk found = cluster.kube()
                        .await(
                                cluster.product().disk(diskName(cluster, name, disk)),
                                "disk " + disk + " of " + name + " to be eligible",
                                d -> d.getStatus() != null
                                        && Product.is(d.getStatus().getConditions(), "Eligible", "True"));
                assertThat(found.getSpec().getPool()).isNullOrEmpty();
            }
        }
    }

    private static String diskName(TestCluster cluster, String node, String disk) {
        String link = "/dev/disk/by-id/virtual-" + node + "-" + disk;
        return cluster
                .kube()
                .client()
                .resources(Disk.class)
                .informOnCondition(disks -> disks.stream().anyMatch(d -> has(d, link)))
                .orTimeout(Kube.LIMIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)
                .join()
                .stream()
                .filter(d -> has(d, link))
                .map(d -> d.getMetadata().getName())
                .findFirst()
                .orElseThrow();
    }

    private static boolean has(Disk disk, String link) {
        return disk.getStatus() != null && disk.getStatus().getById().contains(link);
    }

    @Test
    @Order(2)
    void aManifestBecomesAPoolOnEveryNode(TestCluster cluster) {
        cluster.productWithPool();
        StoragePool pool = cluster.product().pool(Product.POOL).get();
        assertThat(pool.getStatus().getRedundancy()).isEqualTo("4+2");
        assertThat(Product.is(pool.getStatus().getConditions(), "Ready", "True"))
                .isTrue();
        assertThat(Product.is(pool.getStatus().getConditions(), "Redundant", "True"))
                .isTrue();
        assertThat(cluster.product().disks())
                .allSatisfy(disk -> assertThat(disk.getSpec().getPool()).isEqualTo(Product.POOL));
        cluster.kube()
                .await(
                        cluster.kube().client().storage().v1().storageClasses().withName(Product.POOL),
                        "the StorageClass",
                        storageClass -> Product.DRIVER.equals(storageClass.getProvisioner()));
    }

    @Test
    @Order(3)
    void aClaimBindsWhereItsPodIsPlacedAndItsFileSystemHasItsSize(TestCluster cluster) {
        Instant begin = Instant.now();
        cluster.driver().kubectl(cluster.product().example("claim"), "apply", "-n", NAMESPACE, "-f", "-");
        Pod pod = cluster.kube().awaitReady(NAMESPACE, "writer");
        cluster.report().seconds("claim and pod applied to pod Ready", begin);

        PersistentVolumeClaim claim = claim(cluster, "notes").get();
        PersistentVolume volume = cluster.kube()
                .client()
                .persistentVolumes()
                .withName(claim.getSpec().getVolumeName())
                .get();
        assertThat(volume.getSpec()
                        .getNodeAffinity()
                        .getRequired()
                        .getNodeSelectorTerms()
                        .getFirst()
                        .getMatchExpressions()
                        .getFirst()
                        .getValues())
                .containsExactly(pod.getSpec().getNodeName());
        assertThat(sizeInPod(cluster)).isBetween(GI * 95 / 100, GI);
        assertThat(cluster.kube().exec(NAMESPACE, "writer", "stat", "-c", "%g %A", "/notes"))
                .startsWith("1000 drwxrws");
    }

    private static io.fabric8.kubernetes.client.dsl.Resource<PersistentVolumeClaim> claim(
            TestCluster cluster, String name) {
        return cluster.kube()
                .client()
                .persistentVolumeClaims()
                .inNamespace(NAMESPACE)
                .withName(name);
    }

    private static long sizeInPod(TestCluster cluster) {
        String size = cluster.kube().exec(NAMESPACE, "writer", "df", "-B1", "--output=size", "/notes");
        return Long.parseLong(size.lines().toList().get(1).strip());
    }

    @Test
    @Order(4)
    void aStatefulSetSpreadsOverTheNodes(TestCluster cluster) {
        cluster.driver().kubectl(cluster.product().example("statefulset"), "apply", "-n", NAMESPACE, "-f", "-");
        Pod first = cluster.kube().awaitReady(NAMESPACE, "ledger-0");
        Pod second = cluster.kube().awaitReady(NAMESPACE, "ledger-1");
        assertThat(first.getSpec().getNodeName()).isNotEqualTo(second.getSpec().getNodeName());
        for (String pod : List.of("ledger-0", "ledger-1")) {
            assertThat(cluster.kube().exec(NAMESPACE, pod, "cat", "/ledger/hosts"))
                    .isEqualTo(pod + "\n");
        }
    }

    @Test
    @Order(5)
    void aClaimGrowsWhileItsPodRuns(TestCluster cluster) {
        Instant begin = Instant.now();
        claim(cluster, "notes").edit(claim -> {
            claim.getSpec().getResources().getRequests().put("storage", new Quantity("2Gi"));
            return claim;
        });
        cluster.kube()
                .await(
                        claim(cluster, "notes"),
                        "the claim to have 2Gi",
                        claim -> new Quantity("2Gi")
                                .equals(claim.getStatus().getCapacity().get("storage")));
        cluster.report().seconds("claim grown while mounted", begin);
        assertThat(sizeInPod(cluster)).isBetween(2 * GI * 95 / 100, 2 * GI);
    }

    @Test
    @Order(6)
    void aPodThatIsMadeAgainFindsItsData(TestCluster cluster) {
        cluster.kube().exec(NAMESPACE, "writer", "sh", "-c", "seq 200000 > /notes/numbers && sync /notes/numbers");
        String sum = cluster.kube().exec(NAMESPACE, "writer", "sha256sum", "/notes/numbers");
        var pod = cluster.kube().client().pods().inNamespace(NAMESPACE).withName("writer");
        pod.delete();
        cluster.kube().awaitGone(pod, "pod writer");
        Instant begin = Instant.now();
        String podOnly = cluster.product().example("claim").split("---\n", -1)[1];
        cluster.driver().kubectl(podOnly, "apply", "-n", NAMESPACE, "-f", "-");
        cluster.kube().awaitReady(NAMESPACE, "writer");
        cluster.report().seconds("pod made again to pod Ready", begin);
        assertThat(cluster.kube().exec(NAMESPACE, "writer", "sha256sum", "/notes/numbers"))
                .isEqualTo(sum);
        assertThat(cluster.kube().exec(NAMESPACE, "writer", "wc", "-l", "/notes/started"))
                .startsWith("2 ");
    }

    @Test
    @Order(7)
    void aClaimTooLargeForEveryNodeStaysPendingAndAnEventSaysWhatIsLacking(TestCluster cluster) {
        String manifest = cluster.product()
                .example("claim")
                .replace("name: notes", "name: huge")
                .replace("claimName: notes", "claimName: huge")
                .replace("name: writer", "name: waiting")
                .replace("storage: 1Gi", "storage: 1Ti");
        cluster.driver().kubectl(manifest, "apply", "-n", NAMESPACE, "-f", "-");
        Event event = cluster.kube()
                .awaitEvent(
                        NAMESPACE,
                        "an Event on the claim that names the nodes and what they lack",
                        e -> Kube.isAbout(e, "PersistentVolumeClaim", "huge")
                                && Objects.requireNonNullElse(e.getNote(), "")
                                        .contains(cluster.driver().nodeName(1)));
        assertThat(event.getNote()).contains(cluster.driver().nodeName(2));
        assertThat(claim(cluster, "huge").get().getStatus().getPhase()).isEqualTo("Pending");
        cluster.driver().kubectl(manifest, "delete", "-n", NAMESPACE, "-f", "-");
    }

    /** The same figures inside a pod and on the node's mount: what Kubernetes costs. */
    @Test
    @Order(8)
    void speedInAPodAndOnTheNodeIsReported(TestCluster cluster) {
        Pod pod = new PodBuilder()
                .withNewMetadata()
                .withName("speed")
                .endMetadata()
                .withNewSpec()
                .withTerminationGracePeriodSeconds(1L)
                .withNodeName(
                        cluster.kube().awaitReady(NAMESPACE, "writer").getSpec().getNodeName())
                .addNewContainer()
                .withName("fio")
                .withImage(cluster.pgImage())
                .withImagePullPolicy("IfNotPresent")
                .withCommand("sleep", "infinity")
                .addNewVolumeMount()
                .withName("data")
                .withMountPath("/data")
                .endVolumeMount()
                .endContainer()
                .withNewSecurityContext()
                .withFsGroup(1000L)
                .endSecurityContext()
                .addNewVolume()
                .withName("data")
                .withNewPersistentVolumeClaim("notes", false)
                .endVolume()
                .endSpec()
                .build();
        cluster.kube().client().pods().inNamespace(NAMESPACE).resource(pod).create();
        Pod running = cluster.kube().awaitReady(NAMESPACE, "speed");
        int node = cluster.nodeNumber(running.getSpec().getNodeName());
        String volume = claim(cluster, "notes").get().getSpec().getVolumeName();
        Map<String, String> jobs = new TreeMap<>(Map.of(
                "sequential write", "--rw=write --bs=1M --size=256M --end_fsync=1",
                "sequential read", "--rw=read --bs=1M --size=256M",
                "random read 4k", "--rw=randread --bs=4k --size=256M --runtime=5 --time_based --iodepth=1",
                "random write 4k", "--rw=randwrite --bs=4k --size=256M --runtime=5 --time_based --end_fsync=1"));
        for (Map.Entry<String, String> job : jobs.entrySet()) {
            String fio =
                    "fio --name=speed --filename=speed.dat --ioengine=psync --output-format=terse " + job.getValue();
            String inside = cluster.kube().exec(NAMESPACE, "speed", "sh", "-c", "cd /data && " + fio);
            Shell.Result outside = cluster.driver()
                    .tryExec(
                            node,
                            "sh",
                            "-c",
                            "cd \"$(findmnt -rn -t fuse.dynamicfs -o SOURCE,TARGET | grep '" + volume
                                    + "' | head -n 1 | cut -d ' ' -f 2)\" && " + fio);
            cluster.report()
                    .add(
                            "fio " + job.getKey() + " (in the pod; on the node)",
                            bandwidth(inside) + "; "
                                    + (outside.succeeded()
                                            ? bandwidth(outside.output())
                                            : "failed: " + outside.output().strip()));
        }
        cluster.kube().client().pods().inNamespace(NAMESPACE).withName("speed").delete();
    }

    /** Of fio's terse output, version 3: field 7 is the bandwidth of reads in KiB/s, 48 that of writes. */
    private static String bandwidth(String terse) {
        List<String> fields = terse.lines()
                .filter(line -> line.startsWith("3;"))
                .map(line -> List.of(line.split(";", -1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("expected a terse line of fio, found:\n" + terse));
        long kib = Long.parseLong(fields.get(6)) + Long.parseLong(fields.get(47));
        return String.format(Locale.ROOT, "%.1f MiB/s", kib / 1024.0);
    }

    @Test
    @Order(9)
    void memoryOfOurPodsIsReported(TestCluster cluster) {
        for (int node = 1; node <= TestCluster.NODES; node++) {
            String name = cluster.driver().nodeName(node);
            Map<?, ?> summary = Serialization.unmarshal(
                    cluster.kube().client().raw("/api/v1/nodes/" + name + "/proxy/stats/summary"), Map.class);
            for (Object pod : (List<?>) Objects.requireNonNull(summary.get("pods"))) {
                report(cluster, name, (Map<?, ?>) pod);
            }
        }
    }

    private static void report(TestCluster cluster, String node, Map<?, ?> pod) {
        Map<?, ?> reference = (Map<?, ?>) Objects.requireNonNull(pod.get("podRef"));
        if (!Product.NAMESPACE.equals(reference.get("namespace"))) {
            return;
        }
        for (Object each : (List<?>) Objects.requireNonNull(pod.get("containers"))) {
            Map<?, ?> container = (Map<?, ?>) each;
            Map<?, ?> memory = (Map<?, ?>) container.get("memory");
            Object rss = memory == null ? null : memory.get("rssBytes");
            cluster.report()
                    .add(
                            "memory of " + container.get("name") + " on " + node,
                            rss == null
                                    ? "unknown"
                                    : String.format(Locale.ROOT, "%.0f MiB", ((Number) rss).doubleValue() / (1 << 20)));
        }
    }

    @Test
    @Order(10)
    void onlyTheNodePluginIsPrivileged(TestCluster cluster) {
        List<String> privileged = List.of("operator", "node", "engine").stream()
                .flatMap(component -> cluster.product().pods(component).stream())
                .flatMap(pod -> pod.getSpec().getContainers().stream())
                .filter(container -> container.getSecurityContext() != null
                        && Boolean.TRUE.equals(container.getSecurityContext().getPrivileged()))
                .map(Container::getName)
                .distinct()
                .collect(Collectors.toList());
        assertThat(privileged).containsExactly("node");
    }

    @Test
    @Order(11)
    void aNamespaceOfTheRestrictedStandardAdmitsOperatorAndController(TestCluster cluster) {
        String name = "restricted";
        cluster.kube().namespace(name, Map.of("pod-security.kubernetes.io/enforce", "restricted"));
        try {
            Pod operator = cluster.product().pods("operator").getFirst();
            Pod copy = new PodBuilder()
                    .withNewMetadata()
                    .withName("operator")
                    .endMetadata()
                    .withSpec(operator.getSpec())
                    .editSpec()
                    .withNodeName(null)
                    .withServiceAccountName("default")
                    .withServiceAccount("default")
                    .withVolumes(operator.getSpec().getVolumes().stream()
                            .filter(volume -> volume.getProjected() == null)
                            .toList())
                    .withContainers(operator.getSpec().getContainers().stream()
                            .map(VolumesE2E::withoutToken)
                            .toList())
                    .endSpec()
                    .build();
            cluster.kube()
                    .await(
                            cluster.kube()
                                    .client()
                                    .serviceAccounts()
                                    .inNamespace(name)
                                    .withName("default"),
                            "the namespace's account",
                            account -> true);
            cluster.kube()
                    .client()
                    .pods()
                    .inNamespace(name)
                    .resource(copy)
                    .dryRun()
                    .create();
        } finally {
            cluster.kube().deleteNamespace(name);
        }
    }

    private static Container withoutToken(Container container) {
        return container
                .edit()
                .removeMatchingFromVolumeMounts(mount -> mount.getMountPath().startsWith("/var/run/secrets"))
                .build();
    }
}
