package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.report.EventRecorder;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskSelector;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.PoolDisks;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.PoolStorageClass;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rounds of the reconciler against an API server in memory; what only a real one has is in {@code OperatorIT}. */
class StoragePoolReconcilerTest {
    private static final Duration RESYNC = Duration.ofMillis(300);

    private final ApplyingDispatcher dispatcher = new ApplyingDispatcher();
    private final KubernetesMockServer server =
            new KubernetesMockServer(new Context(), new MockWebServer(), new HashMap<>(), dispatcher, false);
    private final KubernetesClient client;
    private final FakeAgents agents;
    private final Operator operator;

    StoragePoolReconcilerTest() {
        server.init();
        client = server.createClient();
        ApiServer.definitions(client)
                .forEach(definition -> client.resource(definition).create());
        agents = new FakeAgents(client);
        operator = new Operator(overrider -> overrider
                .withKubernetesClient(client)
                .withCloseClientOnStop(false)
                .withUseSSAToPatchPrimaryResource(false)
                .checkingCRDAndValidateLocalModel(false));
    }

    @BeforeEach
    void oneNodeWithSixDisks() {
        client.resource(new NodeBuilder()
                        .withNewMetadata()
                        .withName("node-1")
                        .endMetadata()
                        .build())
                .create();
        agents.showDisks("node-1", "a", "b", "c", "d", "e", "f");
        // Later than Claims.SETTLE, so that no test waits for it.
        Clock clock = Clock.offset(Clock.systemUTC(), Claims.SETTLE.plusSeconds(1));
        operator.register(
                new StoragePoolReconciler(
                        client,
                        new EventRecorder(client, clock, FieldManagers.OPERATOR, "test"),
                        clock,
                        new PoolMeters(new SimpleMeterRegistry())),
                overrider -> overrider
                        .withReconciliationMaxInterval(RESYNC)
                        .withRetry(new GenericRetry().withoutMaxAttempts().setInitialInterval(100)));
        operator.start();
    }

    @AfterEach
    void end() {
        operator.stop();
        agents.close();
        client.close();
        server.destroy();
    }

    @Test
    void aPoolIsFormedAndFurtherRoundsWriteNothing() {
        StoragePool pool = pool("tank");
        pool.getSpec().setStorageClass(new PoolStorageClass());
        client.resource(pool).create();

        await(() -> phaseOf("tank") == PoolPhase.Ready);
        assertThat(client.resources(StoragePoolMember.class)
                        .withName("tank-node-1")
                        .get()
                        .getSpec()
                        .getDisks())
                .hasSize(6);
        assertThat(client.storage().v1().storageClasses().list().getItems())
                .extracting(StorageClass::getProvisioner)
                .containsExactly("csi.dynamicfs.io");

        // What follows Ready, Events for one, is written; then rounds go by without a write.
        await(this::isQuietForSomeRounds);
    }

    private boolean isQuietForSomeRounds() {
        List<String> before = writesOfTheOperator();
        try {
            Thread.sleep(RESYNC.multipliedBy(4));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return writesOfTheOperator().equals(before);
    }

    @Test
    void theSecondOfTwoPoolsThatWantTheSameDisksIsToldSo() {
        client.resource(pool("tank")).create();
        await(() -> phaseOf("tank") == PoolPhase.Ready);

        client.resource(pool("other")).create();

        await(() -> ConditionList.find(conditionsOf("other"), Conditions.DISKS_AVAILABLE)
                .filter(condition -> condition.getReason().equals(Reasons.NO_MATCHING_DISK))
                .isPresent());
        assertThat(client.resources(Disk.class).list().getItems())
                .allMatch(disk -> "tank".equals(disk.getSpec().getPool()));
    }

    @Test
    void twoPoolsAtOnceDoNotShareTheDisks() {
        client.resource(pool("tank")).create();
        client.resource(pool("other")).create();

        await(() -> phaseOf("tank") == PoolPhase.Ready || phaseOf("other") == PoolPhase.Ready);

        assertThat(client.resources(Disk.class).list().getItems())
                .extracting(disk -> disk.getSpec().getPool())
                .containsOnly(phaseOf("tank") == PoolPhase.Ready ? "tank" : "other");
    }

    @Test
    void aPoolThatIsDeletedIsReleasedAndItsDisksAreFree() {
        client.resource(pool("tank")).create();
        await(() -> phaseOf("tank") == PoolPhase.Ready);

        client.resources(StoragePool.class).withName("tank").delete();

        await(() -> client.resources(StoragePool.class).withName("tank").get() == null);
        assertThat(agents.orders()).contains("tank-node-1 Retain");
        assertThat(client.resources(StoragePoolMember.class).list().getItems()).isEmpty();
        assertThat(client.resources(Disk.class).list().getItems())
                .allMatch(disk -> disk.getSpec().getPool() == null);
    }

    @Test
    void aPoolIsFormedOnceItsDisksAreThere() {
        client.resources(Disk.class).withName("node-1-f").delete();
        client.resource(pool("tank")).create();
        await(() -> ConditionList.find(conditionsOf("tank"), Conditions.READY)
                .filter(condition -> condition.getReason().equals(Reasons.TOO_FEW_DISKS))
                .isPresent());

        agents.showDisks("node-1", "f");

        await(() -> phaseOf("tank") == PoolPhase.Ready);
    }

    private List<String> writesOfTheOperator() {
        return dispatcher.writes().stream()
                .filter(write -> !write.endsWith("storagepoolmembers/tank-node-1/status"))
                .toList();
    }

    private static StoragePool pool(String name) {
        StoragePool pool = new StoragePool();
        pool.getMetadata().setName(name);
        pool.getSpec().setDisks(new PoolDisks().setSelector(new DiskSelector().setMinSize("1G")));
        return pool;
    }

    private PoolPhase phaseOf(String name) {
        StoragePool pool = client.resources(StoragePool.class).withName(name).get();
        return pool == null || pool.getStatus() == null || pool.getStatus().getPhase() == null
                ? PoolPhase.Pending
                : pool.getStatus().getPhase();
    }

    private List<io.fabric8.kubernetes.api.model.Condition> conditionsOf(String name) {
        StoragePool pool = client.resources(StoragePool.class).withName(name).get();
        return pool == null || pool.getStatus() == null
                ? List.of()
                : pool.getStatus().getConditions();
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("did not become so in 30 s");
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            }
        }
    }
}
