package io.dynamicfs.csi.agent;

import static io.dynamicfs.csi.agent.AgentFixtures.GIB;
import static io.dynamicfs.csi.agent.AgentFixtures.NOW;
import static io.dynamicfs.csi.agent.AgentFixtures.POOL_ID;
import static io.dynamicfs.csi.agent.AgentFixtures.engine;
import static io.dynamicfs.csi.agent.AgentFixtures.member;
import static io.dynamicfs.csi.agent.AgentFixtures.pool;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.csi.agent.MemberStep.Blocked;
import io.dynamicfs.csi.agent.MemberStep.Settled;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class MemberReportTest {
    private static final Map<String, String> NAMES = Map.of(
            MemberReport.diskKey(POOL_ID, 4), "node-1-e",
            MemberReport.diskKey(POOL_ID, 5), "node-1-f");

    @Test
    void anOpenPoolIsReportedWithItsLedger() {
        StoragePoolMemberStatus status = MemberReport.status(member(), engine(pool(6, 0)), new Settled(), NAMES, NOW);

        assertThat(status.getPhase()).isEqualTo(MemberPhase.Open);
        assertThat(status.getPoolId()).isEqualTo(POOL_ID);
        assertThat(Objects.requireNonNull(status.getCapacityBytes()).getAvailable())
                .isEqualTo(3 * GIB);
        assertThat(Objects.requireNonNull(status.getDisks()).getHealthy()).isEqualTo(6);
        assertThat(status.getReason()).isNull();
        assertThat(truth(status, "Ready")).isEqualTo("True");
        assertThat(truth(status, "Healthy")).isEqualTo("True");
        assertThat(truth(status, "Redundant")).isEqualTo("True");
    }

    @Test
    void failedDisksAreNamedAndThePoolServesOn() {
        StoragePoolMemberStatus status = MemberReport.status(member(), engine(pool(6, 2)), new Settled(), NAMES, NOW);

        assertThat(status.getFailedDisks()).containsExactly("node-1-e", "node-1-f");
        assertThat(status.getRedundancyMargin()).isZero();
        assertThat(truth(status, "Ready")).isEqualTo("True");
        assertThat(truth(status, "Healthy")).isEqualTo("False");
        assertThat(truth(status, "Redundant")).isEqualTo("False");
        assertThat(status.getMessage()).contains("node-1-e", "node-1-f");
    }

    @Test
    void anEngineThatDoesNotAnswerLeavesThePhaseAndSaysSo() {
        StoragePoolMember member = member();
        member.setStatus(MemberReport.status(member, engine(pool(6, 0)), new Settled(), NAMES, NOW));

        StoragePoolMemberStatus status = MemberReport.status(
                member, EngineView.unavailable("the engine does not answer"), new Settled(), NAMES, NOW);

        assertThat(status.getPhase()).isEqualTo(MemberPhase.Open);
        assertThat(status.getReason()).isEqualTo("EngineUnavailable");
        assertThat(truth(status, "Ready")).isEqualTo("False");
        assertThat(status.getPoolId()).isEqualTo(POOL_ID);
    }

    @Test
    void aPoolThatCannotBeMadeIsFailedWithTheReason() {
        StoragePoolMemberStatus status =
                MemberReport.status(member("a"), engine(), new Blocked("DiskNotFound", "expected disk a"), NAMES, NOW);

        assertThat(status.getPhase()).isEqualTo(MemberPhase.Failed);
        assertThat(status.getReason()).isEqualTo("DiskNotFound");
        assertThat(status.getMessage()).isEqualTo("expected disk a");
    }

    @Test
    void anOpenPoolStaysOpenWhenAChangeIsRefused() {
        StoragePoolMemberStatus status = MemberReport.status(
                member("a"), engine(pool(6, 0)), new Blocked("RedundancyImpossible", "8+3 needs 11 disks"), NAMES, NOW);

        assertThat(status.getPhase()).isEqualTo(MemberPhase.Open);
        assertThat(status.getReason()).isEqualTo("RedundancyImpossible");
        assertThat(truth(status, "Ready")).isEqualTo("True");
    }

    @Test
    void aReleaseIsOverWhenThePoolIsMarkedOrGone() {
        StoragePoolMember retained = member();
        retained.getSpec().setRelease(Release.Retain);
        StoragePoolMember wiped = member();
        wiped.getSpec().setRelease(Release.Wipe);

        assertThat(MemberReport.status(retained, engine(pool(6, 0)), new Settled(), NAMES, NOW)
                        .getPhase())
                .isEqualTo(MemberPhase.Released);
        assertThat(MemberReport.status(
                                wiped,
                                engine(pool(6, 0).setMounts(1)),
                                new Blocked("VolumesMounted", "1 mounted"),
                                NAMES,
                                NOW)
                        .getPhase())
                .isEqualTo(MemberPhase.Open);
        assertThat(MemberReport.status(wiped, engine(), new Settled(), NAMES, NOW)
                        .getPhase())
                .isEqualTo(MemberPhase.Wiped);
    }

    private static String truth(StoragePoolMemberStatus status, String type) {
        return status.getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .map(Condition::getStatus)
                .findFirst()
                .orElseThrow();
    }
}
