package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Archives, version control, packages and builds on a mounted volume print what they print on ext4. */
@Timeout(900)
final class ToolsIT {
    private static final long DISK_BYTES = 512L << 20;

    @TempDir
    Path directory;

    private EngineUnderTest engine;
    private Path mount;
    private Path ext4;

    @BeforeEach
    void mountBoth() throws Exception {
        EngineUnderTest.requireRootAndFuse();
        EngineUnderTest.requireTool("mkfs.ext4");
        EngineUnderTest.requireTool("python3");
        engine = new EngineUnderTest(directory).start();
        engine.succeed("pool create tank --redundancy 4+2 " + engine.images(6, DISK_BYTES));
        engine.succeed("volume create tank/v");
        mount = engine.mount("tank/v");
        ext4 = engine.mountExt4(1L << 30);
        engine.script("tools.sh");
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "archives, tar cpio rsync getfattr setfacl",
        "versions, git",
        "packages, dpkg-deb",
        "build, bash",
        "maven, mvn"
    })
    void workGivesWhatItGivesOnExt4(String work, String tools) throws Exception {
        for (String tool : tools.split(" ", -1)) {
            EngineUnderTest.requireTool(tool);
        }
        assertThat(answers(mount, work)).isEqualTo(answers(ext4, work));
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    private String answers(Path fileSystem, String work) throws IOException, InterruptedException {
        Path place = Files.createDirectory(fileSystem.resolve("place"));
        return engine.bash("cd " + place + " && timeout 280 bash " + directory.resolve("tools.sh") + " " + work + " "
                + System.getProperty("java.home"));
    }
}
