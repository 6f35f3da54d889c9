package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.daemon.EngineUnderTest.Answer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An engine whose user may not mount. It runs in a mount namespace of its own, where /dev/fuse may be opened by everybody, as on
 * most hosts, whatever this one allows.
 */
@Timeout(300)
final class UnprivilegedEngineIT {
    private static final long DISK_BYTES = 96L << 20;
    private static final int USER = 65534;

    /** Ends when its input does, and its mounts with it. */
    private static final String NAMESPACE =
            "mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse && echo ready && cat";

    @TempDir
    Path directory;

    private EngineUnderTest engine;
    private Path mount;
    private Process namespace;
    private int libraryCount;

    @BeforeEach
    void prepare() throws Exception {
        EngineUnderTest.requireRootAndFuse();
        EngineUnderTest.requireLibFuse2();
        EngineUnderTest.requireTool("setpriv");
        engine = new EngineUnderTest(directory);
        namespace = new ProcessBuilder("unshare", "--mount", "--propagation", "private", "bash", "-euc", NAMESPACE)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        assertThat(namespace.inputReader().readLine()).isEqualTo("ready");
        mount = Files.createDirectory(directory.resolve("mnt-tank-v"));
        // Libraries may be in root's home.
        Files.createDirectory(directory.resolve("lib"));
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            if (!path.isEmpty() && Files.exists(Path.of(path))) {
                engine.bash("cp -r " + path + " lib/" + libraryCount++);
            }
        }
        engine.bash("chmod -R a+rX lib; chown " + USER + ":" + USER + " . mnt-tank-v; chmod 755 .");
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
        if (namespace != null) {
            namespace.destroy();
            namespace.waitFor();
        }
    }

    private List<String> inNamespace() {
        return List.of("nsenter", "--target=" + namespace.pid(), "--mount");
    }

    private List<String> asUser() {
        return Stream.concat(
                        inNamespace().stream(),
                        Stream.of("setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups"))
                .toList();
    }

    /** The command line of an engine of that user. */
    private List<String> asUser(List<String> command, String transport) {
        List<String> words = new ArrayList<>(asUser());
        words.addAll(command);
        List<String> libraries = new ArrayList<>();
        for (int i = 0; i < libraryCount; i++) {
            libraries.add(directory.resolve("lib").resolve(String.valueOf(i)).toString());
        }
        words.set(words.indexOf("-cp") + 1, String.join(File.pathSeparator, libraries));
        words.addAll(List.of("--transport=" + transport, "--memory-dir=" + directory.resolve("memory")));
        return words;
    }

    private void start(String transport) throws IOException, InterruptedException {
        engine.with(command -> asUser(command, transport)).start();
    }

    private void makeVolume() throws IOException, InterruptedException {
        String disks = engine.images(3, DISK_BYTES);
        engine.bash("chown " + USER + ":" + USER + " " + disks);
        engine.succeed("pool create tank --redundancy 3x " + disks);
        engine.succeed("volume create tank/v");
    }

    private String bashAsUser(String command) throws IOException, InterruptedException {
        return engine.bash(String.join(" ", asUser()) + " bash -euo pipefail -c '" + command + "'");
    }

    @Test
    void mountsWithTheHelpOfFusermountAndAgainAfterItWasKilled() throws Exception {
        start("jnr");
        makeVolume();
        engine.mount("tank/v");
        bashAsUser("cd " + mount + " && mkdir d && seq 100000 > d/f && ln d/f g && sync g && stat -c %u d | grep -qx "
                + USER);

        engine.kill();
        // The end of its process is told before its descriptors are closed.
        assertThat(bashAsUser("for i in $(seq 600); do stat -f " + mount
                        + " > /dev/null 2>&1 || break; sleep 0.1; done; stat -f " + mount + " 2>&1 || true"))
                .contains("not connected");
        start("jnr");

        bashAsUser("cd " + mount + " && seq 100000 | cmp - g && stat -c %h g | grep -qx 2 && rm -r d g");
        engine.succeed("umount " + mount);
        assertThat(bashAsUser("ls -A " + mount)).isEmpty();
        assertThat(engine.stop()).isZero();
    }

    @Test
    void othersSeeItOnlyWhereTheAdministratorAllowsThat() throws Exception {
        start("jnr");
        makeVolume();
        engine.mount("tank/v");

        boolean allowed = Files.readString(Path.of("/etc/fuse.conf")).lines().anyMatch("user_allow_other"::equals);
        String answer = engine.bash(String.join(" ", inNamespace()) + " ls " + mount + " 2>&1 && echo seen || true");

        assertThat(answer).contains(allowed ? "seen" : "Permission denied");
    }

    @Test
    void withoutFusermountTheOtherTransportIsNamed() throws Exception {
        start("kernel");
        makeVolume();

        Answer refused = engine.dynamicfs("mount tank/v " + mount);

        assertThat(refused.exitCode()).as(refused.err()).isEqualTo(8);
        assertThat(refused.err()).contains("--transport=jnr");
    }

    @Test
    void aDirectoryOfSomebodyElseIsRefused() throws Exception {
        start("jnr");
        makeVolume();
        Path theirs = Files.createDirectory(directory.resolve("theirs"));

        Answer refused = engine.dynamicfs("mount tank/v " + theirs);

        assertThat(refused.exitCode()).as(refused.err()).isEqualTo(8);
        assertThat(refused.err()).contains("a directory that this user may write to");
        assertThat(engine.log()).contains("fusermount");
    }
}
