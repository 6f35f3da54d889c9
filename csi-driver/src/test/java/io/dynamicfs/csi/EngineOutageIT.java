package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.csi.v1.ControllerGetVolumeHealthRequest;
import io.dynamicfs.csi.v1.DeleteVolumeRequest;
import io.dynamicfs.csi.v1.GetCapacityRequest;
import io.dynamicfs.csi.v1.GetPluginCapabilitiesRequest;
import io.dynamicfs.csi.v1.ListVolumesRequest;
import io.dynamicfs.csi.v1.NodeExpandVolumeRequest;
import io.dynamicfs.csi.v1.NodeGetInfoRequest;
import io.dynamicfs.csi.v1.NodeGetStorageHealthRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeHealthRequest;
import io.dynamicfs.csi.v1.NodeGetVolumeStatsRequest;
import io.dynamicfs.csi.v1.ProbeRequest;
import io.dynamicfs.csi.v1.StorageHealthErrorType;
import io.dynamicfs.csi.v1.ValidateVolumeCapabilitiesRequest;
import io.dynamicfs.csi.v1.VolumeHealthErrorType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each call answers while no engine does, dead or only silent, and what is left when it is over. */
final class EngineOutageIT {
    private static final long MIB = 1L << 20;

    /** Nobody waits longer than that: a few seconds to notice, the grace of an unmount, a command's limit. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private NodeUnderTest node;
    private String volume = "";
    private String other = "";

    @BeforeEach
    void make() throws Exception {
        NodeUnderTest.requireRootAndFuse();
        node = new NodeUnderTest(directory);
    }

    @AfterEach
    void clean() throws Exception {
        if (node != null) {
            node.clean();
        }
    }

    private Path start() throws Exception {
        node.startWithPool(2);
        volume = node.createVolume("data", 16 * MIB);
        other = node.createVolume("other", 16 * MIB);
        node.stage(volume, "data");
        return node.publish(volume, "data", "pod-1");
    }

    private <T> T inTime(String what, Callable<T> call) throws Exception {
        long started = System.nanoTime();
        try {
            return call.call();
        } finally {
            assertThat(Duration.ofNanos(System.nanoTime() - started)).as(what).isLessThan(ANSWER_LIMIT);
        }
    }

    private void refused(Status.Code code, String message, Callable<?> call) throws Exception {
        StatusRuntimeException failure =
                inTime(message, () -> catchThrowableOfType(StatusRuntimeException.class, call::call));
        assertThat(failure).as("expected " + code + " " + message).isNotNull();
        assertThat(failure.getStatus().getCode()).as(failure.toString()).isEqualTo(code);
        assertThat(failure.getStatus().getDescription()).contains(message).contains("(request ");
    }

    private void everyCallAnswers() throws Exception {
        inTime("probe", () -> node.identity().probe(ProbeRequest.getDefaultInstance()));
        inTime(
                "capabilities",
                () -> node.identity().getPluginCapabilities(GetPluginCapabilitiesRequest.getDefaultInstance()));
        assertThat(inTime("info", () -> node.node().nodeGetInfo(NodeGetInfoRequest.getDefaultInstance()))
                        .getAccessibleTopology()
                        .getSegmentsMap())
                .containsEntry(Driver.TOPOLOGY_KEY, NodeUnderTest.NODE);
        assertThat(inTime(
                                "capacity",
                                () -> node.controller()
                                        .getCapacity(GetCapacityRequest.newBuilder()
                                                .putParameters("pool", NodeUnderTest.POOL)
                                                .build()))
                        .getAvailableCapacity())
                .isZero();
        String engine = "engine";
        refused(Status.Code.UNAVAILABLE, engine, () -> node.createVolume("third", MIB));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.controller()
                        .deleteVolume(DeleteVolumeRequest.newBuilder()
                                .setVolumeId(other)
                                .build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "not mounted",
                () -> node.controller()
                        .deleteVolume(DeleteVolumeRequest.newBuilder()
                                .setVolumeId(volume)
                                .build()));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.controller().listVolumes(ListVolumesRequest.getDefaultInstance()));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.controller()
                        .validateVolumeCapabilities(ValidateVolumeCapabilitiesRequest.newBuilder()
                                .setVolumeId(volume)
                                .addVolumeCapabilities(NodeUnderTest.writer())
                                .build()));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.controller()
                        .controllerGetVolumeHealth(ControllerGetVolumeHealthRequest.newBuilder()
                                .setVolumeId(volume)
                                .build()));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "other").build()));
        refused(
                Status.Code.UNAVAILABLE,
                engine,
                () -> node.node()
                        .nodeGetVolumeStats(NodeGetVolumeStatsRequest.newBuilder()
                                .setVolumeId(volume)
                                .setVolumePath(node.target("pod-1").toString())
                                .build()));
        NodeExpandVolumeRequest.Builder expand = NodeExpandVolumeRequest.newBuilder()
                .setVolumeId(volume)
                .setVolumePath(node.target("pod-1").toString());
        expand.getCapacityRangeBuilder().setRequiredBytes(32 * MIB);
        refused(Status.Code.UNAVAILABLE, engine, () -> node.node().nodeExpandVolume(expand.build()));
        assertThat(inTime(
                                "health",
                                () -> node.node()
                                        .nodeGetVolumeHealth(NodeGetVolumeHealthRequest.newBuilder()
                                                .setVolumeId(volume)
                                                .build()))
                        .getVolumeHealth()
                        .getHealthStatuses(0)
                        .getStatus())
                .isEqualTo(VolumeHealthErrorType.INACCESSIBLE);
        assertThat(inTime(
                                "storage health",
                                () -> node.node()
                                        .nodeGetStorageHealth(NodeGetStorageHealthRequest.getDefaultInstance()))
                        .getBackendHealth(0)
                        .getStatus())
                .isEqualTo(StorageHealthErrorType.STORAGE_UNREACHABLE);
    }

    /** A pod that starts on a staged volume, and pods that end. */
    private void podsComeAndGo() throws Exception {
        inTime("stage again", () -> {
            node.stage(volume, "data");
            return true;
        });
        inTime("publish", () -> node.publish(volume, "data", "pod-2"));
        for (String pod : new String[] {"pod-1", "pod-2"}) {
            inTime("unpublish", () -> {
                node.unpublish(volume, pod);
                return true;
            });
            assertThat(node.target(pod)).doesNotExist();
        }
        inTime("unstage", () -> {
            node.unstage(volume, "data");
            return true;
        });
        assertThat(node.bash("cut -d' ' -f5 /proc/self/mountinfo | grep '^" + node.root() + "/' || true"))
                .isEmpty();
    }

