package io.dynamicfs.crd.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GeneratedFilesTest {
    private static final String COMMAND = "mvn -pl crds test -Dtest=GeneratedFilesTest -Ddynamicfs.regenerate=true";
    private static final Path MANIFESTS = Path.of("manifests");
    private static final Path DOCUMENT = Path.of("../docs/custom-resources.md");

    @Test
    void manifestsAreWhatTheModelGenerates() throws IOException {
        Map<String, String> expected = Manifests.generate();
        if (Boolean.getBoolean("dynamicfs.regenerate")) {
            for (Map.Entry<String, String> file : expected.entrySet()) {
                Files.writeString(MANIFESTS.resolve(file.getKey()), file.getValue());
            }
        }
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> files = Files.list(MANIFESTS)) {
            for (Path file : files.toList()) {
                found.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        assertThat(found)
                .as("crds/manifests differs from the model; regenerate it with: " + COMMAND)
                .isEqualTo(expected);
    }

    @Test
    void referenceIsWhatTheModelGenerates() throws IOException {
        String expected = ReferenceDocument.write(Manifests.definitions());
        if (Boolean.getBoolean("dynamicfs.regenerate")) {
            Files.writeString(DOCUMENT, expected);
        }
        assertThat(Files.readString(DOCUMENT))
                .as("docs/custom-resources.md differs from the model; regenerate it with: " + COMMAND)
                .isEqualTo(expected);
    }

    @Test
    void unknownFieldsAndUnknownValuesOfNewerVersionsAreIgnored() {
        StoragePoolMember member = Serialization.unmarshal("""
                apiVersion: dynamicfs.io/v1alpha1
                kind: StoragePoolMember
                metadata: {name: tank-node-1}
                spec: {storagePool: tank, nodeName: node-1, release: Evaporate, later: {a: 1}}
                status: {phase: Sleeping, volumes: 3, disks: {total: 6}}
                """, StoragePoolMember.class);

        assertThat(member.getSpec().getRelease()).isEqualTo(Release.None);
        assertThat(member.getStatus().getPhase()).isNull();
        assertThat(member.getStatus().getDisks())
                .extracting(DiskCounts::getTotal)
                .isEqualTo(6);
    }

    @Test
    void listsThatAreNullOrAbsentAreEmpty() {
        Disk disk = Serialization.unmarshal("""
                apiVersion: dynamicfs.io/v1alpha1
                kind: Disk
                metadata: {name: node-1-a}
                spec: {nodeName: node-1}
                status: {foreign: null}
                """, Disk.class);

        assertThat(disk.getStatus().getForeign()).isEmpty();
        assertThat(disk.getStatus().getConditions()).isEmpty();
        assertThat(disk.getSpec().getPool()).isNull();
    }

    @Test
    void memberNamesStayWithinWhatKubernetesTakes() {
        String node = "n".repeat(253);

        assertThat(DynamicfsApi.memberName("tank", "node-1")).isEqualTo("tank-node-1");
        assertThat(DynamicfsApi.memberName("tank", node)).hasSize(253).matches("tank-n+-[0-9a-f]{10}");
        assertThat(DynamicfsApi.memberName("tank", node))
                .isNotEqualTo(DynamicfsApi.memberName("tank", "n".repeat(252) + "m"));
    }
}
