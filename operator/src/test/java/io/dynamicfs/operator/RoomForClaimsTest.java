package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.StorageClassBuilder;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RoomForClaimsTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @BeforeEach
    void thePoolIsOpenOnBothNodes() {
        cluster.open("node-1");
        cluster.open("node-2");
        cluster.storageClasses.add(storageClass("tank", Map.of("pool", "tank")));
    }

    @Test
    void aClaimThatFitsOnSomeNodeIsNotSpokenOf() {
        cluster.members.getFirst().getStatus().setCapacityBytes(new CapacityBytes().setAvailable(0));

        assertThat(RoomForClaims.lacking(claim("25Gi"), pool, cluster.view())).isEmpty();
    }

    @Test
    void aClaimThatFitsNowhereIsToldWhatEachNodeLacks() {
        cluster.members.getFirst().getStatus().setCapacityBytes(new CapacityBytes().setAvailable(5 * Fixtures.GIB));

        assertThat(RoomForClaims.lacking(claim("100Gi"), pool, cluster.view()))
                .contains("no node has room for 100Gi in pool tank: node-1 has 5Gi available, 95Gi too little; "
                        + "node-2 has 25Gi available, 75Gi too little; ask for less, add disks, or delete volumes");
    }

    @Test
    void nodesThatCannotServeAreNamedWithTheReason() {
        cluster.members.getFirst().getStatus().setPhase(MemberPhase.Failed);
        cluster.members.get(1).getStatus().setLastHeartbeat("2026-01-01T11:00:00Z");

        assertThat(RoomForClaims.lacking(claim("1Gi"), pool, cluster.view()))
                .hasValueSatisfying(message ->
                        assertThat(message).contains("the pool is not open on node-1; the agent of node-2 is silent"));

        cluster.nodes.clear();
        assertThat(RoomForClaims.lacking(claim("1Gi"), pool, cluster.view()))
                .hasValueSatisfying(message -> assertThat(message).contains("node-1 is gone"));
    }

    @Test
    void aPoolWithoutNodesIsNamed() {
        cluster.members.clear();

        assertThat(RoomForClaims.lacking(claim("1Gi"), pool, cluster.view()))
                .contains("no node has room for 1Gi: pool tank has no node yet, see kubectl describe storagepool tank");
    }

    @Test
    void aClassWithItsOwnRedundancyNeedsMoreOrLess() {
        cluster.storageClasses.clear();
        cluster.storageClasses.add(storageClass("tank", Map.of("pool", "tank", "redundancy", "3x")));

        assertThat(RoomForClaims.lacking(claim("12Gi"), pool, cluster.view())).isEmpty();
        assertThat(RoomForClaims.lacking(claim("13Gi"), pool, cluster.view()))
                .hasValueSatisfying(
                        message -> assertThat(message).contains("node-1 has 12.5Gi available, 512Mi too little"));
    }

    @Test
    void otherClaimsAreNotOurs() {
        PersistentVolumeClaim bound = claim("100Gi");
        bound.getStatus().setPhase("Bound");
        PersistentVolumeClaim leaving = claim("100Gi");
        leaving.getMetadata().setDeletionTimestamp("2026-01-01T12:00:00Z");
        PersistentVolumeClaim other = claim("100Gi");
        other.getSpec().setStorageClassName("ebs");
        cluster.storageClasses.add(new StorageClassBuilder()
                .withNewMetadata()
                .withName("ebs")
                .endMetadata()
                .withProvisioner("ebs.csi.aws.com")
                .addToParameters("pool", "tank")
                .build());

        assertThat(RoomForClaims.lacking(bound, pool, cluster.view())).isEmpty();
        assertThat(RoomForClaims.lacking(leaving, pool, cluster.view())).isEmpty();
        assertThat(RoomForClaims.lacking(other, pool, cluster.view())).isEmpty();
        other.getSpec().setStorageClassName(null);
        assertThat(RoomForClaims.lacking(other, pool, cluster.view())).isEmpty();
    }

    private static StorageClass storageClass(String name, Map<String, String> parameters) {
        return new StorageClassBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withProvisioner("csi.dynamicfs.io")
                .withParameters(parameters)
                .build();
    }

    private static PersistentVolumeClaim claim(String size) {
        return new PersistentVolumeClaimBuilder()
                .withNewMetadata()
                .withName("data")
                .withNamespace("default")
                .endMetadata()
                .withNewSpec()
                .withStorageClassName("tank")
                .withNewResources()
                .addToRequests("storage", new Quantity(size))
                .endResources()
                .endSpec()
                .withNewStatus()
                .withPhase("Pending")
                .endStatus()
                .build();
    }
}
