package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.control.v1.ClosePoolRequest;
import io.dynamicfs.csi.v1.CreateVolumeRequest;
import io.dynamicfs.csi.v1.DeleteVolumeRequest;
import io.dynamicfs.csi.v1.GetCapacityRequest;
import io.dynamicfs.csi.v1.ListVolumesRequest;
import io.dynamicfs.csi.v1.ListVolumesResponse;
import io.dynamicfs.csi.v1.NodeExpandVolumeRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeHealthRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeStatsRequest;
import io.dynamicfs.csi.v1.VolumeUsage;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of volumes in a real pool. */
final class VolumesIT {
    private static final long MIB = 1L << 20;

    @TempDir
    Path directory;

    private NodeUnderTest node;

    @BeforeEach
    void start() throws Exception {
        NodeUnderTest.requireRootAndFuse();
        node = new NodeUnderTest(directory);
        node.startWithPool(3);
    }

    @AfterEach
    void clean() throws Exception {
        if (node != null) {
            node.clean();
        }
    }

    private static void refused(Status.Code code, String message, Callable<?> call) {
        StatusRuntimeException failure = catchThrowableOfType(StatusRuntimeException.class, call::call);
        assertThat(failure).as("expected " + code + ": " + message).isNotNull();
        assertThat(failure.getStatus().getCode()).as(failure.toString()).isEqualTo(code);
        assertThat(failure.getStatus().getDescription()).contains(message);
    }

    private void delete(String volume) {
        var ignored = node.controller()
                .deleteVolume(
                        DeleteVolumeRequest.newBuilder().setVolumeId(volume).build());
    }

    private long capacity(String... parameters) {
        GetCapacityRequest.Builder request = GetCapacityRequest.newBuilder().putParameters("pool", NodeUnderTest.POOL);
        for (int i = 0; i < parameters.length; i += 2) {
            request.putParameters(parameters[i], parameters[i + 1]);
        }
        return node.controller().getCapacity(request.build()).getAvailableCapacity();
    }

    private CreateVolumeRequest.Builder request(String name) {
        return node.newVolume(name, 8 * MIB);
    }

    @Test
    void sameNameIsSameVolumeUnlessItShouldBeAnother() {
        String volume = node.createVolume("pvc-1", 8 * MIB);
        assertThat(volume).endsWith("/pvc-1");
        assertThat(node.createVolume("pvc-1", 8 * MIB)).isEqualTo(volume);
        refused(Status.Code.ALREADY_EXISTS, "expected none", () -> node.createVolume("pvc-1", 9 * MIB));
        refused(
                Status.Code.ALREADY_EXISTS,
                "redundancy",
                () -> node.controller()
                        .createVolume(request("pvc-1")
                                .putParameters("redundancy", "1x")
                                .build()));
        String odd = node.createVolume("a name / with \u00fcmlauts", 8 * MIB);
        assertThat(odd).contains("/csi-");
        assertThat(node.createVolume("a name / with \u00fcmlauts", 8 * MIB)).isEqualTo(odd);
        delete(odd);
        delete(odd);
        delete("not-ours-at-all");
        refused(Status.Code.FAILED_PRECONDITION, "are its disks attached", () -> {
            delete("01234567-89ab-cdef-0123-456789abcdef/pvc-1");
            return true;
        });
    }

