package io.dynamicfs.crd.v1alpha1;

import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinitionBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionVersion;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Makes the CustomResourceDefinitions from the model, and adds what annotations cannot say: list types and columns. */
final class Manifests {
    static final List<Class<? extends HasMetadata>> KINDS =
            List.of(StoragePool.class, StoragePoolMember.class, Disk.class);

    private static final String HEADER = "# Generated from the classes in crds/src/main/java. Do not edit.\n";
    private static final CustomResourceColumnDefinition AGE =
            column("Age", "date", ".metadata.creationTimestamp", 0, "How old the object is.");

    private static final Map<String, List<CustomResourceColumnDefinition>> COLUMNS = Map.of(
            "StoragePool",
            List.of(
                    column("Phase", "string", ".status.phase", 0, "Where the pool is, in a word."),
                    column("Nodes", "integer", ".status.nodes", 0, "Nodes with a part of the pool."),
                    column("Disks", "integer", ".status.disks", 0, "Disks of all nodes."),
                    column("Health", "string", ".status.health", 0, "Worst health of all nodes."),
                    column("Redundancy", "string", ".status.redundancy", 0, "Redundancy that the pool has."),
                    column("Capacity", "string", ".status.capacity", 0, "Usable capacity of all nodes."),
                    column("Available", "string", ".status.available", 0, "Available capacity of all nodes."),
                    AGE,
                    column("Reason", "string", readyReason(), 1, "Why it is ready or not."),
                    column("Failed", "string", ".status.failedDisks", 1, "Disks that are failed or missing.")),
            "StoragePoolMember",
            List.of(
                    column("Pool", "string", ".spec.storagePool", 0, "StoragePool."),
                    column("Node", "string", ".spec.nodeName", 0, "Node."),
                    column("Phase", "string", ".status.phase", 0, "Where the node is with its part."),
                    column("Disks", "integer", ".status.disks.total", 0, "Disks of the pool on this node."),
                    column("Failed", "integer", ".status.disks.failed", 0, "Disks that are not used any more."),
                    column("Missing", "integer", ".status.disks.missing", 0, "Disks that the node does not see."),
                    column("Margin", "integer", ".status.redundancyMargin", 0, "Disks that may still be lost."),
                    column("Volumes", "integer", ".status.volumes", 0, "Volumes on this node."),
                    AGE,
                    column("Reason", "string", ".status.reason", 1, "Why it is not well."),
                    column("Engine", "string", ".status.engineVersion", 1, "Version of the engine."),
                    column("Heartbeat", "date", ".status.lastHeartbeat", 1, "When the node last reported.")),
            "Disk",
            List.of(
                    column("Node", "string", ".spec.nodeName", 0, "Node that the disk is in."),
                    column("Device", "string", ".status.device", 0, "Path of the device now."),
                    column("Pool", "string", ".spec.pool", 0, "StoragePool that takes the disk."),
                    column("Health", "string", ".status.health", 0, "What the engine thinks of it."),
                    column("Eligible", "string", eligible(), 0, "Whether a pool may take it."),
                    column("Size", "string", ".status.size", 0, "Size."),
                    column("Used", "string", ".status.used", 0, "What is stored on it."),
                    AGE,
                    column("Model", "string", ".status.model", 1, "Model."),
                    column("Serial", "string", ".status.serial", 1, "Serial number."),
                    column("Reason", "string", ".status.reason", 1, "Why it is not healthy or not eligible.")));

    private Manifests() {}

    /** File name to contents. */
    static Map<String, String> generate() {
        Map<String, String> files = new TreeMap<>();
        for (CustomResourceDefinition definition : definitions()) {
            String yaml = Serialization.asYaml(definition);
            files.put(definition.getMetadata().getName() + ".yaml", HEADER + yaml);
        }
        return files;
    }

    static List<CustomResourceDefinition> definitions() {
        List<CustomResourceDefinition> definitions = new ArrayList<>();
        for (Class<? extends HasMetadata> kind : KINDS) {
            ByteArrayOutputStream yaml = new ByteArrayOutputStream();
            new CRDGenerator()
                    .customResourceClasses(List.of(kind))
                    .withOutput(new InMemory(yaml))
                    .generate();
            CustomResourceDefinition definition =
                    Serialization.unmarshal(yaml.toString(StandardCharsets.UTF_8), CustomResourceDefinition.class);
            finish(definition);
            definitions.add(definition);
        }
        return definitions;
    }

    private static void finish(CustomResourceDefinition definition) {
        definition.getSpec().getNames().setCategories(List.of(DynamicfsApi.CATEGORY));
        CustomResourceDefinitionVersion version =
                definition.getSpec().getVersions().getFirst();
        version.setAdditionalPrinterColumns(
                COLUMNS.get(definition.getSpec().getNames().getKind()));
        JSONSchemaProps root = version.getSchema().getOpenAPIV3Schema();
        root.setRequired(List.of("spec"));
        JSONSchemaProps status = property(root, "status");
        JSONSchemaProps conditions = property(status, "conditions");
        listByKey(conditions, "type");
        JSONSchemaProps condition = conditions.getItems().getSchema();
        condition.setRequired(List.of("lastTransitionTime", "message", "reason", "status", "type"));
        condition.setDescription(Condition.class.getSimpleName() + " of the object, as everywhere in Kubernetes.");
        JSONSchemaProps spec = property(root, "spec");
        switch (definition.getSpec().getNames().getKind()) {
            case "StoragePool" -> {
                listByKey(property(status, "members"), "node");
                listByKey(property(property(spec, "disks"), "devices"), "node", "path");
            }
            case "StoragePoolMember" -> property(spec, "disks").setXKubernetesListType("set");
            default -> {}
        }
    }

    private static JSONSchemaProps property(JSONSchemaProps object, String name) {
        return Objects.requireNonNull(object.getProperties().get(name), name);
    }

    private static void listByKey(JSONSchemaProps list, String... keys) {
        list.setXKubernetesListType("map");
        list.setXKubernetesListMapKeys(List.of(keys));
    }

    private static String readyReason() {
        return ".status.conditions[?(@.type==\"" + DynamicfsApi.Conditions.READY + "\")].reason";
    }

    private static String eligible() {
        return ".status.conditions[?(@.type==\"" + DynamicfsApi.Conditions.ELIGIBLE + "\")].status";
    }

    private static CustomResourceColumnDefinition column(
            String name, String type, String path, int priority, String description) {
        return new CustomResourceColumnDefinitionBuilder()
                .withName(name)
                .withType(type)
                .withJsonPath(path)
                .withPriority(priority == 0 ? null : priority)
                .withDescription(description)
                .build();
    }

    private record InMemory(ByteArrayOutputStream bytes) implements CRDGenerator.CRDOutput<ByteArrayOutputStream> {
        @Override
        public ByteArrayOutputStream outputFor(String name) {
            return bytes;
        }

        @Override
        public void close() {}
    }
}
