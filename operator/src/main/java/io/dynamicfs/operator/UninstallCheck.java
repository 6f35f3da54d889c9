package io.dynamicfs.operator;

import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Run before the chart is uninstalled: ends with 1 while pods use volumes, and names them. Without the node plugin they could
 * not even be deleted.
 */
public final class UninstallCheck {
    private static final String DRIVER = "csi.dynamicfs.io";
    private static final Set<String> ENDED = Set.of("Succeeded", "Failed");
    private static final int NAMED_MAX = 20;

    private record Claim(String namespace, String name) {}

    private UninstallCheck() {}

    public static void main(String[] arguments) {
        try (KubernetesClient client = new KubernetesClientBuilder().build()) {
            List<String> users = users(
                    client.persistentVolumes().list().getItems(),
                    client.pods().inAnyNamespace().list().getItems());
            if (!users.isEmpty()) {
                System.err.println("expected no pod to use a volume of " + DRIVER + ", found " + users.size() + ": "
                        + String.join(", ", users.subList(0, Math.min(users.size(), NAMED_MAX)))
                        + ". Delete them first; their claims and data stay.");
                System.exit(1);
            }
        }
    }

    /** The pods, as namespace/name, that are on a node and use a volume of ours. */
    static List<String> users(List<PersistentVolume> volumes, List<Pod> pods) {
        Set<Claim> claims = volumes.stream()
                .filter(volume -> volume.getSpec().getCsi() != null
                        && DRIVER.equals(volume.getSpec().getCsi().getDriver())
                        && volume.getSpec().getClaimRef() != null)
                .map(volume -> volume.getSpec().getClaimRef())
                .map(claim -> new Claim(claim.getNamespace(), claim.getName()))
                .collect(Collectors.toSet());
        return pods.stream()
                .filter(pod -> pod.getSpec().getNodeName() != null
                        && !ENDED.contains(pod.getStatus().getPhase())
                        && pod.getSpec().getVolumes().stream()
                                .filter(volume -> volume.getPersistentVolumeClaim() != null)
                                .anyMatch(volume -> claims.contains(new Claim(
                                        pod.getMetadata().getNamespace(),
                                        volume.getPersistentVolumeClaim().getClaimName()))))
                .map(pod -> pod.getMetadata().getNamespace() + "/"
                        + pod.getMetadata().getName())
                .sorted()
                .toList();
    }
}
