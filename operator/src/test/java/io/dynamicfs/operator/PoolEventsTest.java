package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.report.Note;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolEventsTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @Test
    void aPoolThatBecomesReadyIsToldOnce() {
        cluster.open("node-1");
        StoragePoolStatus status = status();

        assertThat(PoolEvents.between(null, status))
                .extracting(Note::reason)
                .containsExactly(Reasons.ALL_NODES_OPEN, Reasons.POOL_OPENED);
        assertThat(PoolEvents.between(status, status)).isEmpty();
    }

    @Test
    void disksThatFailAndComeBackAreTold() {
        StoragePoolMemberStatus report = cluster.open("node-1").getStatus();
        StoragePoolStatus well = status();
        report.setDisks(new DiskCounts().setTotal(6).setHealthy(5).setFailed(1))
                .setFailedDisks(List.of("node-1-a"))
                .setRedundancyMargin(1);
        StoragePoolStatus ill = status();

        assertThat(PoolEvents.between(well, ill))
                .extracting(Note::warning, Note::reason)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(true, Reasons.DISKS_FAILED),
                        org.assertj.core.groups.Tuple.tuple(true, Reasons.REDUNDANCY_REDUCED));
        assertThat(PoolEvents.between(ill, well))
                .extracting(Note::warning, Note::reason)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(false, Reasons.ALL_DISKS_HEALTHY),
                        org.assertj.core.groups.Tuple.tuple(false, Reasons.FULLY_REDUNDANT));
    }

    @Test
    void anotherDiskThatFailsIsToldToo() {
        StoragePoolMemberStatus report = cluster.open("node-1").getStatus();
        report.setDisks(new DiskCounts().setTotal(6).setHealthy(5).setFailed(1))
                .setFailedDisks(List.of("node-1-a"))
                .setRedundancyMargin(1);
        StoragePoolStatus one = status();
        report.setDisks(new DiskCounts().setTotal(6).setHealthy(4).setFailed(2))
                .setFailedDisks(List.of("node-1-a", "node-1-b"))
                .setRedundancyMargin(0);

        assertThat(PoolEvents.between(one, status()))
                .extracting(Note::reason)
                .containsExactly(Reasons.DISKS_FAILED, Reasons.REDUNDANCY_REDUCED);
        assertThat(PoolEvents.between(one, status()).getFirst().message()).contains("node-1-a, node-1-b");
    }

    @Test
    void aPoolThatDoesNotGetItsDisksIsTold() {
        cluster.disks.clear();

        assertThat(PoolEvents.between(null, status()))
                .extracting(Note::warning, Note::reason)
                .contains(org.assertj.core.groups.Tuple.tuple(true, Reasons.NO_MATCHING_DISK));
    }

    @Test
    void deletingIsToldAndWhatIsInTheWayIsAWarning() {
        cluster.open("node-1");
        StoragePoolStatus before = status();
        pool.getSpec().setDeletionPolicy(io.dynamicfs.crd.v1alpha1.DeletionPolicy.Wipe);
        cluster.volumes.add(Fixtures.ourVolume("pvc-1"));
        StoragePoolStatus refused = PoolStatus.deleting(pool, Deletion.next(pool, cluster.view()), cluster.view());

        assertThat(PoolEvents.between(before, refused)).anySatisfy(note -> {
            assertThat(note.warning()).isTrue();
            assertThat(note.reason()).isEqualTo(Reasons.PERSISTENT_VOLUMES_EXIST);
            assertThat(note.message()).contains("pvc-1");
        });

        cluster.volumes.clear();
        StoragePoolStatus wiping = PoolStatus.deleting(pool, Deletion.next(pool, cluster.view()), cluster.view());
        assertThat(PoolEvents.between(refused, wiping)).extracting(Note::reason).contains(Reasons.WIPING);
    }

    private StoragePoolStatus status() {
        ClusterView view = cluster.view();
        return PoolStatus.of(pool, Claims.desired(pool, view), StorageClasses.decide(pool, view), view);
    }
}