    @Test
    void whatNoVolumeCanBeIsRefusedWithTheReason() {
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found colour",
                () -> node.controller()
                        .createVolume(
                                request("v").putParameters("colour", "red").build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "compression",
                () -> node.controller()
                        .createVolume(request("v")
                                .putParameters("compression", "zstd")
                                .build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "name of a StoragePool",
                () -> node.controller()
                        .createVolume(request("v").clearParameters().build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found \"seven\"",
                () -> node.controller()
                        .createVolume(request("v")
                                .putParameters("redundancy", "seven")
                                .build()));
        refused(
                Status.Code.RESOURCE_EXHAUSTED,
                "pool other",
                () -> node.controller()
                        .createVolume(
                                request("v").putParameters("pool", "other").build()));
        refused(Status.Code.RESOURCE_EXHAUSTED, "", () -> node.createVolume("v", 1L << 50));
        refused(Status.Code.OUT_OF_RANGE, "limit", () -> {
            CreateVolumeRequest.Builder request = request("v");
            request.getCapacityRangeBuilder().setRequiredBytes(0).setLimitBytes(1000);
            return node.controller().createVolume(request.build());
        });
        refused(Status.Code.RESOURCE_EXHAUSTED, "among the allowed", () -> {
            CreateVolumeRequest.Builder request = request("v");
            request.getAccessibilityRequirementsBuilder()
                    .addRequisiteBuilder()
                    .putSegments(Driver.TOPOLOGY_KEY, "another-node");
            return node.controller().createVolume(request.build());
        });
        assertThat(node.controller()
                        .listVolumes(ListVolumesRequest.getDefaultInstance())
                        .getEntriesList())
                .isEmpty();
        var made = node.controller()
                .createVolume(request("v")
                        .putParameters("csi.storage.k8s.io/pvc/name", "claim")
                        .putParameters("redundancy", "1x")
                        .build())
                .getVolume();
        assertThat(made.getCapacityBytes()).isEqualTo(8 * MIB);
        assertThat(made.getAccessibleTopology(0).getSegmentsMap())
                .containsEntry(Driver.TOPOLOGY_KEY, NodeUnderTest.NODE);
    }

    @Test
    void capacityIsWhatOneMoreVolumeCouldReserve() {
        long before = capacity();
        assertThat(before).isGreaterThan(100 * MIB);
        String volume = node.createVolume("v", 40 * MIB);
        assertThat(capacity()).isLessThanOrEqualTo(before - 40 * MIB);
        assertThat(capacity("redundancy", "1x")).isGreaterThan(capacity());
        refused(Status.Code.RESOURCE_EXHAUSTED, "", () -> node.createVolume("w", before));
        assertThat(capacity("colour", "red"))
                .as("CreateVolume says what is wrong with it")
                .isEqualTo(capacity());
        delete(volume);
        assertThat(capacity()).isGreaterThan(before - MIB);
    }

    @Test
    void listsComeInPagesThatLoseNothing() {
        List<String> volumes = List.of("a", "b", "c", "d", "e").stream()
                .map(name -> node.createVolume(name, MIB))
                .toList();
        ListVolumesResponse first = node.controller()
                .listVolumes(ListVolumesRequest.newBuilder().setMaxEntries(2).build());
        assertThat(first.getEntriesList())
                .extracting(entry -> entry.getVolume().getVolumeId())
                .containsExactlyElementsOf(volumes.subList(0, 2));
        delete(volumes.get(1));
        ListVolumesResponse second = node.controller()
                .listVolumes(ListVolumesRequest.newBuilder()
                        .setStartingToken(first.getNextToken())
                        .build());
        assertThat(second.getEntriesList())
                .extracting(entry -> entry.getVolume().getVolumeId())
                .containsExactlyElementsOf(volumes.subList(2, 5));
        assertThat(second.getNextToken()).isEmpty();
    }

    @Test
    void aMountedVolumeGrowsShowsItsSizeAndIsNotDeleted() throws Exception {
        String volume = node.createVolume("v", 16 * MIB);
        node.stage(volume, "v");
        Path pod = node.publish(volume, "v", "pod");
        assertThat(df(pod)).isEqualTo(16 * MIB);
        node.bash("head -c 2000000 /dev/urandom > " + pod + "/file && sync " + pod + "/file");
        NodeExpandVolumeRequest.Builder expand =
                NodeExpandVolumeRequest.newBuilder().setVolumeId(volume).setVolumePath(pod.toString());
        expand.getCapacityRangeBuilder().setRequiredBytes(48 * MIB);
        assertThat(node.node().nodeExpandVolume(expand.build()).getCapacityBytes())
                .isEqualTo(48 * MIB);
        assertThat(node.node().nodeExpandVolume(expand.build()).getCapacityBytes())
                .isEqualTo(48 * MIB);
        assertThat(df(pod)).isEqualTo(48 * MIB);
        expand.getCapacityRangeBuilder().setRequiredBytes(1L << 50);
        refused(Status.Code.OUT_OF_RANGE, "", () -> node.node().nodeExpandVolume(expand.build()));
        List<VolumeUsage> usage = node.node()
                .nodeGetVolumeStats(NodeGetVolumeStatsRequest.newBuilder()
                        .setVolumeId(volume)
                        .setVolumePath(pod.toString())
                        .build())
                .getUsageList();
        assertThat(usage)
                .extracting(VolumeUsage::getUnit)
                .containsExactly(VolumeUsage.Unit.BYTES, VolumeUsage.Unit.INODES);
        assertThat(usage.getFirst().getTotal()).isEqualTo(48 * MIB);
        assertThat(usage.getFirst().getUsed()).isGreaterThanOrEqualTo(2_000_000);
        assertThat(usage.getLast().getUsed()).isGreaterThanOrEqualTo(1);
        assertThat(node.node()
                        .nodeGetVolumeHealth(NodeGetVolumeHealthRequest.newBuilder()
                                .setVolumeId(volume)
                                .build())
                        .getVolumeHealth()
                        .getHealthStatusesList())
                .isEmpty();
        refused(Status.Code.FAILED_PRECONDITION, "not mounted", () -> {
            delete(volume);
            return true;
        });
        node.unpublish(volume, "pod");
        node.unstage(volume, "v");
        delete(volume);
        assertThat(node.controller()
                        .listVolumes(ListVolumesRequest.getDefaultInstance())
                        .getEntriesList())
                .isEmpty();
    }

    @Test
    void poolsOnTheDisksAreOpenedByThemselves() throws Exception {
        String volume = node.createVolume("v", MIB);
        node.stopEngine();
        node.awaitEngineDown();
        node.startEngine();
        node.awaitEngineReady();
        assertThat(node.createVolume("v", MIB)).isEqualTo(volume);
        var ignored = node.engine()
                .closePool(ClosePoolRequest.newBuilder()
                        .setPool(NodeUnderTest.POOL)
                        .build());
        node.await("the pool is opened again", () -> node.createVolume("v", MIB).equals(volume));
    }

    private long df(Path path) throws Exception {
        return Long.parseLong(
                node.bash("df -B1 --output=size " + path + " | tail -1").strip());
    }
}
