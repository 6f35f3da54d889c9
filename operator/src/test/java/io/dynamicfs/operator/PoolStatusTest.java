package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.PoolMember;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolStatusTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @Test
    void aPoolThatIsOpenEverywhereIsReady() {
        cluster.open("node-1");
        cluster.open("node-2");

        StoragePoolStatus status = status();

        assertThat(status.getPhase()).isEqualTo(PoolPhase.Ready);
        assertThat(status.getNodes()).isEqualTo(2);
        assertThat(status.getDisks()).isEqualTo(12);
        assertThat(status.getHealth()).isEqualTo("Healthy");
        assertThat(status.getRedundancy()).isEqualTo("4+2");
        assertThat(status.getCapacity()).isEqualTo("80Gi");
        assertThat(status.getAvailable()).isEqualTo("50Gi");
        assertThat(status.getCapacityBytes()).isNotNull().satisfies(capacity -> {
            assertThat(capacity.getRaw()).isEqualTo(120 * Fixtures.GIB);
            assertThat(capacity.getUsed()).isEqualTo(20 * Fixtures.GIB);
            assertThat(capacity.getReserved()).isEqualTo(30 * Fixtures.GIB);
        });
        assertThat(status.getObservedGeneration()).isEqualTo(3);
        assertThat(status.getConditions())
                .extracting(Condition::getType, Condition::getStatus)
                .containsExactly(
                        tuple(Conditions.READY, "True"),
                        tuple(Conditions.HEALTHY, "True"),
                        tuple(Conditions.REDUNDANT, "True"),
                        tuple(Conditions.DISKS_AVAILABLE, "True"),
                        tuple(Conditions.PROGRESSING, "False"));
    }

    @Test
    void aPoolWithoutMembersSaysWhatItLacks() {
        cluster.disks.clear();

        StoragePoolStatus status = status();

        assertThat(status.getPhase()).isEqualTo(PoolPhase.Pending);
        assertThat(condition(status, Conditions.READY)).satisfies(ready -> {
            assertThat(ready.getReason()).isEqualTo(Reasons.NO_MATCHING_DISK);
            assertThat(ready.getMessage()).contains("kubectl get disks");
        });
        assertThat(condition(status, Conditions.DISKS_AVAILABLE).getStatus()).isEqualTo("False");
        assertThat(condition(status, Conditions.HEALTHY).getStatus()).isEqualTo("Unknown");
        assertThat(status.getMembers()).isEmpty();
        assertThat(status.getHealth()).isNull();
    }

    @Test
    void aNodeThatIsMakingItsPartIsProgress() {
        cluster.open("node-1");
        StoragePoolMember member = cluster.open("node-2");
        member.setStatus(
                new StoragePoolMemberStatus().setPhase(MemberPhase.Creating).setLastHeartbeat(Fixtures.NOW.toString()));

        StoragePoolStatus status = status();

        assertThat(status.getPhase()).isEqualTo(PoolPhase.Degraded);
        assertThat(condition(status, Conditions.PROGRESSING).getStatus()).isEqualTo("True");
        assertThat(condition(status, Conditions.READY).getMessage())
                .isEqualTo("1 of 2 nodes not open: node-2: making the pool");
        assertThat(status.getMembers())
                .extracting(PoolMember::getNode, PoolMember::getHealth)
                .containsExactly(tuple("node-2", "Creating"), tuple("node-1", "Healthy"));
    }

    @Test
    void aPoolThatNoNodeHasMadeYetIsCreating() {
        cluster.members.add(Fixtures.member("node-1", List.of("node-1-a")));
        cluster.members.getFirst().getMetadata().setCreationTimestamp(Fixtures.NOW.toString());

        assertThat(status().getPhase()).isEqualTo(PoolPhase.Creating);
    }

    @Test
    void disksThatFailedAreNamed() {
        StoragePoolMember member = cluster.open("node-1");
        member.getStatus()
                .setDisks(
                        new DiskCounts().setTotal(6).setHealthy(4).setFailed(1).setMissing(1))
                .setFailedDisks(List.of("node-1-c", "node-1-a"))
                .setRedundancyMargin(0);

        StoragePoolStatus status = status();

        assertThat(status.getPhase()).isEqualTo(PoolPhase.Degraded);
        assertThat(status.getHealth()).isEqualTo("Degraded");
        assertThat(status.getFailedDisks()).containsExactly("node-1-a", "node-1-c");
        assertThat(condition(status, Conditions.HEALTHY).getReason()).isEqualTo(Reasons.DISKS_FAILED);
        assertThat(condition(status, Conditions.HEALTHY).getMessage())
                .startsWith("failed or missing: node-1-a, node-1-c");
        assertThat(condition(status, Conditions.REDUNDANT).getReason()).isEqualTo(Reasons.REDUNDANCY_REDUCED);
        assertThat(condition(status, Conditions.REDUNDANT).getMessage())
                .isEqualTo("node-1: 0 of 2 disks may still be lost");
        assertThat(condition(status, Conditions.READY).getStatus()).isEqualTo("True");
    }

    @Test
    void disksWithErrorsAreSuspect() {
        StoragePoolMember member = cluster.open("node-1");
        member.getStatus().setDisks(new DiskCounts().setTotal(6).setHealthy(5).setSuspect(1));

        assertThat(status().getHealth()).isEqualTo("Suspect");
        assertThat(condition(status(), Conditions.HEALTHY).getMessage())
                .isEqualTo("1 disk with errors; kubectl get disks shows them");
    }

    @Test
    void lostDataIsSaidPlainly() {
        cluster.open("node-1").getStatus().setRedundancyMargin(-1);

        assertThat(status().getHealth()).isEqualTo("Failed");
        assertThat(condition(status(), Conditions.REDUNDANT).getReason()).isEqualTo(Reasons.DATA_LOST);
    }

    @Test
    void aRedundancyThatTheDisksCannotHoldIsCountedHere() {
        cluster.open("node-1");
        pool.getSpec().getRedundancy().setDefaultRedundancy("8+3");

        assertThat(condition(status(), Conditions.REDUNDANT)).satisfies(redundant -> {
            assertThat(redundant.getStatus()).isEqualTo("False");
            assertThat(redundant.getReason()).isEqualTo(Reasons.REDUNDANCY_IMPOSSIBLE);
            assertThat(redundant.getMessage()).startsWith("node-1 has 6 disks, 8+3 needs 11");
        });
    }

    @Test
    void aRedundancyThatTheNodeHasNotTakenIsTold() {
        cluster.open("node-1").getStatus().setMessage("the pool is too full for 2+2");
        pool.getSpec().getRedundancy().setDefaultRedundancy("2+2");

        assertThat(condition(status(), Conditions.REDUNDANT).getMessage())
                .startsWith("node-1 still has 4+2, not 2+2 (the pool is too full for 2+2)");
    }

    @Test
    void anAgentThatIsSilentIsNotTrusted() {
        cluster.open("node-1");
        cluster.open("node-2").getStatus().setLastHeartbeat("2026-01-01T11:58:59Z");

        StoragePoolStatus status = status();

        assertThat(status.getHealth()).isEqualTo("Silent");
        assertThat(condition(status, Conditions.READY).getReason()).isEqualTo(Reasons.NODE_AGENT_SILENT);
        assertThat(condition(status, Conditions.READY).getMessage())
                .contains("node-2: the agent is silent since 2026-01-01T11:58:59Z");
        assertThat(condition(status, Conditions.REDUNDANT).getStatus()).isEqualTo("Unknown");
        assertThat(status.getMembers().getFirst().getAvailableBytes()).isZero();
    }

    @Test
    void aNodeThatIsGoneIsTold() {
        cluster.open("node-1");
        cluster.open("node-2");
        cluster.nodes.removeIf(node -> node.getMetadata().getName().equals("node-2"));

        assertThat(status().getHealth()).isEqualTo("NodeGone");
        assertThat(condition(status(), Conditions.READY).getReason()).isEqualTo(Reasons.NODE_GONE);
    }

    @Test
    void aNodeThatFailedGivesItsOwnReason() {
        cluster.open("node-1")
                .setStatus(new StoragePoolMemberStatus()
                        .setPhase(MemberPhase.Failed)
                        .setReason("EngineDown")
                        .setMessage("the engine does not answer; see its pod")
                        .setLastHeartbeat(Fixtures.NOW.toString()));

        assertThat(status().getPhase()).isEqualTo(PoolPhase.Failed);
        assertThat(condition(status(), Conditions.READY).getReason()).isEqualTo("EngineDown");
        assertThat(condition(status(), Conditions.READY).getMessage())
                .isEqualTo("1 of 1 node not open: node-1: the engine does not answer; see its pod");
    }

    @Test
    void disksThatTheEngineHasNotYetAreProgress() {
        cluster.open("node-1").getStatus().setDisks(new DiskCounts().setTotal(5).setHealthy(5));

        assertThat(condition(status(), Conditions.PROGRESSING).getStatus()).isEqualTo("True");
    }

    @Test
    void theTimeOfATransitionStaysWhileTheStatusDoes() {
        cluster.open("node-1");
        StoragePoolStatus first = status();
        pool.setStatus(first);
        cluster.members.getFirst().getStatus().setRedundancyMargin(1).setLastHeartbeat("2026-01-01T12:00:30Z");

        StoragePoolStatus second = statusAt(Fixtures.NOW.plusSeconds(30));

        assertThat(condition(second, Conditions.READY).getLastTransitionTime()).isEqualTo("2026-01-01T12:00:00Z");
        assertThat(condition(second, Conditions.REDUNDANT).getLastTransitionTime())
                .isEqualTo("2026-01-01T12:00:30Z");
    }

    @Test
    void theSameViewGivesTheSameStatus() {
        cluster.open("node-1");
        pool.setStatus(status());

        assertThat(Json.same(pool.getStatus(), statusAt(Fixtures.NOW.plusSeconds(20))))
                .isTrue();
    }

    @Test
    void aFailedRoundKeepsTheRestOfTheStatus() {
        cluster.open("node-1");
        pool.setStatus(status());

        StoragePoolStatus failing = PoolStatus.failing(
                pool, Reasons.FORBIDDEN, "cannot patch resource \"disks\"", Fixtures.NOW.plusSeconds(5));

        assertThat(failing.getNodes()).isEqualTo(1);
        assertThat(failing.getConditions()).hasSize(5);
        assertThat(condition(failing, Conditions.PROGRESSING).getReason()).isEqualTo(Reasons.FORBIDDEN);
    }

    @Test
    void aThousandNodesAreEnoughForOneStatus() {
        for (int i = 0; i < 1200; i++) {
            cluster.members.add(Fixtures.member("gone-" + i, List.of()));
        }

        StoragePoolStatus status = status();

        assertThat(status.getMembers()).hasSize(1000);
        assertThat(status.getNodes()).isEqualTo(1200);
        assertThat(condition(status, Conditions.READY).getMessage().length()).isLessThan(1200);
    }

    private StoragePoolStatus status() {
        return statusAt(Fixtures.NOW);
    }

    private StoragePoolStatus statusAt(Instant now) {
        ClusterView view = cluster.viewAt(now);
        return PoolStatus.of(pool, Claims.desired(pool, view), StorageClasses.decide(pool, view), view);
    }

    private static Condition condition(StoragePoolStatus status, String type) {
        return ConditionList.find(status.getConditions(), type).orElseThrow();
    }

    private static org.assertj.core.groups.Tuple tuple(Object... values) {
        return org.assertj.core.groups.Tuple.tuple(values);
    }
}
