package io.dynamicfs.daemon.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.format.Redundancy;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine refuses before a pool is touched, and what it leaves for the next one. */
class EngineTest {
    private static final long DISK_BYTES = 32L << 20;

    @TempDir
    Path directory;

    private Engine engine;

    @BeforeEach
    void start() throws EngineException {
        engine = Engine.start(settings());
    }

    @AfterEach
    void stop() {
        engine.close();
    }

    @Test
    void aSecondEngineAtTheSameSocketIsRefusedAndTheFirstIsNamed() {
        assertThatThrownBy(() -> Engine.start(settings()))
                .asInstanceOf(InstanceOfAssertFactories.type(EngineException.class))
                .satisfies(refusal -> assertThat(refusal.reason()).isEqualTo(EngineException.Reason.ENGINE_RUNNING))
                .satisfies(refusal -> assertThat(refusal)
                        .hasMessageContaining(
                                "process id " + ProcessHandle.current().pid()));
    }

    @Test
    void anEngineMayFollowOneThatHasEnded() throws EngineException {
        engine.close();
        engine = Engine.start(settings());
        assertThat(engine.registry().pools()).isEmpty();
    }

    @Test
    void aPoolThatIsNotOpenIsNamedTogetherWithTheCommandThatOpensIt() {
        assertRefused(
                        PoolException.Reason.POOL_NOT_FOUND,
                        () -> engine.registry().find("tank"))
                .hasMessageContaining("dynamicfs pool open tank DISK...");
    }

    @Test
    void aDiskThatDoesNotExistIsRefused() {
        assertRefused(PoolException.Reason.DISK_NOT_FOUND, () -> create(directory.resolve("none.img")));
    }

    @Test
    void aDirectoryIsNoDisk() {
        assertRefused(PoolException.Reason.DISK_NOT_FOUND, () -> create(directory));
    }

    @Test
    void aDiskThatIsTooSmallIsRefused() throws IOException {
        assertRefused(PoolException.Reason.DISK_TOO_SMALL, () -> create(image("small.img", 1 << 20)));
    }

    @Test
    void aDiskUnderTwoNamesIsRefused() throws IOException {
        Path disk = image("a.img", DISK_BYTES);
        Path alias = Files.createSymbolicLink(directory.resolve("alias.img"), disk);
        Path twin = Files.createLink(directory.resolve("twin.img"), disk);
        assertRefused(PoolException.Reason.DISK_TWICE, () -> create(disk, alias))
                .hasMessageContaining("a.img")
                .hasMessageContaining("alias.img");
        assertRefused(PoolException.Reason.DISK_TWICE, () -> create(disk, twin));
    }

    @Test
    void aDiskWithForeignContentIsRefusedUntilThatContentIsNamed() throws Exception {
        Path foreign = image("xfs.img", DISK_BYTES);
        try (RandomAccessFile file = new RandomAccessFile(foreign.toFile(), "rw")) {
            file.writeBytes("XFSB");
        }
        Path unused = image("unused.img", DISK_BYTES);
        assertRefused(PoolException.Reason.DISK_FOREIGN, () -> create(foreign, unused))
                .hasMessageContaining("--overwrite \"XFS\"");
        engine.createPool("tank", Redundancy.replicas(2), true, List.of(foreign, unused), List.of("XFS"));
        assertThat(engine.registry().find("tank").pool().status().healthy()).isTrue();
    }

    @Test
    void memoryGoesWithACleanCloseAndStaysWhenAPoolWasOnlyLookedAt() throws Exception {
        List<Path> disks = List.of(image("a.img", DISK_BYTES), image("b.img", DISK_BYTES));
        OpenPool pool = engine.createPool("tank", Redundancy.replicas(2), true, disks, List.of());
        Path memory = settings().memoryDirectory().resolve(pool.id() + ".memory");
        assertThat(memory).exists();
        engine.closePool("tank");
        assertThat(memory).doesNotExist();
        image("memory/" + memory.getFileName(), settings().memoryBytes());
        engine.openPool("tank", disks, new OpenOptions(null, false, null, true));
        engine.closePool("tank");
        assertThat(memory).exists();
    }

    @Test
    void openingDisksThatHoldNoPoolIsRefused() throws IOException {
        List<Path> disks = List.of(image("a.img", DISK_BYTES), image("b.img", DISK_BYTES));
        assertRefused(PoolException.Reason.POOL_NOT_FOUND, () -> engine.openPool("tank", disks, OpenOptions.DEFAULT));
    }

    @Test
    void aRefusalLeavesNoDiskHeldAndNoMemoryBehind() throws IOException {
        Path disk = image("a.img", DISK_BYTES);
        assertRefused(PoolException.Reason.DISK_NOT_FOUND, () -> create(disk, directory.resolve("none.img")));
        assertRefused(
                PoolException.Reason.POOL_NOT_FOUND, () -> engine.openPool("", List.of(disk), OpenOptions.DEFAULT));
        try (var memory = Files.list(settings().memoryDirectory())) {
            assertThat(memory).isEmpty();
        }
    }

    @Test
    void aPoolThatCannotBeOpenedAgainIsReportedAndNotForgotten() throws Exception {
        engine.close();
        EngineState.PoolEntry gone = new EngineState.PoolEntry(
                "00000000-0000-0000-0000-000000000001",
                "tank",
                List.of(directory.resolve("gone.img").toString()),
                false,
                false);
        new EngineState(List.of(gone), List.of())
                .save(settings().stateDirectory().resolve("open.json"));
        for (int i = 0; i < 2; i++) {
            engine = Engine.start(settings());
            assertThat(engine.failedPools())
                    .singleElement()
                    .satisfies(failed -> assertThat(failed.name()).isEqualTo("tank"))
                    .satisfies(failed -> assertThat(failed.reason()).isEqualTo("POOL_NOT_FOUND"));
            engine.close();
        }
        engine = Engine.start(settings());
    }

    private void create(Path... disks) throws PoolException, EngineException {
        engine.createPool("tank", Redundancy.replicas(2), true, List.of(disks), List.of());
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
            PoolException.Reason reason, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PoolException.class,
                        refusal -> assertThat(refusal.reason()).isEqualTo(reason))
                .hasMessageContaining("expected");
    }

    private Path image(String name, long bytes) throws IOException {
        Path image = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return image;
    }

    private EngineSettings settings() {
        return new EngineSettings(
                directory.resolve("engine.sock"),
                directory.resolve("state"),
                directory.resolve("memory"),
                8 << 20,
                1,
                1,
                Transports.KERNEL);
    }
}
