package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.DeletionPolicy;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DeletionTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @BeforeEach
    void thePoolIsOpenOnBothNodes() {
        cluster.open("node-1");
        cluster.open("node-2");
    }

    @Test
    void retainTellsEveryNodeToLetGoAndWaits() {
        Deletion deletion = next();

        assertThat(deletion.orders()).hasSize(2).allSatisfy(order -> {
            assertThat(order.getSpec().getRelease()).isEqualTo(Release.Retain);
            assertThat(order.getSpec().getDisks()).hasSize(6);
        });
        assertThat(deletion.finished()).isEmpty();
        assertThat(deletion.freed()).isEmpty();
        assertThat(deletion.waiting()).containsExactly("waiting for node-1", "waiting for node-2");
    }

    @Test
    void anOrderIsGivenOnce() {
        cluster.members.forEach(member -> member.getSpec().setRelease(Release.Retain));

        assertThat(next().orders()).isEmpty();
    }

    @Test
    void aNodeThatHasLetGoFreesItsDisks() {
        cluster.members.getFirst().getStatus().setPhase(MemberPhase.Released);

        Deletion deletion = next();

        assertThat(deletion.finished()).containsExactly(cluster.members.getFirst());
        assertThat(deletion.freed())
                .hasSize(6)
                .allMatch(disk -> disk.getSpec().getNodeName().equals("node-1"));
        assertThat(deletion.waiting()).hasSize(1);
    }

    @Test
    void theLastOneEndsIt() {
        cluster.members.forEach(member -> member.getStatus().setPhase(MemberPhase.Released));

        Deletion deletion = next();

        assertThat(deletion.waiting()).isEmpty();
        assertThat(deletion.freed()).hasSize(12);
        assertThat(deletion.abandoned()).isEmpty();
    }

    @Test
    void retainDoesNotWaitForASilentAgent() {
        cluster.members.getFirst().getStatus().setLastHeartbeat("2026-01-01T11:00:00Z");

        Deletion deletion = next();

        assertThat(deletion.finished()).hasSize(1);
        assertThat(deletion.abandoned()).containsExactly("the agent of node-1 is silent and was not told to let go");
    }

    @Test
    void neitherPolicyWaitsForANodeThatIsGone() {
        cluster.nodes.removeFirst();
        assertThat(next().finished()).hasSize(1);

        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        assertThat(next().finished()).hasSize(1);
        assertThat(next().abandoned()).containsExactly("node node-1 is gone; its disks still carry the pool");
    }

    @Test
    void wipeWaitsForASilentAgentAndSaysTheWayOut() {
        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        cluster.members.getFirst().getStatus().setLastHeartbeat("2026-01-01T11:00:00Z");

        assertThat(next().finished()).isEmpty();
        assertThat(next().waiting().getFirst())
                .isEqualTo("the agent of node-1 is silent; start it, or change spec.deletionPolicy to Retain to let go "
                        + "without wiping");
    }

    @Test
    void wipeIsRefusedWhileAVolumeIsThereAndNamesIt() {
        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        cluster.volumes.add(Fixtures.ourVolume("pvc-2"));
        cluster.volumes.add(Fixtures.ourVolume("pvc-1"));
        cluster.volumes.add(Fixtures.volume("pvc-3", "csi.dynamicfs.io", "another-pool/pvc-3"));
        cluster.volumes.add(Fixtures.volume("pvc-4", "ebs.csi.aws.com", Fixtures.POOL_ID + "/pvc-4"));

        Deletion deletion = next();

        assertThat(deletion.orders()).isEmpty();
        assertThat(deletion.reason()).isEqualTo(Reasons.PERSISTENT_VOLUMES_EXIST);
        assertThat(deletion.waiting().getFirst())
                .startsWith(
                        "2 PersistentVolumes still on the pool, nothing is wiped while there is one: pvc-1, pvc-2;");
    }

    @Test
    void wipeLooksAlsoAtThePoolsOnDisksThatNoMemberReports() {
        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        cluster.members.clear();
        cluster.volumes.add(Fixtures.ourVolume("pvc-1"));

        assertThat(next().reason()).isEqualTo(Reasons.PERSISTENT_VOLUMES_EXIST);
    }

    @Test
    void wipeGoesOnWithoutVolumesAndReleasedIsNotWiped() {
        pool.getSpec().setDeletionPolicy(DeletionPolicy.Wipe);
        cluster.members.getFirst().getStatus().setPhase(MemberPhase.Released);

        assertThat(next().orders()).hasSize(2).allMatch(order -> order.getSpec().getRelease() == Release.Wipe);

        cluster.members.getFirst().getStatus().setPhase(MemberPhase.Wiped);
        assertThat(next().finished()).hasSize(1);
    }

    @Test
    void retainDoesNotLookAtVolumes() {
        cluster.volumes.add(Fixtures.ourVolume("pvc-1"));

        assertThat(next().orders()).hasSize(2);
    }

    @Test
    void theStatusSaysWhatIsWaitedFor() {
        cluster.members.getFirst().getStatus().setMessage("volume pvc-1 is still mounted");

        StoragePoolStatus status = PoolStatus.deleting(pool, next(), cluster.view());

        assertThat(status.getPhase()).isEqualTo(PoolPhase.Deleting);
        Condition deleting =
                ConditionList.find(status.getConditions(), Conditions.DELETING).orElseThrow();
        assertThat(deleting.getReason()).isEqualTo(Reasons.RELEASING);
        assertThat(deleting.getMessage())
                .isEqualTo("waiting for node-1: volume pvc-1 is still mounted; waiting for node-2");
    }

    @Test
    void disksThatNoMemberSpeaksOfAreFreed() {
        cluster.members.clear();

        assertThat(next().freed()).hasSize(12);
        assertThat(next().waiting()).isEqualTo(List.of());
    }

    private Deletion next() {
        return Deletion.next(pool, cluster.view());
    }
}
