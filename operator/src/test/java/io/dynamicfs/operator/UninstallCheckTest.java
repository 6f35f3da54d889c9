package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class UninstallCheckTest {
    private static PersistentVolume volume(String driver, String claim) {
        return new PersistentVolumeBuilder()
                .withNewSpec()
                .withNewCsi()
                .withDriver(driver)
                .endCsi()
                .withNewClaimRef()
                .withNamespace("default")
                .withName(claim)
                .endClaimRef()
                .endSpec()
                .build();
    }

    private static Pod pod(String name, String claim, String phase) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .withNodeName("node-1")
                .addNewVolume()
                .withName("data")
                .withNewPersistentVolumeClaim(claim, false)
                .endVolume()
                .endSpec()
                .withNewStatus()
                .withPhase(phase)
                .endStatus()
                .build();
    }

    @Test
    void aRunningPodWithAVolumeOfOursIsNamed() {
        assertThat(UninstallCheck.users(
                        List.of(volume("csi.dynamicfs.io", "ours"), volume("other.example", "theirs")),
                        List.of(pod("writer", "ours", "Running"), pod("stranger", "theirs", "Running"))))
                .containsExactly("default/writer");
    }

    @Test
    void aPodThatHasEndedIsInNobodysWay() {
        assertThat(UninstallCheck.users(
                        List.of(volume("csi.dynamicfs.io", "ours")), List.of(pod("job", "ours", "Succeeded"))))
                .isEmpty();
    }
}
