package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.DiskSelector;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Foreign;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.ListedDevice;
import io.dynamicfs.crd.v1alpha1.PoolDisks;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.storage.VolumeAttachmentBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ClaimsTest {
    private final Fixtures cluster = Fixtures.twoNodes();

    @Test
    void aSelectorTakesEveryEligibleDiskOfEveryNode() {
        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(claims.taken()).hasSize(12);
        assertThat(claims.problems()).isEmpty();
        assertThat(claims.settling()).isFalse();
    }

    @Test
    void aDiskWithForeignContentIsNeverSelected() {
        cluster.disk("node-1-c").getStatus().setForeign(List.of(Fixtures.foreign(Foreign.SIGNATURE, "ext4")));
        StoragePool pool = Fixtures.pool();
        pool.getSpec().getRedundancy().setDefaultRedundancy("3x");

        Claims claims = Claims.desired(pool, cluster.view());

        assertThat(Fixtures.names(claims.taken())).hasSize(11).doesNotContain("node-1-c");
        assertThat(claims.problems()).isEmpty();
    }

    @Test
    void aListedDiskWithForeignContentIsNotTakenAndTheReasonTold() {
        cluster.disk("node-1-a")
                .getStatus()
                .setForeign(List.of(Fixtures.foreign(Foreign.MOUNTED, "it is mounted at /data; unmount it")));

        Claims claims = Claims.desired(listing("2x", "a", "b", "c"), cluster.view());

        assertThat(Fixtures.names(claims.taken())).containsExactly("node-1-b", "node-1-c");
        assertThat(claims.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.reason()).isEqualTo(Reasons.DISK_NOT_ELIGIBLE);
            assertThat(problem.message())
                    .isEqualTo("/dev/disk/by-id/node-1-a on node-1 (Disk node-1-a) is not eligible: Mounted, "
                            + "it is mounted at /data; unmount it");
        });
    }

    @Test
    void aListedDiskThatDoesNotExistIsToldWithThoseThatDo() {
        Claims claims = Claims.desired(listing("1x", "a", "z"), cluster.view());

        assertThat(Fixtures.names(claims.taken())).containsExactly("node-1-a");
        assertThat(claims.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.reason()).isEqualTo(Reasons.DISK_NOT_FOUND);
            assertThat(problem.message())
                    .startsWith("/dev/disk/by-id/node-1-z does not exist on node-1: its disks are "
                            + "/dev/disk/by-id/node-1-a, ");
        });
    }

    @Test
    void aNodeThatShowsNoDiskAtAllIsNamedAsTheReason() {
        cluster.disks.clear();

        Claims claims = Claims.desired(listing("1x", "a"), cluster.view());

        assertThat(claims.problems())
                .singleElement()
                .satisfies(problem -> assertThat(problem.message())
                        .contains("the node has not reported any disk; look whether its dynamicfs-node pod runs"));
    }

    @Test
    void aListedDiskOfAnotherPoolIsLeftToIt() {
        cluster.disk("node-1-a").getSpec().setPool("other");

        Claims claims = Claims.desired(listing("1x", "a", "b"), cluster.view());

        assertThat(Fixtures.names(claims.taken())).containsExactly("node-1-b");
        assertThat(claims.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.reason()).isEqualTo(Reasons.DISK_CLAIMED_BY_ANOTHER_POOL);
            assertThat(problem.message()).contains("belongs to the StoragePool other");
        });
    }

    @Test
    void aSelectorPassesByDisksOfOtherPoolsSilently() {
        cluster.disks.stream()
                .filter(disk -> disk.getSpec().getNodeName().equals("node-1"))
                .forEach(disk -> disk.getSpec().setPool("other"));

        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(claims.taken())
                .hasSize(6)
                .allMatch(disk -> disk.getSpec().getNodeName().equals("node-2"));
        assertThat(claims.problems()).isEmpty();
    }

    @Test
    void aDeviceCanBeListedByAnyOfItsNames() {
        StoragePool pool = Fixtures.pool(
                "tank",
                new PoolDisks()
                        .setDevices(List.of(new ListedDevice().setNode("node-1").setPath("/dev/sda"))));
        pool.getSpec().getRedundancy().setDefaultRedundancy("1x");

        assertThat(Fixtures.names(Claims.desired(pool, cluster.view()).taken())).containsExactly("node-1-a");
    }

    @Test
    void tooFewDisksForTheRedundancyAreLeftFree() {
        cluster.disks.removeIf(disk -> disk.getMetadata().getName().endsWith("f"));
        cluster.disk("node-1-a").getStatus().setForeign(List.of(Fixtures.foreign(Foreign.PARTITIONED, "3 partitions")));

        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(claims.taken()).isEmpty();
        assertThat(claims.problems()).extracting(Claims.Problem::reason).containsOnly(Reasons.TOO_FEW_DISKS);
        assertThat(claims.problems().getFirst().message())
                .isEqualTo(
                        "node-1 has 4 disks for the pool, 4+2 needs 6 on each node: add disks, or choose a redundancy "
                                + "such as 4x; not eligible: node-1-a (Partitioned)");
    }

    @Test
    void aNodeThatIsStillShowingItsDisksIsWaitedFor() {
        cluster.disk("node-1-f")
                .getMetadata()
                .setCreationTimestamp(Fixtures.NOW.minusSeconds(1).toString());

        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(claims.settling()).isTrue();
        assertThat(claims.taken())
                .hasSize(6)
                .allMatch(disk -> disk.getSpec().getNodeName().equals("node-2"));
        assertThat(Claims.desired(Fixtures.pool(), cluster.viewAt(Fixtures.NOW.plus(Claims.SETTLE)))
                        .taken())
                .hasSize(12);
    }

    @Test
    void nodesAreSelectedByTheirLabels() {
        cluster.nodes.clear();
        cluster.node("node-1", Map.of("disk", "fast")).node("node-2", Map.of());
        StoragePool pool = Fixtures.pool();
        pool.getSpec().setNodeSelector(Map.of("disk", "fast"));

        assertThat(Claims.desired(pool, cluster.view()).nodes()).containsOnlyKeys("node-1");

        pool.getSpec().setNodeSelector(Map.of("disk", "slow"));
        assertThat(Claims.desired(pool, cluster.view()).problems())
                .singleElement()
                .satisfies(problem -> {
                    assertThat(problem.reason()).isEqualTo(Reasons.NO_MATCHING_NODE);
                    assertThat(problem.message()).contains("no node has the labels of nodeSelector");
                });
    }

    @Test
    void aListedNodeThatIsNotThereOrNotSelectedIsTold() {
        StoragePool pool = listing("1x", "a");
        List<ListedDevice> devices = new ArrayList<>(pool.getSpec().getDisks().getDevices());
        devices.add(new ListedDevice().setNode("node-9").setPath("/dev/sda"));
        pool.getSpec().getDisks().setDevices(devices);

        assertThat(Claims.desired(pool, cluster.view()).problems())
                .singleElement()
                .satisfies(problem -> {
                    assertThat(problem.reason()).isEqualTo(Reasons.NO_MATCHING_NODE);
                    assertThat(problem.message())
                            .isEqualTo("node node-9 of /dev/sda does not exist; the nodes are node-1, node-2");
                });
        pool.getSpec().setNodeSelector(Map.of("kubernetes.io/hostname", "node-2"));
        assertThat(Claims.desired(pool, cluster.view()).problems())
                .extracting(Claims.Problem::message)
                .contains(
                        "node node-1 of /dev/disk/by-id/node-1-a does not match the pool's nodeSelector; correct one of "
                                + "them");
    }

    @Test
    void aSelectorThatNothingMatchesIsToldWhatIsThere() {
        StoragePool pool = Fixtures.pool("tank", new PoolDisks().setSelector(new DiskSelector().setMinSize("1T")));
        cluster.disk("node-2-a").getStatus().setForeign(List.of(Fixtures.foreign(Foreign.SIGNATURE, "xfs")));

        assertThat(Claims.desired(pool, cluster.view()).problems())
                .singleElement()
                .satisfies(problem -> {
                    assertThat(problem.reason()).isEqualTo(Reasons.NO_MATCHING_DISK);
                    assertThat(problem.message())
                            .isEqualTo(
                                    "no free disk of node-1, node-2 matches the selector; not eligible: node-2-a (Signature)");
                });
    }

    @Test
    void selectorsMatchSizeKindModelAndPath() {
        assertThat(selected(new DiskSelector().setMinSize("10Gi").setMaxSize("10Gi")))
                .hasSize(12);
        assertThat(selected(new DiskSelector().setMaxSize("9Gi"))).isEmpty();
        assertThat(selected(new DiskSelector().setRotational(true))).isEmpty();
        assertThat(selected(new DiskSelector().setRotational(false))).hasSize(12);
        assertThat(selected(new DiskSelector().setModels(List.of("WD*", "Samsung ???*"))))
                .hasSize(12);
        assertThat(selected(new DiskSelector().setModels(List.of("Samsung")))).isEmpty();
        assertThat(selected(new DiskSelector().setPaths(List.of("/dev/sd[a-b]"))))
                .isEmpty();
        assertThat(selected(new DiskSelector().setPaths(List.of("/dev/sda", "/dev/disk/by-id/node-2-?"))))
                .containsExactly("node-1-a", "node-2-a", "node-2-b", "node-2-c", "node-2-d", "node-2-e", "node-2-f");
    }

    @Test
    void aDiskThatAVolumeAttachmentSpeaksOfIsAnotherDrivers() {
        cluster.volumes.add(Fixtures.volume("pvc-1", "ebs.csi.aws.com", "vol-0123456789abcdef0"));
        cluster.attachments.add(new VolumeAttachmentBuilder()
                .withNewMetadata()
                .withName("csi-1")
                .endMetadata()
                .withNewSpec()
                .withAttacher("ebs.csi.aws.com")
                .withNodeName("node-1")
                .withNewSource()
                .withPersistentVolumeName("pvc-1")
                .endSource()
                .endSpec()
                .build());
        cluster.disk("node-1-b").getStatus().setSerial("vol0123456789abcdef0");
        cluster.disk("node-2-b").getStatus().setSerial("vol0123456789abcdef0");

        assertThat(selected(new DiskSelector().setMinSize("1G")))
                .hasSize(11)
                .doesNotContain("node-1-b")
                .contains("node-2-b");
    }

    @Test
    void aPoolThatIsFormedTakesListedDisksOnlyUnlessItGrows() {
        cluster.open("node-1");
        cluster.open("node-2");
        cluster.disks.add(Fixtures.disk("node-1", "g"));
        StoragePool pool = Fixtures.pool();

        assertThat(Claims.desired(pool, cluster.view()).taken()).isEmpty();

        pool.getSpec().setAutoGrow(true);
        assertThat(Fixtures.names(Claims.desired(pool, cluster.view()).taken())).containsExactly("node-1-g");

        pool.getSpec().setAutoGrow(false);
        pool.getSpec().getDisks().setDevices(Fixtures.listed("node-1", "g").getDevices());
        assertThat(Fixtures.names(Claims.desired(pool, cluster.view()).taken())).containsExactly("node-1-g");
    }

    @Test
    void growingWatchesADiskForSomeMinutes() {
        cluster.open("node-1");
        cluster.open("node-2");
        cluster.disks.add(Fixtures.disk("node-1", "g"));
        cluster.disk("node-1-g")
                .getStatus()
                .setConditions(List.of(new ConditionBuilder()
                        .withType("Eligible")
                        .withStatus("True")
                        .withLastTransitionTime(
                                Fixtures.NOW.minus(Duration.ofMinutes(4)).toString())
                        .build()));
        StoragePool pool = Fixtures.pool();
        pool.getSpec().setAutoGrow(true);

        assertThat(Claims.desired(pool, cluster.view()).taken()).isEmpty();
        assertThat(Claims.desired(pool, cluster.viewAt(Fixtures.NOW.plus(Duration.ofMinutes(1))))
                        .taken())
                .hasSize(1);
    }

    @Test
    void disksThatCarryThePoolAreTakenExactly() {
        for (String letter : List.of("a", "b", "c")) {
            cluster.disk("node-1-" + letter)
                    .getStatus()
                    .setPoolName("tank")
                    .setPoolId(Fixtures.POOL_ID)
                    .setForeign(List.of(Fixtures.foreign(Foreign.POOL_MEMBER, "carries the pool tank")));
        }

        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(Fixtures.names(claims.nodes()
                        .getOrDefault("node-1", Claims.NodeClaim.holding(List.of()))
                        .taken()))
                .containsExactly("node-1-a", "node-1-b", "node-1-c");
        assertThat(claims.nodes()
                        .getOrDefault("node-2", Claims.NodeClaim.holding(List.of()))
                        .taken())
                .hasSize(6);
    }

    @Test
    void aPoolFoundOnANodeThatIsNotSelectedStays() {
        cluster.disk("node-2-a").getStatus().setPoolName("tank").setPoolId(Fixtures.POOL_ID);
        StoragePool pool = Fixtures.pool();
        pool.getSpec().setNodeSelector(Map.of("kubernetes.io/hostname", "node-1"));

        assertThat(Fixtures.names(Claims.desired(pool, cluster.view())
                        .nodes()
                        .getOrDefault("node-2", Claims.NodeClaim.holding(List.of()))
                        .taken()))
                .containsExactly("node-2-a");
    }

    @Test
    void twoPoolsOfOneNameOnANodeAreNotMixed() {
        cluster.disk("node-1-a").getStatus().setPoolName("tank").setPoolId("one");
        cluster.disk("node-1-b").getStatus().setPoolName("tank").setPoolId("two");

        Claims claims = Claims.desired(Fixtures.pool(), cluster.view());

        assertThat(claims.nodes()).containsOnlyKeys("node-2");
        assertThat(claims.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.reason()).isEqualTo(Reasons.POOL_AMBIGUOUS);
            assertThat(problem.message()).contains("node-1 has disks of 2 pools named tank (one, two)");
        });
    }

    @Test
    void aDiskOfAnotherPoolOfThatNameDoesNotJoinTheOneThatIsOpen() {
        cluster.open("node-1");
        cluster.open("node-2");
        cluster.disks.add(Fixtures.disk("node-1", "g"));
        cluster.disk("node-1-g").getStatus().setPoolName("tank").setPoolId("another");

        assertThat(Claims.desired(Fixtures.pool(), cluster.view()).taken()).isEmpty();
    }

    @Test
    void aPoolThatGotTooFewLetsGoUnlessANodeWasTold() {
        cluster.disk("node-1-a").getSpec().setPool("tank");
        List.of("b", "c", "d", "e", "f")
                .forEach(letter -> cluster.disk("node-1-" + letter).getSpec().setPool("other"));

        assertThat(Fixtures.names(
                        Claims.desired(Fixtures.pool(), cluster.view()).givenBack()))
                .containsExactly("node-1-a");

        cluster.members.add(Fixtures.member("node-1", List.of("node-1-a")));
        assertThat(Claims.desired(Fixtures.pool(), cluster.view()).givenBack()).isEmpty();
    }

    @Test
    void whatIsHeldStaysHeldWhateverTheSpecSays() {
        cluster.open("node-1");
        StoragePool pool = listing("4+2", "a");
        pool.getSpec().setNodeSelector(Map.of("no", "such"));

        assertThat(Claims.desired(pool, cluster.view())
                        .nodes()
                        .getOrDefault("node-1", Claims.NodeClaim.holding(List.of()))
                        .held())
                .hasSize(6);
    }

    @Test
    void aClaimForAPoolThatDoesNotExistIsGivenUpUnlessItsDataIsThere() {
        cluster.disk("node-1-a").getSpec().setPool("gone");
        cluster.disk("node-1-b").getSpec().setPool("gone");
        cluster.disk("node-1-b").getStatus().setPoolName("gone").setPoolId("id");
        cluster.disk("node-1-c").getSpec().setPool("tank");
        cluster.disk("node-1-d").getSpec().setPool("leaving");
        cluster.members.add(Fixtures.member("node-1", List.of("node-1-d")));
        cluster.members.getFirst().getSpec().setStoragePool("leaving");

        assertThat(Fixtures.names(Claims.orphaned(Set.of("tank"), cluster.view())))
                .containsExactly("node-1-a");
    }

    private List<String> selected(DiskSelector selector) {
        StoragePool pool = Fixtures.pool("tank", new PoolDisks().setSelector(selector));
        pool.getSpec().getRedundancy().setDefaultRedundancy("1x");
        return Fixtures.names(Claims.desired(pool, cluster.view()).taken());
    }

    private static StoragePool listing(String redundancy, String... letters) {
        StoragePool pool = Fixtures.pool("tank", Fixtures.listed("node-1", letters));
        pool.getSpec().getRedundancy().setDefaultRedundancy(redundancy);
        return pool;
    }
}
