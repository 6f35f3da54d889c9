package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mounts outlive the engine, and they outlive the plugin. */
final class TakeoverIT {
    private static final long MIB = 1L << 20;

    @TempDir
    Path directory;

    private NodeUnderTest node;
    private String volume = "";

    @BeforeEach
    void start() throws Exception {
        NodeUnderTest.requireRootAndFuse();
        node = new NodeUnderTest(directory);
        node.startWithPool(3);
        volume = node.createVolume("data", 64 * MIB);
        node.stage(volume, "data");
    }

    @AfterEach
    void clean() throws Exception {
        if (node != null) {
            node.clean();
        }
    }

    @Test
    void aWriterNoticesNothingOfThreeDeathsOfTheEngine() throws Exception {
        Path pod = node.publish(volume, "data", "pod-1");
        Process writer = new ProcessBuilder(
                        "bash",
                        "-euo",
                        "pipefail",
                        "-c",
                        "i=0; while [ ! -e " + directory + "/stop ]; do i=$((i+1)); head -c 20000 /dev/urandom > " + pod
                                + "/f$((i % 200)); [ $((i % 10)) -ne 0 ] || sync " + pod + "/f$((i % 200));"
                                + " cat " + pod + "/f$((i % 200)) > /dev/null; done; cd " + pod
                                + "; sha256sum f* > " + directory + "/sums; echo $i")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("writer.log").toFile())
                .start();
        for (int round = 1; round <= 3; round++) {
            Thread.sleep(300);
            node.killEngine();
            node.startEngine();
            int resumed = round;
            node.await(
                    "the connection is resumed",
                    () -> node.log("plugin.log")
                                    .lines()
                                    .filter(line -> line.contains("event=connection-resumed"))
                                    .count()
                            >= resumed);
        }
        Files.createFile(directory.resolve("stop"));
        assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(writer.exitValue()).as(node.log("writer.log")).isZero();
        node.bash("cd " + pod + " && sha256sum --quiet -c " + directory + "/sums");
        node.unpublish(volume, "pod-1");
        node.unstage(volume, "data");
        node.stage(volume, "data");
        Path again = node.publish(volume, "data", "pod-2");
        node.bash("cd " + again + " && sha256sum --quiet -c " + directory + "/sums");
    }

    @Test
    void mountsOutliveThePluginAndThenTheEngine() throws Exception {
        Path pod = node.publish(volume, "data", "pod-1");
        Files.writeString(pod.resolve("file"), "kept");
        node.killPlugin();
        assertThat(pod.resolve("file")).hasContent("kept");
        node.startPlugin();
        node.awaitEngineReady();
        node.await(
                "the descriptor is kept again",
                () -> node.log("plugin.log").contains("event=connections-kept-again count=1"));
        node.stage(volume, "data");
        assertThat(node.publish(volume, "data", "pod-1")).isEqualTo(pod);
        node.killEngine();
        node.startEngine();
        assertThat(pod.resolve("file")).hasContent("kept");
        assertThat(node.stopPlugin()).isZero();
        assertThat(pod.resolve("file")).hasContent("kept");
        Files.delete(node.socket("keeper/connections.json"));
        node.startPlugin();
        node.awaitEngineReady();
        node.await(
                "the record is made again",
                () -> node.log("keeper/connections.json").contains(volume));
        node.stage(volume, "data");
        node.unpublish(volume, "pod-1");
        node.unstage(volume, "data");
        node.await(
                "the connection is forgotten",
                () -> !node.log("keeper/connections.json").contains(volume));
    }

    @Test
    void aMountThatLostBothIsReplaced() throws Exception {
        Path pod = node.publish(volume, "data", "pod-1");
        Files.writeString(pod.resolve("file"), "kept");
        node.bash("sync " + pod + "/file");
        node.killPlugin();
        node.killEngine();
        node.bash("! stat -f " + pod);
        node.startPlugin();
        node.startEngine();
        node.awaitEngineReady();
        node.stage(volume, "data");
        Path next = node.publish(volume, "data", "pod-2");
        assertThat(next.resolve("file")).hasContent("kept");
        assertThat(node.publish(volume, "data", "pod-1").resolve("file")).hasContent("kept");
        node.unpublish(volume, "pod-1");
        assertThat(pod).doesNotExist();
        assertThat(node.log("plugin.log")).contains("event=mount-lost");
    }
}
