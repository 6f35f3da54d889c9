package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.DeletionPolicy;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskSelector;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.PoolDisks;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.PoolStorageClass;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.api.model.rbac.Subject;
import io.fabric8.kubernetes.api.model.rbac.SubjectBuilder;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The operator, with the permissions that the chart gives it, against a real API server; nodes are played. */
@RealApiServer
class OperatorIT {
    private static final String NAMESPACE = "dynamicfs-system";
    private static final int SECONDS_MAX = 60;

    private final ApiServer server;
    private final KubernetesClient admin;
    private final List<Running> operators = new ArrayList<>();
    private final FakeAgents agents;

    /** An operator in a thread of its own. */
    private record Running(OperatorProcess process, Thread thread, PrometheusMeterRegistry registry) {
        void stop() throws InterruptedException {
            process.close();
            thread.join();
        }
    }

    OperatorIT(ApiServer server) {
        this.server = server;
        this.admin = server.admin();
        this.agents = new FakeAgents(admin);
    }

    @BeforeEach
    void twoNodesWithSixDisksEach() throws IOException {
        admin.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .endMetadata()
                        .build())
                .serverSideApply();
        grantWhatTheChartGrants();
        for (String node : List.of("node-1", "node-2")) {
            admin.resource(new NodeBuilder()
                            .withNewMetadata()
                            .withName(node)
                            .endMetadata()
                            .build())
                    .serverSideApply();
            agents.showDisks(node, "a", "b", "c", "d", "e", "f");
        }
    }

    @AfterEach
    void nothingIsLeft() throws InterruptedException {
        for (Running operator : operators) {
            operator.stop();
        }
        for (StoragePool pool : admin.resources(StoragePool.class).list().getItems()) {
            admin.resource(pool).edit(found -> {
                found.getMetadata().setFinalizers(List.of());
                return found;
            });
        }
        agents.close();
        admin.resources(StoragePool.class).delete();
        admin.resources(StoragePoolMember.class).delete();
        admin.resources(Disk.class).delete();
        admin.persistentVolumes().delete();
        admin.persistentVolumeClaims().inNamespace("default").delete();
        admin.storage().v1().storageClasses().delete();
        admin.nodes().delete();
        admin.v1().events().inAnyNamespace().delete();
        admin.leases().inNamespace(NAMESPACE).delete();
        admin.close();
    }

    @Test
    void aPoolIsFormedServedAndReported() {
        Running operator = start("operator-a");
        StoragePool pool = pool("tank");
        pool.getSpec().setStorageClass(new PoolStorageClass().setIsDefault(true));
        admin.resource(pool).create();

        StoragePool ready = awaitPhase("tank", PoolPhase.Ready);

        assertThat(ready.getMetadata().getFinalizers()).containsExactly(DynamicfsApi.POOL_FINALIZER);
        assertThat(ready.getStatus().getNodes()).isEqualTo(2);
        assertThat(ready.getStatus().getDisks()).isEqualTo(12);
        assertThat(ready.getStatus().getAvailable()).isEqualTo("50Gi");
        assertThat(admin.resources(Disk.class).list().getItems())
                .hasSize(12)
                .allMatch(disk -> "tank".equals(disk.getSpec().getPool()));
        assertThat(admin.resources(StoragePoolMember.class).list().getItems())
                .extracting(member -> member.getMetadata().getName())
                .containsExactlyInAnyOrder("tank-node-1", "tank-node-2");
        StorageClass storageClass =
                admin.storage().v1().storageClasses().withName("tank").get();
        assertThat(storageClass.getProvisioner()).isEqualTo(DynamicfsApi.DRIVER);
        assertThat(storageClass.getVolumeBindingMode()).isEqualTo("WaitForFirstConsumer");
        awaitEvent("tank", Reasons.DISKS_CLAIMED);
        awaitEvent("tank", Reasons.POOL_OPENED);
        awaitEvent("tank", Reasons.ALL_NODES_OPEN);
        awaitEvent("tank", Reasons.STORAGE_CLASS_CREATED);
        awaitEvent("node-1-a", Reasons.DISKS_CLAIMED);
        assertThat(operator.registry().scrape())
                .contains("dynamicfs_storagepool_available_bytes{pool=\"tank\"} 5.36870912E10")
                .contains("reconciliations_success_total");
        assertThat(operator.process().unready()).isEmpty();
    }

    @Test
    void failedDisksShowInThePool() {
        start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);

        agents.fail("node-2-c");
        agents.fail("node-2-d");

        StoragePool degraded = awaitPhase("tank", PoolPhase.Degraded);
        assertThat(degraded.getStatus().getFailedDisks()).containsExactly("node-2-c", "node-2-d");
        assertThat(awaitEvent("tank", Reasons.DISKS_FAILED).getMessage()).contains("node-2-c, node-2-d");
    }

    @Test
    void aClaimThatFitsNowhereIsTold() {
        start("operator-a");
        StoragePool pool = pool("tank");
        pool.getSpec().setStorageClass(new PoolStorageClass());
        admin.resource(pool).create();
        awaitPhase("tank", PoolPhase.Ready);

        admin.resource(new PersistentVolumeClaimBuilder()
                        .withNewMetadata()
                        .withName("huge")
                        .withNamespace("default")
                        .endMetadata()
                        .withNewSpec()
                        .withStorageClassName("tank")
                        .withAccessModes("ReadWriteOnce")
                        .withNewResources()
                        .addToRequests("storage", new Quantity("1Ti"))
                        .endResources()
                        .endSpec()
                        .build())
                .create();

        Event event = awaitEvent("huge", Reasons.NO_NODE_HAS_ROOM);
        assertThat(event.getType()).isEqualTo("Warning");
        assertThat(event.getMessage())
                .contains("node-1 has 25Gi available, 999Gi too little")
                .contains("node-2 has 25Gi available, 999Gi too little");
    }

    @Test
    void whatTheOperatorOwnsIsTakenBackFromWhoChangesIt() {
        start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);

        StoragePoolMember meddled = new StoragePoolMember();
        meddled.getMetadata().setName("tank-node-1");
        meddled.getSpec().setStoragePool("tank").setNodeName("node-1").setRedundancy("1x");
        admin.resource(meddled).fieldManager("meddler").forceConflicts().serverSideApply();

        await(
                () -> admin.resources(StoragePoolMember.class)
                        .withName("tank-node-1")
                        .get(),
                member -> "4+2".equals(member.getSpec().getRedundancy()));
    }

    @Test
    void aPoolGrowsByListedDisks() {
        start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);
        agents.showDisks("node-1", "g");

        admin.resources(StoragePool.class).withName("tank").edit(pool -> {
            pool.getSpec().getDisks().setDevices(Fixtures.listed("node-1", "g").getDevices());
            return pool;
        });

        await(
                () -> admin.resources(StoragePool.class).withName("tank").get(),
                pool -> pool.getStatus().getDisks() == 13 && pool.getStatus().getPhase() == PoolPhase.Ready);
        assertThat(admin.resources(Disk.class)
                        .withName("node-1-g")
                        .get()
                        .getSpec()
                        .getPool())
                .isEqualTo("tank");
    }

    @Test
    void retainReleasesAndWaitsForEveryNode() {
        start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);

        admin.resources(StoragePool.class).withName("tank").delete();

        awaitGone("tank");
        assertThat(agents.orders()).contains("tank-node-1 Retain", "tank-node-2 Retain");
        assertThat(admin.resources(StoragePoolMember.class).list().getItems()).isEmpty();
        assertThat(admin.resources(Disk.class).list().getItems())
                .hasSize(12)
                .allMatch(disk -> disk.getSpec().getPool() == null);
        awaitEvent("tank", Reasons.RELEASED);
    }

    @Test
    void wipeIsRefusedWhileAVolumeIsThere() {
        start("operator-a");
        StoragePool pool = pool("tank");
        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        admin.resource(pool).create();
        awaitPhase("tank", PoolPhase.Ready);
        admin.resource(new PersistentVolumeBuilder()
                        .withNewMetadata()
                        .withName("pvc-1")
                        .endMetadata()
                        .withNewSpec()
                        .addToCapacity("storage", new Quantity("1Gi"))
                        .withAccessModes("ReadWriteOnce")
                        .withNewCsi()
                        .withDriver(DynamicfsApi.DRIVER)
                        .withVolumeHandle(Fixtures.POOL_ID + "/pvc-1")
                        .endCsi()
                        .endSpec()
                        .build())
                .create();

        admin.resources(StoragePool.class).withName("tank").delete();

        StoragePool waiting = awaitPhase("tank", PoolPhase.Deleting);
        assertThat(ConditionList.find(waiting.getStatus().getConditions(), Conditions.DELETING))
                .hasValueSatisfying(deleting -> {
                    assertThat(deleting.getReason()).isEqualTo(Reasons.PERSISTENT_VOLUMES_EXIST);
                    assertThat(deleting.getMessage()).contains("pvc-1");
                });
        assertThat(agents.orders()).isEmpty();

        admin.persistentVolumes().withName("pvc-1").edit(volume -> {
            volume.getMetadata().setFinalizers(List.of());
            return volume;
        });
        admin.persistentVolumes().withName("pvc-1").delete();

        awaitGone("tank");
        assertThat(agents.orders()).contains("tank-node-1 Wipe", "tank-node-2 Wipe");
    }

    @Test
    void theSecondReplicaTakesOverWithTheLease() throws InterruptedException {
        Running first = start("operator-a");
        await(() -> first.process().isLeading(), leading -> leading);
        Running second = start("operator-b");
        await(() -> second.process().unready(), Optional::isEmpty);
        assertThat(second.process().isLeading()).isFalse();

        first.stop();
        try (KubernetesClient client = server.operator()) {
            first.process().giveLeaseBack(client);
        }

        await(() -> second.process().isLeading(), leading -> leading);
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);
    }

    @Test
    void anOutageOfTheApiServerIsSurvived() throws Exception {
        Running operator = start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);

        server.killApiServer();
        // The lease is lost meanwhile, so this is the long way round.
        await(() -> operator.process().isLeading(), leading -> !leading);
        server.startApiServer();

        await(() -> operator.process().isLeading(), leading -> leading);
        agents.fail("node-1-a");
        awaitPhase("tank", PoolPhase.Degraded);
        assertThat(operator.thread().isAlive()).isTrue();
    }

    @Test
    void definitionsThatAreDeletedReleaseNothingAndCanComeBack() throws Exception {
        Running operator = start("operator-a");
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);

        ApiServer.definitions(admin)
                .forEach(definition -> admin.resource(definition)
                        .withTimeout(60, TimeUnit.SECONDS)
                        .delete());

        assertThat(agents.orders()).isEmpty();
        server.installDefinitions();
        for (String node : List.of("node-1", "node-2")) {
            agents.showDisks(node, "a", "b", "c", "d", "e", "f");
        }
        admin.resource(pool("tank")).create();
        awaitPhase("tank", PoolPhase.Ready);
        assertThat(operator.thread().isAlive()).isTrue();
    }

    @Test
    void aPermissionThatIsMissingIsNamed() {
        withoutPermission("disks", "patch");
        start("operator-a");

        admin.resource(pool("tank")).create();

        StoragePool stuck = await(
                () -> admin.resources(StoragePool.class).withName("tank").get(),
                pool -> pool.getStatus() != null
                        && ConditionList.find(pool.getStatus().getConditions(), Conditions.PROGRESSING)
                                .filter(condition -> condition.getReason().equals(Reasons.FORBIDDEN))
                                .isPresent());
        assertThat(ConditionList.find(stuck.getStatus().getConditions(), Conditions.PROGRESSING)
                        .orElseThrow()
                        .getMessage())
                .contains("cannot patch resource \"disks\" in API group \"dynamicfs.io\"");
        assertThat(awaitEvent("tank", Reasons.FORBIDDEN).getMessage()).contains("cannot patch resource \"disks\"");
    }

    @Test
    void anOperatorThatMayNotWatchIsNotReadyAndSaysWhy() throws IOException {
        withoutPermission("volumeattachments", "list");
        Running operator = start("operator-a");

        await(
                () -> operator.process().unready().orElse(""),
                text -> text.contains("cannot list resource \"volumeattachments\" in API group \"storage.k8s.io\""));

        grantWhatTheChartGrants();
        await(() -> operator.process().unready(), Optional::isEmpty);
    }

    private Running start(String name) {
        PrometheusMeterRegistry registry = OperatorMain.registry();
        OperatorProcess process = new OperatorProcess(
                new OperatorSettings(NAMESPACE, name, 0), server::operator, registry, Clock.systemUTC());
        Thread thread = Thread.ofPlatform().name(name).start(() -> {
            try {
                process.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Running running = new Running(process, thread, registry);
        operators.add(running);
        return running;
    }

    private static StoragePool pool(String name) {
        StoragePool pool = new StoragePool();
        pool.getMetadata().setName(name);
        pool.getSpec().setDisks(new PoolDisks().setSelector(new DiskSelector().setMinSize("1G")));
        return pool;
    }

    private StoragePool awaitPhase(String pool, PoolPhase phase) {
        return await(
                () -> admin.resources(StoragePool.class).withName(pool).get(),
                found -> found.getStatus() != null && found.getStatus().getPhase() == phase);
    }

    private void awaitGone(String pool) {
        await(
                () -> Optional.ofNullable(
                        admin.resources(StoragePool.class).withName(pool).get()),
                Optional::isEmpty);
    }

    private Event awaitEvent(String about, String reason) {
        return await(
                        () -> admin.v1().events().inAnyNamespace().list().getItems().stream()
                                .filter(event ->
                                        event.getInvolvedObject().getName().equals(about)
                                                && event.getReason().equals(reason))
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }

    private static <T> T await(Supplier<T> seen, Predicate<T> wanted) {
        long end = System.nanoTime() + Duration.ofSeconds(SECONDS_MAX).toNanos();
        while (true) {
            T last = seen.get();
            if (last != null && wanted.test(last)) {
                return last;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("did not become so in " + SECONDS_MAX + " s, last seen: " + last);
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            }
        }
    }

    private void grantWhatTheChartGrants() throws IOException {
        for (HasMetadata resource : rbacOfTheChart()) {
            Subject user = new SubjectBuilder()
                    .withKind("User")
                    .withApiGroup("rbac.authorization.k8s.io")
                    .withName("operator")
                    .build();
            switch (resource) {
                case ClusterRoleBinding binding -> binding.setSubjects(List.of(user));
                case RoleBinding binding -> binding.setSubjects(List.of(user));
                default -> {}
            }
            admin.resource(resource)
                    .forceConflicts()
                    .fieldManager(FieldManagers.OPERATOR)
                    .serverSideApply();
        }
    }

    private void withoutPermission(String resource, String verb) {
        admin.rbac().clusterRoles().withName("dynamicfs-operator").edit(role -> {
            ClusterRole changed = role;
            changed.getRules().stream()
                    .filter(rule -> rule.getResources().contains(resource))
                    .forEach(rule -> rule.setVerbs(rule.getVerbs().stream()
                            .filter(granted -> !granted.equals(verb))
                            .toList()));
            return changed;
        });
    }

    /** The template with what Helm would put in; labels do not matter here. */
    private List<HasMetadata> rbacOfTheChart() throws IOException {
        String template = Files.readString(Path.of("../charts/dynamicfs/templates/operator-rbac.yaml"));
        String yaml = template.lines()
                .filter(line -> !line.contains("include \"dynamicfs.labels\""))
                .map(line -> line.replace("{{ .Release.Namespace }}", NAMESPACE))
                .reduce("", (text, line) -> text + line + "\n");
        List<HasMetadata> resources = new ArrayList<>();
        for (String document : yaml.split("(?m)^---$", -1)) {
            resources.add(admin.getKubernetesSerialization().unmarshal(document, HasMetadata.class));
        }
        return resources;
    }
}
