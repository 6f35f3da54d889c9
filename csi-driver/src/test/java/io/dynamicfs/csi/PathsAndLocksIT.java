package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.csi.v1.NodePublishVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnpublishVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnstageVolumeRequest;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.v1.VolumeCapability.AccessMode.Mode;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Paths that are not what they should be, volumes that are in use otherwise, and two calls at once. */
final class PathsAndLocksIT {
    private static final long MIB = 1L << 20;

    @TempDir
    Path directory;

    private NodeUnderTest node;
    private String volume = "";

    @BeforeEach
    void start() throws Exception {
        NodeUnderTest.requireRootAndFuse();
        node = new NodeUnderTest(directory);
        node.startWithPool(2);
        volume = node.createVolume("data", 16 * MIB);
        node.stage(volume, "data");
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

    private NodePublishVolumeRequest.Builder publish(String pod) throws Exception {
        return node.publishRequest(volume, "data", pod);
    }

    @Test
    void aTargetThatIsSomethingElseIsRefusedAndLeftAlone() throws Exception {
        Path file = node.target("file");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "precious");
        refused(Status.Code.FAILED_PRECONDITION, "found a file", () -> node.publish(volume, "data", "file"));
        refused(Status.Code.FAILED_PRECONDITION, "8 bytes", () -> {
            node.unpublish(volume, "file");
            return true;
        });
        assertThat(file).hasContent("precious");

        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("file"), "precious");
        Path link = node.target("link");
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, elsewhere);
        refused(Status.Code.FAILED_PRECONDITION, "found a symbolic link", () -> node.publish(volume, "data", "link"));
        node.unpublish(volume, "link");
        assertThat(link).doesNotExist();
        assertThat(elsewhere.resolve("file")).hasContent("precious");

        Path full = node.target("full");
        Files.createDirectories(full);
        Files.writeString(full.resolve("file"), "precious");
        refused(Status.Code.FAILED_PRECONDITION, "entries in it", () -> {
            node.unpublish(volume, "full");
            return true;
        });
        assertThat(full.resolve("file")).hasContent("precious");

        Path mounted = node.target("mounted");
        Files.createDirectories(mounted);
        node.bash("mount -t tmpfs other " + mounted);
        refused(Status.Code.FAILED_PRECONDITION, "type tmpfs", () -> node.publish(volume, "data", "mounted"));
        refused(Status.Code.FAILED_PRECONDITION, "type tmpfs", () -> {
            node.unpublish(volume, "mounted");
            return true;
        });
        node.bash("umount " + mounted);

        refused(
                Status.Code.INVALID_ARGUMENT,
                "below",
                () -> node.node()
                        .nodePublishVolume(publish("x").setTargetPath("/tmp").build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "without dots",
                () -> node.node()
                        .nodePublishVolume(publish("x")
                                .setTargetPath(directory + "/pods/../escape")
                                .build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "absolute",
                () -> node.node()
                        .nodePublishVolume(publish("x").setTargetPath("pods/x").build()));
        node.unpublish(volume, "never-published");

        Path otherName = Files.createSymbolicLink(directory.resolve("kubelet"), directory);
        var published = node.node()
                .nodePublishVolume(publish("linked")
                        .setTargetPath(otherName.resolve("pods/linked/mount").toString())
                        .build());
        assertThat(published).isNotNull();
        Files.writeString(node.target("linked").resolve("file"), "through a link");
        node.unpublish(volume, "linked");
        assertThat(node.target("linked")).doesNotExist();
    }

    @Test
    void whatIsThereAlreadyIsComparedWithWhatIsAskedFor() throws Exception {
        Path pod = node.publish(volume, "data", "pod-1");
        assertThat(node.publish(volume, "data", "pod-1")).isEqualTo(pod);
        refused(
                Status.Code.ALREADY_EXISTS,
                "for writing",
                () -> node.node()
                        .nodePublishVolume(publish("pod-1").setReadonly(true).build()));
        var ignored = node.node()
                .nodePublishVolume(publish("pod-ro").setReadonly(true).build());
        node.bash("! touch " + node.target("pod-ro") + "/x 2> message; grep -q 'Read-only' message; touch " + pod
                + "/y; test -e " + node.target("pod-ro") + "/y");
        refused(
                Status.Code.ALREADY_EXISTS,
                "unstage it first",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(volume, "data")
                                .setVolumeCapability(NodeUnderTest.mount(Mode.SINGLE_NODE_MULTI_WRITER, "noatime"))
                                .build()));
        VolumeCapability single = NodeUnderTest.mount(Mode.SINGLE_NODE_SINGLE_WRITER);
        refused(
                Status.Code.FAILED_PRECONDITION,
                "ReadWriteOncePod",
                () -> node.node()
                        .nodePublishVolume(
                                publish("pod-3").setVolumeCapability(single).build()));
        String other = node.createVolume("other", MIB);
        refused(
                Status.Code.FAILED_PRECONDITION,
                "found volume",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "data").build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "to be staged there",
                () -> node.node()
                        .nodePublishVolume(
                                node.publishRequest(other, "data", "pod-4").build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "expected volume " + other,
                () -> node.node()
                        .nodeUnpublishVolume(NodeUnpublishVolumeRequest.newBuilder()
                                .setVolumeId(other)
                                .setTargetPath(pod.toString())
                                .build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "expected volume " + other,
                () -> node.node()
                        .nodeUnstageVolume(NodeUnstageVolumeRequest.newBuilder()
                                .setVolumeId(other)
                                .setStagingTargetPath(node.staging("data").toString())
                                .build()));
        assertThat(pod.resolve("y")).exists();
    }

    @Test
    void wishesThatCannotBeGrantedAreRefusedWithTheReason() throws Exception {
        String other = node.createVolume("other", MIB);
        refused(
                Status.Code.FAILED_PRECONDITION,
                "one node",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "other")
                                .setVolumeCapability(NodeUnderTest.mount(Mode.MULTI_NODE_MULTI_WRITER))
                                .build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "raw block",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "other")
                                .setVolumeCapability(VolumeCapability.newBuilder()
                                        .setBlock(VolumeCapability.BlockVolume.getDefaultInstance())
                                        .setAccessMode(NodeUnderTest.writer().getAccessMode()))
                                .build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found sync",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "other")
                                .setVolumeCapability(NodeUnderTest.mount(Mode.SINGLE_NODE_WRITER, "noatime,sync"))
                                .build()));
        refused(
                Status.Code.INVALID_ARGUMENT,
                "found compression",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other, "other")
                                .putVolumeContext("compression", "zstd")
                                .build()));
        refused(
                Status.Code.NOT_FOUND,
                "no such volume",
                () -> node.node()
                        .nodeStageVolume(
                                node.stageRequest("somebody-elses", "other").build()));
        refused(
                Status.Code.NOT_FOUND,
                "no such volume",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest(other + "x", "other").build()));
        refused(
                Status.Code.FAILED_PRECONDITION,
                "are its disks attached",
                () -> node.node()
                        .nodeStageVolume(node.stageRequest("01234567-89ab-cdef-0123-456789abcdef/v", "other")
                                .build()));
        var ignored = node.node()
                .nodeStageVolume(node.stageRequest(other, "other")
                        .setVolumeCapability(NodeUnderTest.mount(Mode.SINGLE_NODE_WRITER, "noatime", "nosuid,nodev"))
                        .putVolumeContext("storage.kubernetes.io/csiProvisionerIdentity", "x")
                        .build());
        assertThat(node.bash("grep other/globalmount /proc/self/mountinfo")).contains("nosuid,nodev,noatime");
    }

    @Test
    void twoCallsForOneVolumeDoNotMeet() throws Exception {
        String other = node.createVolume("other", MIB);
        node.freezeEngine();
        CompletableFuture<Status.Code> first = CompletableFuture.supplyAsync(() -> {
            StatusRuntimeException failure =
                    catchThrowableOfType(StatusRuntimeException.class, () -> node.stage(other, "other"));
            return failure == null ? Status.Code.OK : failure.getStatus().getCode();
        });
        node.await("the first call is at work", () -> {
            StatusRuntimeException failure =
                    catchThrowableOfType(StatusRuntimeException.class, () -> node.unstage(other, "other"));
            return failure != null
                    && failure.getStatus().getCode() == Status.Code.ABORTED
                    && String.valueOf(failure.getStatus().getDescription()).contains("NodeStageVolume at work");
        });
        assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(Status.Code.UNAVAILABLE);
        node.thawEngine();
        node.awaitEngineReady();
        node.stage(other, "other");
    }
}
