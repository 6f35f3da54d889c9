package io.dynamicfs.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart renders to. Needs helm: on the PATH, or built by {@code e2e/cluster/cluster build}. */
class ChartTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final Path REPOSITORY = Path.of("..").toAbsolutePath().normalize();
    private static final String CHART = REPOSITORY.resolve("charts/dynamicfs").toString();
    private static final Set<String> WORKLOADS = Set.of("dynamicfs-operator", "dynamicfs-node", "dynamicfs-engine");

    private static @Nullable String helm;

    @BeforeAll
    static void findHelm() throws Exception {
        List<Path> candidates = new ArrayList<>();
        for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            candidates.add(Path.of(directory, "helm"));
        }
        Path built = Path.of("/var/tmp/dynamicfs-cluster");
        if (Files.isDirectory(built)) {
            try (Stream<Path> directories = Files.list(built)) {
                directories.map(directory -> directory.resolve("helm")).forEach(candidates::add);
            }
        }
        helm = candidates.stream()
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse(null);
        assumeTrue(helm != null, "expected helm, found none: e2e/cluster/cluster build makes it (needs Go)");
    }

    private static Shell.Result helm(String... arguments) {
        List<String> command = new ArrayList<>(List.of(String.valueOf(helm)));
        command.addAll(List.of(arguments));
        return Shell.run(LIMIT, Map.of(), "", command);
    }

    private static Shell.Result template(String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "template", "dynamicfs", CHART, "--namespace", "dynamicfs-system", "--kube-version", "v1.34.4"));
        for (String setting : settings) {
            arguments.addAll(List.of("--set", setting));
        }
        return helm(arguments.toArray(String[]::new));
    }

    private static List<HasMetadata> rendered(String... settings) {
        Shell.Result result = template(settings);
        assertThat(result.succeeded()).as(result.output()).isTrue();
        List<HasMetadata> objects = new ArrayList<>();
        KubernetesSerialization serialization = new KubernetesSerialization();
        for (String document : result.output().split("(?m)^---\\s*$", -1)) {
            if (document.lines().anyMatch(line -> line.startsWith("kind:"))) {
                objects.add(serialization.unmarshal(document));
            }
        }
        return objects;
    }

    private static PodTemplateSpec template(List<HasMetadata> objects, String name) {
        return objects.stream()
                .filter(object -> object.getMetadata().getName().equals(name))
                .<PodTemplateSpec>mapMulti((object, out) -> {
                    switch (object) {
                        case Deployment deployment ->
                            out.accept(deployment.getSpec().getTemplate());
                        case DaemonSet set -> out.accept(set.getSpec().getTemplate());
                        default -> {}
                    }
                })
                .findFirst()
                .orElseThrow();
    }

    private static PodSpec pod(List<HasMetadata> objects, String name) {
        return template(objects, name).getSpec();
    }

    private static Container container(PodSpec pod, String name) {
        return pod.getContainers().stream()
                .filter(container -> container.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static boolean isPrivileged(Container container) {
        return container.getSecurityContext() != null
                && Boolean.TRUE.equals(container.getSecurityContext().getPrivileged());
    }

    @Test
    void helmFindsNothingToComplainAbout() {
        Shell.Result result = helm("lint", "--strict", CHART);
        assertThat(result.succeeded()).as(result.output()).isTrue();
    }

    @Test
    void exactlyOneContainerIsPrivileged() {
        List<HasMetadata> objects = rendered();
        assertThat(WORKLOADS.stream()
                        .flatMap(name -> pod(objects, name).getContainers().stream())
                        .filter(ChartTest::isPrivileged)
                        .map(Container::getName))
                .containsExactly("node");
    }

    @Test
    void operatorAndControllerMeetTheRestrictedStandard() {
        PodSpec pod = pod(rendered(), "dynamicfs-operator");
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
        assertThat(pod.getContainers()).hasSize(3).allSatisfy(container -> {
            SecurityContext context = container.getSecurityContext();
            assertThat(context.getAllowPrivilegeEscalation()).isFalse();
            assertThat(context.getReadOnlyRootFilesystem()).isTrue();
            assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(context.getCapabilities().getAdd()).isNullOrEmpty();
        });
        assertThat(pod.getVolumes())
                .allSatisfy(volume -> assertThat(volume.getHostPath()).isNull());
    }

    @Test
    void theEngineHasAnIdOfItsOwnAndNoPrivilege() {
        PodSpec pod = pod(rendered(), "dynamicfs-engine");
        assertThat(pod.getSecurityContext().getRunAsUser()).isEqualTo(64535);
        assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getAutomountServiceAccountToken()).isFalse();
        SecurityContext context = container(pod, "engine").getSecurityContext();
        assertThat(context.getAllowPrivilegeEscalation()).isFalse();
        assertThat(context.getReadOnlyRootFilesystem()).isTrue();
        assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
        assertThat(context.getCapabilities().getAdd()).isNullOrEmpty();
        assertThat(context.getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
        assertThat(container(pod, "engine").getVolumeMounts())
                .extracting(mount -> mount.getMountPath())
                .containsExactlyInAnyOrder("/run/dynamicfs", "/tmp");
    }

    @Test
    void theEngineMayBeAllowedToSetItsIoFlusherFlagAndNothingElse() {
        SecurityContext context = container(pod(rendered("engine.ioFlusher=true"), "dynamicfs-engine"), "engine")
                .getSecurityContext();
        assertThat(context.getCapabilities().getAdd()).containsExactly("SYS_RESOURCE");
        assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
    }

    @Test
    void podsThatServeMountsAreReplacedOnlyWhenTheyAreDeleted() {
        assertThat(rendered().stream()
                        .filter(DaemonSet.class::isInstance)
                        .map(DaemonSet.class::cast)
                        .map(set -> set.getSpec().getUpdateStrategy().getType()))
                .containsExactly("OnDelete", "OnDelete");
    }

    @Test
    void anotherKubeletRootIsUsedEverywhere() {
        PodSpec pod = pod(rendered("kubeletRootDir=/var/lib/k0s/kubelet"), "dynamicfs-node");
        assertThat(container(pod, "node").getArgs()).contains("--kubelet-root=/var/lib/k0s/kubelet");
        assertThat(container(pod, "csi-provisioner").getArgs())
                .contains("--csi-address=/var/lib/k0s/kubelet/plugins/csi.dynamicfs.io/csi.sock");
        assertThat(pod.getVolumes().stream()
                        .filter(volume -> volume.getHostPath() != null)
                        .map(volume -> volume.getHostPath().getPath()))
                .noneMatch(path -> path.startsWith("/var/lib/kubelet"));
    }

    @Test
    void anImageMayBeNamedByItsDigest() {
        String digest = "sha256:" + "0123456789abcdef".repeat(4);
        assertThat(container(pod(rendered("engine.image.digest=" + digest), "dynamicfs-engine"), "engine")
                        .getImage())
                .isEqualTo("localhost/dynamicfs-engine@" + digest);
    }

    @Test
    void theEngineTalksToNobodyOverTheNetwork() {
        NetworkPolicy policy = rendered().stream()
                .filter(NetworkPolicy.class::isInstance)
                .map(NetworkPolicy.class::cast)
                .filter(each -> each.getMetadata().getName().equals("dynamicfs-engine"))
                .findFirst()
                .orElseThrow();
        assertThat(policy.getSpec().getPolicyTypes()).contains("Egress");
        assertThat(policy.getSpec().getEgress()).isEmpty();
    }

    @Test
    void nobodyMayDoEverything() {
        assertThat(rendered().stream().filter(ClusterRole.class::isInstance).map(ClusterRole.class::cast))
                .isNotEmpty()
                .allSatisfy(role -> assertThat(role.getRules()).allSatisfy(rule -> {
                    assertThat(rule.getVerbs()).doesNotContain("*");
                    assertThat(rule.getResources()).doesNotContain("*", "secrets");
                    assertThat(rule.getApiGroups()).doesNotContain("*");
                }));
    }

    /** With {@code -Ddynamicfs.regenerate=true} the file is written anew. */
    @Test
    void plainManifestsAreWhatTheChartRendersTo() throws Exception {
        Shell.Result result = helm(
                "template",
                "dynamicfs",
                CHART,
                "--namespace",
                "dynamicfs-system",
                "--kube-version",
                "v1.34.4",
                "--include-crds",
                "--no-hooks",
                "--set",
                "uninstallCheck=false");
        assertThat(result.succeeded()).as(result.output()).isTrue();
        String manifests = "# Rendered from charts/dynamicfs. Do not edit.\n"
                + result.output().substring(result.output().indexOf("---\n"));
        Path file = REPOSITORY.resolve("deploy/dynamicfs.yaml");
        if (Boolean.getBoolean("dynamicfs.regenerate")) {
            Files.writeString(file, manifests);
        }
        assertThat(Files.readString(file))
                .as("deploy/dynamicfs.yaml is not what the chart renders to: mvn -pl e2e -am test"
                        + " -Dtest=ChartTest -Dsurefire.failIfNoSpecifiedTests=false -Ddynamicfs.regenerate=true")
                .isEqualTo(manifests);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "engine.heap=lots",
                "kubeletRootDir=var/lib/kubelet",
                "engine.uid=0",
                "node.outageLimit=soon",
                "engine.image.digest=sha256:12",
                "enigne.heap=1g"
            })
    void aWrongOrUnknownValueIsRefusedByName(String setting) {
        Shell.Result result = template(setting);
        assertThat(result.succeeded()).isFalse();
        String wrong = setting.substring(0, setting.indexOf('=')).replace('.', '/');
        assertThat(result.output())
                .containsAnyOf(wrong, wrong.substring(0, wrong.contains("/") ? wrong.indexOf('/') : wrong.length()));
    }
}
