package io.dynamicfs.csi.agent;

import static io.dynamicfs.csi.agent.AgentFixtures.NOW;
import static io.dynamicfs.csi.agent.AgentFixtures.engine;
import static io.dynamicfs.csi.agent.AgentFixtures.foreign;
import static io.dynamicfs.csi.agent.AgentFixtures.free;
import static io.dynamicfs.csi.agent.AgentFixtures.labelled;
import static io.dynamicfs.csi.agent.AgentFixtures.pool;
import static io.dynamicfs.csi.agent.AgentFixtures.unreadable;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskHealth;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import org.junit.jupiter.api.Test;

class DiskReportTest {
    private final Disk disk = new Disk();

    DiskReportTest() {
        disk.setMetadata(
                new ObjectMetaBuilder().withName("node-1-a").withGeneration(1L).build());
    }

    @Test
    void aFreeDiskIsEligible() {
        DiskStatus status = DiskReport.status(disk, free("a"), engine(), NOW);

        assertThat(condition(status, "Eligible").getStatus()).isEqualTo("True");
        assertThat(condition(status, "Ready").getStatus()).isEqualTo("True");
        assertThat(condition(status, "Healthy").getStatus()).isEqualTo("Unknown");
        assertThat(status.getHealth()).isEqualTo(DiskHealth.Unknown);
        assertThat(status.getSize()).isEqualTo("1024Mi");
        assertThat(status.getSince()).isEqualTo("2026-03-01T10:00:00Z");
    }

    @Test
    void aDiskWithContentSaysWhatItIs() {
        DiskStatus status = DiskReport.status(disk, foreign("a", "ext4"), engine(), NOW);

        assertThat(condition(status, "Eligible").getStatus()).isEqualTo("False");
        assertThat(condition(status, "Eligible").getReason()).isEqualTo("Signature");
        assertThat(condition(status, "Eligible").getMessage())
                .isEqualTo("the disk carries ext4; wipe it if that is not needed");
    }

    @Test
    void aDiskOfAnOpenPoolHasTheHealthThatTheEngineGivesIt() {
        DiskStatus healthy = DiskReport.status(disk, labelled("a", 0), engine(pool(6, 2)), NOW);
        DiskStatus failed = DiskReport.status(disk, labelled("f", 5), engine(pool(6, 2)), NOW);

        assertThat(healthy.getHealth()).isEqualTo(DiskHealth.Healthy);
        assertThat(failed.getHealth()).isEqualTo(DiskHealth.Failed);
        assertThat(failed.getReason()).contains("Input/output error");
        assertThat(condition(failed, "Healthy").getMessage()).contains("Input/output error");
    }

    @Test
    void aDiskThatCannotBeReadAnyMoreIsStillThatOfItsPool() {
        disk.setStatus(DiskReport.status(disk, labelled("f", 5), engine(pool(6, 0)), NOW));

        DiskStatus status = DiskReport.status(disk, unreadable("f"), engine(pool(6, 1)), NOW.plusSeconds(60));

        assertThat(status.getPoolName()).isEqualTo("tank");
        assertThat(status.getHealth()).isEqualTo(DiskHealth.Failed);
        assertThat(status.getSince()).isEqualTo("2026-03-01T10:01:00Z");
    }

    @Test
    void aDiskThatCannotBeReadIsRememberedWhileTheEngineIsAway() {
        disk.setStatus(DiskReport.status(disk, labelled("f", 5), engine(pool(6, 0)), NOW));
        disk.setStatus(
                DiskReport.status(disk, unreadable("f"), EngineView.unavailable("it starts"), NOW.plusSeconds(30)));

        DiskStatus status = DiskReport.status(disk, unreadable("f"), engine(pool(6, 1)), NOW.plusSeconds(60));

        assertThat(status.getDiskIndex()).isEqualTo(5);
        assertThat(status.getHealth()).isEqualTo(DiskHealth.Failed);
    }

    @Test
    void aDiskThatWasWipedIsNobodysAnyMore() {
        disk.setStatus(DiskReport.status(disk, labelled("f", 5), engine(pool(6, 0)), NOW));

        DiskStatus status = DiskReport.status(disk, free("f"), engine(), NOW.plusSeconds(60));

        assertThat(status.getPoolId()).isNull();
        assertThat(condition(status, "Eligible").getStatus()).isEqualTo("True");
    }

    @Test
    void aDiskThatHasGoneKeepsWhatIsKnownOfItAndTheTimeOfItsGoing() {
        disk.setStatus(DiskReport.status(disk, labelled("a", 0), engine(pool(6, 0)), NOW));

        DiskStatus gone = DiskReport.status(disk, null, engine(pool(6, 0)), NOW.plusSeconds(60));
        disk.setStatus(gone);
        DiskStatus later = DiskReport.status(disk, null, engine(pool(6, 0)), NOW.plusSeconds(120));

        assertThat(gone.getHealth()).isEqualTo(DiskHealth.Missing);
        assertThat(gone.getPoolName()).isEqualTo("tank");
        assertThat(gone.getSerial()).isEqualTo("S-a");
        assertThat(later.getSince()).isEqualTo("2026-03-01T10:01:00Z");
        assertThat(condition(later, "Ready").getStatus()).isEqualTo("False");
        assertThat(condition(later, "Ready").getLastTransitionTime()).isEqualTo("2026-03-01T10:01:00Z");
    }

    @Test
    void nothingChangesWhenNothingChanged() {
        disk.setStatus(DiskReport.status(disk, labelled("a", 0), engine(pool(6, 0)), NOW));

        DiskStatus again = DiskReport.status(disk, labelled("a", 0), engine(pool(6, 0)), NOW.plusSeconds(600));

        assertThat(again).usingRecursiveComparison().isEqualTo(disk.getStatus());
    }

    private static Condition condition(DiskStatus status, String type) {
        return status.getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst()
                .orElseThrow();
    }
}
