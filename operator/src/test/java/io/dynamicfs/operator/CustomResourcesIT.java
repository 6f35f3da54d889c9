package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.crd.v1alpha1.DeletionPolicy;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.ReclaimPolicy;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.FieldValidateable;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the real API server says to manifests: each rule of the definitions once kept and once broken. */
@RealApiServer
class CustomResourcesIT {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final KubernetesClient client;

    CustomResourcesIT(ApiServer server) {
        client = server.admin();
    }

    @BeforeEach
    void nothingIsThere() {
        deleteAll();
    }

    @AfterEach
    void close() {
        deleteAll();
        client.close();
    }

    @Test
    void theSmallestPoolGetsItsDefaults() {
        StoragePool pool = create("disks: {selector: {minSize: 100G}}");

        assertThat(pool.getSpec().getRedundancy().getDefaultRedundancy()).isEqualTo("4+2");
        assertThat(pool.getSpec().getDeletionPolicy()).isEqualTo(DeletionPolicy.Retain);
        assertThat(pool.getSpec().isAutoGrow()).isFalse();
        assertThat(pool.getSpec().getStorageClass()).isNull();
    }

    @Test
    void aPoolWithEverythingIsTaken() {
        StoragePool pool = create("""
                nodeSelector: {disk: fast}
                disks:
                  devices:
                    - {node: node-1, path: /dev/disk/by-id/wwn-0x5000c500a1b2c3d4}
                    - {node: node-2, path: /dev/disk/by-id/wwn-0x5000c500a1b2c3d4}
                  selector: {minSize: 100G, maxSize: 20Ti, rotational: false, models: [Samsung*], paths: [/dev/nvme*]}
                redundancy: {default: 16+4}
                autoGrow: true
                storageClass: {name: fast-4.2, isDefault: true}
                deletionPolicy: Wipe
                """);

        assertThat(pool.getSpec().getStorageClass()).isNotNull().satisfies(storageClass -> {
            assertThat(storageClass.getReclaimPolicy()).isEqualTo(ReclaimPolicy.Delete);
            assertThat(storageClass.getIsDefault()).isTrue();
        });
    }

    @Test
    void aPoolWithoutDisksIsToldHowToNameThem() {
        refused("{}", "spec.disks: Required value");
        refused("disks: {}", "say which disks the pool takes: list them in disks.devices as {node, path}");
        refused("disks: {devices: []}", "say which disks the pool takes");
    }

    @Test
    void anEmptySelectorIsRefused() {
        refused("disks: {selector: {}}", "an empty selector would take every free disk of every node");
        refused("disks: {selector: {models: []}}", "an empty selector would take every free disk");
        create("disks: {selector: {rotational: true}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sda", "/tmp/disk", "/dev/../etc/passwd", "'/dev/my disk'"})
    void aPathThatIsNoDeviceIsRefused(String path) {
        refused("disks: {devices: [{node: n, path: " + path + "}]}", "path is a block device below /dev");
    }

    @Test
    void aDeviceIsListedOnce() {
        refused(
                "disks: {devices: [{node: n, path: /dev/sda}, {node: n, path: /dev/sda}]}",
                "Duplicate value: {\"node\":\"n\",\"path\":\"/dev/sda\"}");
    }

    @Test
    void aListedDeviceHasNodeAndPath() {
        refused("disks: {devices: [{path: /dev/sda}]}", "spec.disks.devices[0].node: Required value");
        refused("disks: {devices: [{node: n}]}", "spec.disks.devices[0].path: Required value");
    }

    @ParameterizedTest
    @CsvSource({"minSize, big", "minSize, 10 GB", "maxSize, 1X"})
    void sizesAreQuantities(String field, String value) {
        refused(
                "disks: {selector: {" + field + ": '" + value + "'}}",
                field + " is a quantity such as",
                "found \"" + value + "\"");
    }

    @Test
    void theSmallestSizeIsNotLargerThanTheLargest() {
        refused(
                "disks: {selector: {minSize: 2T, maxSize: 1T}}",
                "minSize 2T is larger than maxSize 1T, so no disk fits; exchange them");
        create("disks: {selector: {minSize: 1T, maxSize: 1000G}}");
    }

