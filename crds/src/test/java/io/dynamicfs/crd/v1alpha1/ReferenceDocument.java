package io.dynamicfs.crd.v1alpha1;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionVersion;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Writes docs/custom-resources.md from the definitions. */
final class ReferenceDocument {
    private static final String INTRODUCTION = """
            # Custom resources

            Generated from the classes in `crds/src/main/java`. Do not edit.

            Group `dynamicfs.io`, version `v1alpha1`, cluster-scoped; `kubectl get dynamicfs` shows all of them. Who writes what:

            | resource | spec | status |
            |---|---|---|
            | StoragePool | you | the operator |
            | StoragePoolMember | the operator | the node |
            | Disk | the node makes it, the operator sets `pool` | the node |

            A manifest with a field that is not in these tables is refused by `kubectl apply` (`strict decoding error: unknown field`);
            clients that do not ask the API server to be strict have it dropped. Fields under `status` cannot be set by users.

            The smallest pool:

            ```yaml
            apiVersion: dynamicfs.io/v1alpha1
            kind: StoragePool
            metadata:
              name: tank
            spec:
              disks:
                selector:
                  minSize: 100G
            ```
            """;

    private static final String CONDITIONS = """

            ## What the conditions of a StoragePool say

            | type | True | otherwise, the reason |
            |---|---|---|
            | `Ready` | open on every node that has disks of it | `NodesNotOpen`, `NodeAgentSilent` (no report for 60 s), `NodeGone`, or the reason of the node itself; without any node the reason of `DisksAvailable` |
            | `Healthy` | no disk failed, is missing or has errors | `DisksFailed`, `DisksSuspect` |
            | `Redundant` | everything is stored with the redundancy of the spec | `RedundancyReduced`, `RedundancyImpossible` (the disks cannot hold it), `DataLost` |
            | `DisksAvailable` | the pool has every disk that the spec asks for | `DiskNotFound`, `DiskNotEligible`, `DiskClaimedByAnotherPool`, `TooFewDisks`, `NoMatchingNode`, `NoMatchingDisk`, `PoolAmbiguous`; `DisksAppearing` while a node still shows its disks |
            | `Progressing` | something is under way | `Settled`; `Forbidden` and `ReconcileFailed` when the operator could not do it, with the answer of the API server |
            | `StorageClassReady` | claims can use the class (only with `spec.storageClass`) | `StorageClassForeign`, `StorageClassOutdated` |
            | `Deleting` | only of a pool that is being deleted | reasons `Releasing`, `Wiping`, `PersistentVolumesExist` |

            Each change is an Event on the StoragePool. A claim for which no node has room gets the Event `NoNodeHasRoom`, which says what
            each node lacks. A pool never gives up a disk: one that is no longer listed or selected stays in it, and so does a node that
            `nodeSelector` does not match any more. A disk that is claimed for a pool that does not exist, and carries nothing of it, becomes
            free again when the next pool is looked at.
            """;

    private ReferenceDocument() {}

    static String write(List<CustomResourceDefinition> definitions) {
        StringBuilder text = new StringBuilder(INTRODUCTION);
        definitions.forEach(definition -> resource(definition, text));
        return text.append(CONDITIONS).toString();
    }

    private static void resource(CustomResourceDefinition definition, StringBuilder text) {
        CustomResourceDefinitionVersion version =
                definition.getSpec().getVersions().getFirst();
        List<String> shortNames = definition.getSpec().getNames().getShortNames();
        text.append("\n## ").append(definition.getSpec().getNames().getKind()).append("\n\n");
        text.append("`kubectl get ").append(definition.getSpec().getNames().getPlural());
        text.append(shortNames.isEmpty() ? "`" : "` or `" + shortNames.getFirst() + "`")
                .append(". Columns: ");
        text.append(String.join(
                ", ",
                version.getAdditionalPrinterColumns().stream()
                        .map(column -> column.getPriority() == null ? column.getName() : column.getName() + " (wide)")
                        .toList()));
        text.append(".\n");
        JSONSchemaProps root = version.getSchema().getOpenAPIV3Schema();
        List<String> rules = new ArrayList<>();
        collectRules("", root, rules);
        for (String part : List.of("spec", "status")) {
            text.append("\n| ").append(part).append(" | type | default | meaning |\n|---|---|---|---|\n");
            fields("", Objects.requireNonNull(root.getProperties().get(part)), text);
        }
        if (!rules.isEmpty()) {
            text.append("\nWhat the API server refuses, and what it answers:\n\n");
            rules.forEach(rule -> text.append("- ").append(rule).append('\n'));
        }
    }

    private static void fields(String prefix, JSONSchemaProps object, StringBuilder text) {
        for (Map.Entry<String, JSONSchemaProps> entry : new TreeMap<>(object.getProperties()).entrySet()) {
            String name = entry.getKey();
            JSONSchemaProps field = entry.getValue();
            boolean required = object.getRequired().contains(name);
            text.append("| `").append(prefix).append(name).append("` | ").append(type(field));
            text.append(required ? ", required" : "").append(" | ");
            text.append(field.getDefault() == null ? "" : "`" + field.getDefault() + "`")
                    .append(" | ");
            text.append(
                    field.getDescription() == null ? "" : field.getDescription().replace("|", "\\|"));
            text.append(" |\n");
            if (name.equals("conditions")) {
                continue;
            }
            if (!field.getProperties().isEmpty()) {
                fields(prefix + name + ".", field, text);
            } else if (field.getItems() != null
                    && !field.getItems().getSchema().getProperties().isEmpty()) {
                fields(prefix + name + "[].", field.getItems().getSchema(), text);
            }
        }
    }

    private static String type(JSONSchemaProps field) {
        if (field.getItems() != null) {
            return "list of " + type(field.getItems().getSchema());
        }
        if (field.getAdditionalProperties() != null) {
            return "map to " + type(field.getAdditionalProperties().getSchema());
        }
        if (field.getEnum() != null && !field.getEnum().isEmpty()) {
            return String.join(
                    ", ", field.getEnum().stream().map(value -> value.asText()).toList());
        }
        return field.getType();
    }

    private static void collectRules(String path, JSONSchemaProps schema, List<String> rules) {
        for (ValidationRule rule : schema.getXKubernetesValidations()) {
            String message = rule.getMessage() == null
                    ? rule.getMessageExpression()
                            .replaceAll("' \\+ [A-Za-z]+\\.([A-Za-z.]+) \\+ '", "‹$1›")
                            .replaceAll("^'|'$", "")
                    : rule.getMessage();
            rules.add((path.isEmpty() ? "" : "`" + path.substring(1) + "`: ") + message);
        }
        if (schema.getProperties() != null) {
            for (Map.Entry<String, JSONSchemaProps> field :
                    schema.getProperties().entrySet()) {
                collectRules(path + "." + field.getKey(), field.getValue(), rules);
            }
        }
        if (schema.getItems() != null) {
            collectRules(path + "[]", schema.getItems().getSchema(), rules);
        }
    }
}
