package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sanity suite of the CSI project against our processes, with real mounts. */
final class CsiSanityIT {
    private static final String MODULE = "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@v5.6.0";
    private static final Set<String> NOT_ADVERTISED = Stream.of(
                    "Controller Publish, UnpublishVolume",
                    "ControllerExpandVolume",
                    "ControllerModifyVolume",
                    "ControllerPublishVolume",
                    "ControllerUnpublishVolume",
                    "CreateSnapshot",
                    "DeleteSnapshot",
                    "GetSnapshot",
                    "GroupControllerService",
                    "ListSnapshots",
                    "Modify Volume",
                    "Modify volume",
                    "Snapshot",
                    "Volume Cloning")
            .map(feature -> feature + " not supported")
            .collect(Collectors.toSet());
    private static final Path CLUSTER_BINARIES = Path.of("/var/tmp/dynamicfs-cluster");
    private static final int BUILD_MINUTES = 10;
    private static final int RUN_MINUTES = 10;

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

    @Test
    void everySpecificationIsMet() throws Exception {
        Path suite = suite();
        Path parameters = Files.writeString(directory.resolve("parameters.yaml"), "pool: " + NodeUnderTest.POOL + "\n");
        Path log = directory.resolve("sanity.log");
        Process process = new ProcessBuilder(
                        suite.toString(),
                        "--csi.endpoint=" + node.csiSocket(),
                        "--csi.stagingdir=" + directory.resolve("sanity-staging"),
                        "--csi.mountdir=" + directory.resolve("sanity-mount"),
                        "--csi.testvolumesize=" + (4 << 20),
                        "--csi.testvolumeexpandsize=" + (8 << 20),
                        "--csi.testvolumeparameters=" + parameters,
                        "--ginkgo.no-color",
                        "--ginkgo.v")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(RUN_MINUTES, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String output = Files.readString(log);
        String summary = output.lines()
                .filter(line -> line.contains(" Passed | ") || line.startsWith("Ran "))
                .reduce("", (before, line) -> before + line + "\n");
        System.out.println("csi-sanity: " + summary);
        assertThat(process.exitValue()).as(output).isZero();
        assertThat(summary).as(output).contains("| 0 Failed |").contains("SUCCESS!");
        assertThat(skipped(output)).as("features that were skipped").isSubsetOf(NOT_ADVERTISED);
        assertThat(node.bash("cut -d' ' -f5 /proc/self/mountinfo | grep '^" + node.root() + "/' || true"))
                .as("mounts that the suite left")
                .isEmpty();
    }

    private static Set<String> skipped(String output) {
        return output.lines()
                .map(String::strip)
                .filter(line -> line.startsWith("[SKIPPED] ") && !line.startsWith("[SKIPPED] in "))
                .map(line -> line.substring("[SKIPPED] ".length()))
                .collect(Collectors.toSet());
    }

    /** The one that the cluster for tests has built, or one of our own. */
    private static Path suite() throws Exception {
        String bin = System.getenv("CLUSTER_BIN");
        List<Path> candidates = new ArrayList<>();
        if (bin != null) {
            candidates.add(Path.of(bin, "csi-sanity"));
        }
        if (Files.isDirectory(CLUSTER_BINARIES)) {
            try (DirectoryStream<Path> builds = Files.newDirectoryStream(CLUSTER_BINARIES, "bin-*")) {
                builds.forEach(build -> candidates.add(build.resolve("csi-sanity")));
            }
        }
        candidates.add(Path.of("target/go/bin/csi-sanity").toAbsolutePath());
        for (Path candidate : candidates) {
            if (Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        Path built = Objects.requireNonNull(candidates.getLast());
        Assumptions.assumeTrue(
                installed("go"), "needs Go, or CLUSTER_BIN with csi-sanity: " + MODULE + " is built with it");
        ProcessBuilder build = new ProcessBuilder("go", "install", MODULE).redirectErrorStream(true);
        build.environment().put("GOBIN", built.resolveSibling("").toString());
        build.redirectOutput(ProcessBuilder.Redirect.appendTo(
                Path.of("target/csi-sanity-build.log").toFile()));
        Process process = build.start();
        boolean ended = process.waitFor(BUILD_MINUTES, TimeUnit.MINUTES);
        process.destroyForcibly();
        Assumptions.assumeTrue(
                ended && Files.isExecutable(built), "needs " + MODULE + ", which could not be built: see target/");
        return built;
    }

    private static boolean installed(String command) throws Exception {
        return new ProcessBuilder("bash", "-c", "command -v " + command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }
}