    @Test
    void withADeadEngineEveryCallAnswersAndPodsCanBeDeleted() throws Exception {
        Path pod = start();
        node.bash("echo kept > " + pod + "/file && sync " + pod + "/file && echo dirty > " + pod + "/dirty");
        node.killEngine();
        node.awaitEngineDown();
        everyCallAnswers();
        podsComeAndGo();
        node.startEngine();
        node.awaitEngineReady();
        node.stage(volume, "data");
        assertThat(node.publish(volume, "data", "pod-3").resolve("file")).hasContent("kept");
    }

    @Test
    void withASilentEngineEveryCallAnswersAndPodsCanBeDeleted() throws Exception {
        Path pod = start();
        node.bash("echo kept > " + pod + "/file && sync " + pod + "/file && echo dirty > " + pod + "/dirty");
        node.freezeEngine();
        node.awaitEngineDown();
        everyCallAnswers();
        podsComeAndGo();
        node.thawEngine();
        node.awaitEngineReady();
        node.stage(volume, "data");
        assertThat(node.publish(volume, "data", "pod-3").resolve("file")).hasContent("kept");
    }

    @Test
    void afterTheOutageLimitNothingWaitsAnyMoreAndClaimsGoElsewhere() throws Exception {
        node.pluginOptions("--outage-limit", "4s", "--unmount-grace", "1s");
        Path pod = start();
        Files.writeString(pod.resolve("file"), "kept");
        node.bash("sync " + pod + "/file");
        node.freezeEngine();
        Process reader = new ProcessBuilder("bash", "-c", "stat -f " + pod).start();
        assertThat(reader.waitFor(60, TimeUnit.SECONDS))
                .as("a reader gets an error")
                .isTrue();
        assertThat(reader.exitValue()).isNotZero();
        refused(Status.Code.RESOURCE_EXHAUSTED, "another node", () -> node.createVolume("third", MIB));
        node.awaitLog("plugin.log", "event=mount-aborted");
        refused(Status.Code.FAILED_PRECONDITION, "has ended", () -> node.publish(volume, "data", "pod-2"));
        node.killEngine();
        node.startEngine();
        node.awaitEngineReady();
        assertThat(node.createVolume("third", MIB)).isNotEmpty();
        node.stage(volume, "data");
        node.unpublish(volume, "pod-1");
        assertThat(node.publish(volume, "data", "pod-1").resolve("file")).hasContent("kept");
    }

    @Test
    void aPoolThatDoesNotComeBackHoldsNobodyForEver() throws Exception {
        node.pluginOptions("--outage-limit", "4s", "--unmount-grace", "1s");
        Path pod = start();
        node.bash("sync " + pod + "; echo dirty > " + pod + "/file");
        node.killEngine();
        node.detachDisks();
        node.startEngine();
        Process reader = new ProcessBuilder("bash", "-c", "stat -f " + pod).start();
        assertThat(reader.waitFor(60, TimeUnit.SECONDS))
                .as("a reader gets an error")
                .isTrue();
        assertThat(reader.exitValue()).isNotZero();
        node.awaitLog("plugin.log", "event=mount-aborted");
        node.unpublish(volume, "pod-1");
        node.unstage(volume, "data");
        node.awaitEngineReady();
        refused(Status.Code.FAILED_PRECONDITION, "are its disks attached", () -> {
            node.stage(volume, "data");
            return true;
        });
    }
}