    @Test
    void globsOfPathsBeginWithDev() {
        refused("disks: {selector: {paths: [sd*]}}", "each of paths is a glob that begins with /dev/");
        create("disks: {selector: {paths: [/dev/sd*]}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x", "6x", "1+1", "17+2", "4+0", "4+5", "4-2", "4 + 2", "x"})
    void aRedundancyThatTheEngineDoesNotHaveIsRefused(String redundancy) {
        refused(
                "{disks: {selector: {minSize: 1G}}, redundancy: {default: '" + redundancy + "'}}",
                "redundancy is copies 1x to 5x or Reed-Solomon k+m",
                "found \"" + redundancy + "\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1x", "5x", "2+1", "4+2", "16+4", "10+3"})
    void everyRedundancyOfTheEngineIsTaken(String redundancy) {
        create("{disks: {selector: {minSize: 1G}}, redundancy: {default: '" + redundancy + "'}}");
    }

    @Test
    void theNameOfAStorageClassIsOne() {
        refused(
                "{disks: {selector: {minSize: 1G}}, storageClass: {name: Fast_1}}",
                "the name of a StorageClass has lower case letters",
                "found \"Fast_1\"");
    }

    @Test
    void enumsSayWhatThereIs() {
        refused(
                "{disks: {selector: {minSize: 1G}}, deletionPolicy: Burn}",
                "Unsupported value: \"Burn\": supported values: \"Retain\", \"Wipe\"");
        refused(
                "{disks: {selector: {minSize: 1G}}, storageClass: {reclaimPolicy: Recycle}}",
                "supported values: \"Delete\", \"Retain\"");
    }

    @Test
    void unknownFieldsAreRefusedByWhoAsksToBeStrict() {
        GenericKubernetesResource pool =
                manifest("StoragePool", "tank", "{disks: {selector: {minSize: 1G}}, disk: {}}");

        assertThatThrownBy(() -> client.resource(pool)
                        .fieldValidation(FieldValidateable.Validation.STRICT)
                        .create())
                .hasMessageContaining("unknown field \"spec.disk\"");
    }

    @Test
    void namesOfPoolsFitIntoLabelsAndDisks() {
        String spec = "disks: {selector: {minSize: 1G}}";
        assertThatThrownBy(() -> create("StoragePool", "p".repeat(64), spec))
                .hasMessageContaining("the name of a StoragePool has up to 63 lower case letters");
        assertThatThrownBy(() -> create("StoragePool", "a.b", spec)).hasMessageContaining("found \"a.b\"");
        create("StoragePool", "p".repeat(63), spec);
    }

    @Test
    void listsAreBounded() {
        String globs = String.join(",", java.util.Collections.nCopies(33, "/dev/sd*"));
        refused("disks: {selector: {paths: [" + globs + "]}}", "must have at most 32 items");
    }

