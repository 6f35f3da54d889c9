package io.dynamicfs.csi.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.v1.CapacityRange;
import io.dynamicfs.csi.v1.Topology;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.v1.VolumeCapability.AccessMode.Mode;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What requests may ask for, as far as the request alone tells. */
class RequestRulesTest {
    private static final long GIB = 1L << 30;

    private static void refused(Status.Code code, String message, ThrowingCallable call) {
        Refusal refusal = catchThrowableOfType(Refusal.class, call);
        assertThat(refusal).as(message).isNotNull();
        assertThat(refusal.code()).as(refusal.getMessage()).isEqualTo(code);
        assertThat(refusal.getMessage()).contains(message);
    }

    private static CapacityRange range(long required, long limit) {
        return CapacityRange.newBuilder()
                .setRequiredBytes(required)
                .setLimitBytes(limit)
                .build();
    }

    private static VolumeCapability capability(Mode mode) {
        return VolumeCapability.newBuilder()
                .setMount(VolumeCapability.MountVolume.getDefaultInstance())
                .setAccessMode(VolumeCapability.AccessMode.newBuilder().setMode(mode))
                .build();
    }

    @Test
    void aSizeIsWhatIsRequiredWithinItsLimits() throws Refusal {
        assertThat(VolumeSize.of(range(0, 0))).isEqualTo(VolumeSize.DEFAULT);
        assertThat(VolumeSize.of(range(3 * GIB + 1, 0))).isEqualTo(3 * GIB + 1);
        assertThat(VolumeSize.of(range(1, 0))).isEqualTo(VolumeSize.MIN);
        assertThat(VolumeSize.of(range(0, VolumeSize.MIN))).isEqualTo(VolumeSize.MIN);
        assertThat(VolumeSize.of(range(0, 9 * GIB))).isEqualTo(VolumeSize.DEFAULT);
        refused(Status.Code.OUT_OF_RANGE, "limit", () -> VolumeSize.of(range(1, 1)));
        refused(Status.Code.OUT_OF_RANGE, "limit", () -> VolumeSize.of(range(2 * GIB, GIB)));
        refused(Status.Code.INVALID_ARGUMENT, "0 or more", () -> VolumeSize.of(range(-1, 0)));
        assertThat(VolumeSize.fits(GIB, range(0, 0))).isTrue();
        assertThat(VolumeSize.fits(GIB, range(GIB + 1, 0))).isFalse();
        assertThat(VolumeSize.fits(GIB, range(0, GIB - 1))).isFalse();
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {
                "SINGLE_NODE_WRITER",
                "SINGLE_NODE_READER_ONLY",
                "SINGLE_NODE_SINGLE_WRITER",
                "SINGLE_NODE_MULTI_WRITER"
            })
    void modesOfOneNodeAreGiven(Mode mode) throws Refusal {
        Capabilities.require(capability(mode), Status.Code.INVALID_ARGUMENT);
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"MULTI_NODE_READER_ONLY", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER"})
    void modesOfManyNodesAreRefusedWithTheReason(Mode mode) {
        refused(
                Status.Code.INVALID_ARGUMENT,
                "on the disks of one node",
                () -> Capabilities.require(capability(mode), Status.Code.INVALID_ARGUMENT));
    }

    @Test
    void capabilitiesThatSayNothingOrTooMuchAreRefused() {
        refused(
                Status.Code.INVALID_ARGUMENT,
                "at least one",
                () -> Capabilities.require(List.of(), Status.Code.FAILED_PRECONDITION));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "access type",
                () -> Capabilities.require(VolumeCapability.getDefaultInstance(), Status.Code.FAILED_PRECONDITION));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "access mode",
                () -> Capabilities.require(capability(Mode.UNKNOWN), Status.Code.FAILED_PRECONDITION));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "raw block",
                () -> Capabilities.require(
                        capability(Mode.SINGLE_NODE_WRITER).toBuilder()
                                .setBlock(VolumeCapability.BlockVolume.getDefaultInstance())
                                .build(),
                        Status.Code.FAILED_PRECONDITION));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found ext4",
                () -> Capabilities.require(
                        capability(Mode.SINGLE_NODE_WRITER).toBuilder()
                                .setMount(VolumeCapability.MountVolume.newBuilder()
                                        .setFsType("ext4"))
                                .build(),
                        Status.Code.INVALID_ARGUMENT));
    }

    @Test
    void parametersAreKnownOrNamed() throws Refusal {
        assertThat(StorageParameters.parse(
                        Map.of("pool", "tank", "redundancy", "3x", "csi.storage.k8s.io/pv/name", "pvc-1")))
                .isEqualTo(new StorageParameters("tank", "3x"));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found Pool",
                () -> StorageParameters.parse(Map.of("pool", "tank", "Pool", "tank")));
        refused(Status.Code.INVALID_ARGUMENT, "StoragePool", () -> StorageParameters.parse(Map.of("pool", " ")));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "there is none yet",
                () -> StorageParameters.parse(Map.of("pool", "tank", "compression", "zstd")));
    }

    @Test
    void parametersThatAreRefusedStillHaveTheRoomOfTheirPool() {
        assertThat(StorageParameters.forCapacity(Map.of("pool", "tank", "redundency", "3x")))
                .isEqualTo(new StorageParameters("tank", ""));
        assertThat(StorageParameters.forCapacity(Map.of("pool", "tank", "redundancy", "3x")))
                .isEqualTo(new StorageParameters("tank", "3x"));
        assertThat(StorageParameters.forCapacity(Map.of())).isEqualTo(new StorageParameters("", ""));
    }

    @Test
    void aTokenThatIsNotOursStartsNothing() throws Refusal {
        TreeMap<String, Integer> all = new TreeMap<>(Map.of("a", 1, "b", 2, "c", 3));
        Page<Integer> first = Page.of(all, "", 2);
        assertThat(first.entries()).containsExactly(1, 2);
        all.remove("b");
        all.put("bb", 4);
        assertThat(Page.of(all, first.nextToken(), 0).entries()).containsExactly(4, 3);
        assertThat(Page.of(all, "", 3).nextToken()).isEmpty();
        refused(Status.Code.ABORTED, "start anew", () -> Page.of(all, "invalid-token", 0));
        refused(Status.Code.ABORTED, "start anew", () -> Page.of(all, "bm8", 0));
        refused(Status.Code.INVALID_ARGUMENT, "0 or more", () -> Page.of(all, "", -1));
    }

    @Test
    void aTopologyWithoutOurKeySpeaksOfSomethingElse() {
        NodeTopology here = new NodeTopology("node-a");
        assertThat(here.contains(Topology.newBuilder()
                        .putSegments(Driver.TOPOLOGY_KEY, "node-a")
                        .build()))
                .isTrue();
        assertThat(here.contains(Topology.newBuilder()
                        .putSegments(Driver.TOPOLOGY_KEY, "node-b")
                        .build()))
                .isFalse();
        assertThat(here.contains(Topology.newBuilder().putSegments("zone", "x").build()))
                .isTrue();
    }
}