    @Test
    void aMemberKeepsPoolAndNode() {
        create("StoragePoolMember", "tank-n", "{storagePool: tank, nodeName: n}");

        assertThatThrownBy(() -> patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"nodeName\":\"other\"}}"))
                .hasMessageContaining("storagePool and nodeName cannot change");
        assertThatThrownBy(() -> patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"storagePool\":\"other\"}}"))
                .hasMessageContaining("storagePool and nodeName cannot change");
        patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"disks\":[\"n-a\",\"n-b\"]}}");
        assertThatThrownBy(() -> patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"disks\":[\"n-a\",\"n-a\"]}}"))
                .hasMessageContaining("Duplicate value: \"n-a\"");
    }

    @Test
    void aReleaseIsNotTakenBack() {
        create("StoragePoolMember", "tank-n", "{storagePool: tank, nodeName: n, release: Wipe}");

        assertThatThrownBy(() -> patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"release\":\"None\"}}"))
                .hasMessageContaining("a release cannot be taken back");
        patch(StoragePoolMember.class, "tank-n", "{\"spec\":{\"release\":\"Retain\"}}");
        assertThat(client.resources(StoragePoolMember.class)
                        .withName("tank-n")
                        .get()
                        .getSpec()
                        .getRelease())
                .isEqualTo(Release.Retain);
    }

    @Test
    void aDiskGoesFromOnePoolToAnotherOnlyByWayOfNone() {
        create("Disk", "n-a", "{nodeName: n}");
        patch(Disk.class, "n-a", "{\"spec\":{\"pool\":\"tank\"}}");

        assertThatThrownBy(() -> patch(Disk.class, "n-a", "{\"spec\":{\"pool\":\"other\"}}"))
                .hasMessageContaining("this disk belongs to the StoragePool tank; it must be released there");
        patch(Disk.class, "n-a", "{\"spec\":{\"pool\":null}}");
        patch(Disk.class, "n-a", "{\"spec\":{\"pool\":\"other\"}}");
    }

    @Test
    void aDiskStaysOnItsNode() {
        create("Disk", "n-a", "{nodeName: n}");

        assertThatThrownBy(() -> patch(Disk.class, "n-a", "{\"spec\":{\"nodeName\":\"m\"}}"))
                .hasMessageContaining("a disk that was moved gets a Disk of its own");
    }

    @Test
    void twoThatClaimADiskAtOnceDoNotBothGetIt() {
        create("Disk", "n-a", "{nodeName: n}");
        Disk seen = client.resources(Disk.class).withName("n-a").get();
        ApiWriter writer = new ApiWriter(client);
        writer.claim(seen, "tank");

        assertThatThrownBy(() -> writer.claim(seen, "other"))
                .satisfies(e -> assertThat(ApiWriter.isConflict(e)).isTrue());
        assertThat(client.resources(Disk.class).withName("n-a").get().getSpec().getPool())
                .isEqualTo("tank");
    }

    @Test
    void conditionsMergeByTypeWhoeverWritesThem() {
        create("Disk", "n-a", "{nodeName: n}");
        applyCondition("one", "Eligible");
        applyCondition("two", "Healthy");

        assertThat(client.resources(Disk.class)
                        .withName("n-a")
                        .get()
                        .getStatus()
                        .getConditions())
                .extracting(condition -> condition.getType())
                .containsExactlyInAnyOrder("Eligible", "Healthy");
    }

    @Test
    void theStatusIsWrittenApartFromTheSpec() {
        GenericKubernetesResource pool = manifest("StoragePool", "tank", "disks: {selector: {minSize: 1G}}");
        pool.setAdditionalProperty("status", Map.of("nodes", 7));

        client.resource(pool).create();

        assertThat(client.resources(StoragePool.class).withName("tank").get().getStatus())
                .isNull();
    }

    @Test
    void everyRuleIsInOneOfTheseTests() {
        Map<String, Integer> rules = new TreeMap<>();
        ApiServer.definitions(client)
                .forEach(definition -> rules.put(
                        definition.getSpec().getNames().getKind(),
                        countRules(definition
                                .getSpec()
                                .getVersions()
                                .getFirst()
                                .getSchema()
                                .getOpenAPIV3Schema())));

        // Who adds a rule adds a test here that breaks it, then counts it.
        assertThat(rules).isEqualTo(Map.of("StoragePool", 10, "StoragePoolMember", 2, "Disk", 2));
    }

    private static int countRules(JSONSchemaProps schema) {
        int count = schema.getXKubernetesValidations().size();
        for (JSONSchemaProps property : schema.getProperties().values()) {
            count += countRules(property);
        }
        return schema.getItems() == null
                ? count
                : count + countRules(schema.getItems().getSchema());
    }

    private StoragePool create(String spec) {
        String name = "tank-" + NUMBER.incrementAndGet();
        create("StoragePool", name, spec);
        return client.resources(StoragePool.class).withName(name).get();
    }

    private void create(String kind, String name, String spec) {
        client.resource(manifest(kind, name, spec)).create();
    }

    private void refused(String spec, String... messages) {
        assertThatThrownBy(() -> create(spec))
                .isInstanceOfSatisfying(
                        KubernetesClientException.class,
                        e -> assertThat(e.getCode()).isEqualTo(422))
                .message()
                .contains(messages);
    }

    private GenericKubernetesResource manifest(String kind, String name, String spec) {
        String yaml = "apiVersion: dynamicfs.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec:\n"
                + spec.stripTrailing().indent(2);
        return client.getKubernetesSerialization().unmarshal(yaml, GenericKubernetesResource.class);
    }

    private <T extends io.fabric8.kubernetes.api.model.HasMetadata> void patch(
            Class<T> type, String name, String patch) {
        client.resources(type).withName(name).patch(PatchContext.of(PatchType.JSON_MERGE), patch);
    }

    private void applyCondition(String manager, String type) {
        GenericKubernetesResource disk = manifest("Disk", "n-a", "{nodeName: n}");
        disk.setAdditionalProperty(
                "status",
                Map.of(
                        "conditions",
                        List.of(Map.of(
                                "type",
                                type,
                                "status",
                                "True",
                                "reason",
                                "Test",
                                "message",
                                "",
                                "lastTransitionTime",
                                "2026-01-01T00:00:00Z"))));
        client.resource(disk)
                .subresource("status")
                .patch(new PatchContext.Builder()
                        .withPatchType(PatchType.SERVER_SIDE_APPLY)
                        .withFieldManager(manager)
                        .build());
    }

    private void deleteAll() {
        client.resources(StoragePool.class).delete();
        client.resources(StoragePoolMember.class).delete();
        client.resources(Disk.class).delete();
    }
}
