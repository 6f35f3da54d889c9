package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.control.v1.ClosePoolRequest;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.CreateVolumeRequest;
import io.dynamicfs.control.v1.DeleteVolumeRequest;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.GetPoolRequest;
import io.dynamicfs.control.v1.KeepConnectionsRequest;
import io.dynamicfs.control.v1.ListMountsRequest;
import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.control.v1.OpenPoolRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.control.v1.ProbeDisksRequest;
import io.dynamicfs.control.v1.ServeRequest;
import io.dynamicfs.engine.syscall.Mounts;
import io.grpc.StatusRuntimeException;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An engine without any rights beside a keeper: what it needs, and that its death is not seen in the mounts that it serves. */
@SuppressWarnings("NullAway.Init")
class KeeperIT {
    private static final int USER = 64535;
    private static final long DISK_BYTES = 256L << 20;
    private static final int DISKS = 6;
    private static final int START_SECONDS = 60;
    private static final int POLL_MILLIS = 20;

    private EngineUnderTest machine;
    private Path directory;
    private Path memory;
    private Path mount;
    private KeeperUnderTest keeper;
    private List<String> disks;
    private int healthPort;
    private final Queue<Process> prepared = new ArrayDeque<>();
    private @Nullable Process process;
    private @Nullable ControlClient client;

    @BeforeAll
    static void requireMachine() {
        EngineUnderTest.requireRootAndFuse();
        EngineUnderTest.requireTool("setpriv");
    }

    @BeforeEach
    void prepare() throws Exception {
        directory = Files.createTempDirectory("dynamicfs-keeper");
        machine = new EngineUnderTest(directory);
        memory = Files.createTempDirectory(Path.of("/dev/shm"), "dynamicfs-keeper");
        machine.bash("chmod 755 " + directory + "; mkdir -p keeper mnt engine; chown " + USER + " engine " + memory
                + "; chmod 755 keeper; chmod 700 engine");
        mount = directory.resolve("mnt");
        disks = Arrays.asList(machine.loopDevices(DISKS, DISK_BYTES).split(" ", -1));
        copyClasses();
        try (ServerSocket free = new ServerSocket(0)) {
            healthPort = free.getLocalPort();
        }
        for (int i = 0; i < ENGINES_MAX; i++) {
            prepared.add(prepareEngine());
        }
    }

    @AfterEach
    void clean() throws Exception {
        if (process != null) {
            stopEngine();
        }
        prepared.forEach(Process::destroyForcibly);
        new ProcessBuilder("umount", "-f", "-l", mount.toString()).start().waitFor();
        if (keeper != null) {
            keeper.close();
        }
        machine.clean();
        machine.bash("rm -rf --one-file-system " + memory + " lib keeper engine engine.log; rmdir mnt");
        Files.deleteIfExists(directory);
    }

    /** Another user may not read where this build's classes are. */
    private void copyClasses() throws Exception {
        StringBuilder script = new StringBuilder("mkdir lib\n");
        int index = 0;
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            if (!entry.isEmpty() && Files.exists(Path.of(entry))) {
                String name = Path.of(entry).getFileName().toString();
                script.append("cp -rL ")
                        .append(entry)
                        .append(" lib/")
                        .append(index++)
                        .append('-')
                        .append(name)
                        .append('\n');
            }
        }
        machine.bash(script + "chmod -R a+rX lib");
    }

    private String classPath() throws IOException {
        List<String> entries = new ArrayList<>();
        try (var copies = Files.list(directory.resolve("lib"))) {
            copies.forEach(copy -> entries.add(copy.toString()));
        }
        entries.sort((a, b) -> Integer.compare(number(a), number(b)));
        return String.join(File.pathSeparator, entries);
    }

    private static int number(String entry) {
        String name = Path.of(entry).getFileName().toString();
        return Integer.parseInt(name.substring(0, name.indexOf('-')));
    }

    private void startKeeper() throws IOException {
        keeper = new KeeperUnderTest(directory.resolve("keeper/keeper.sock"), USER);
    }

    /**
     * A process that becomes an engine on a line of input. All are made before anything is mounted: a fork closes the files of
     * this process that are open in the mount, and that waits for the engine which the fork is to start.
     */
    private Process prepareEngine() throws IOException {
        return new ProcessBuilder(
                        "bash",
                        "-c",
                        "read -r && exec \"$0\" \"$@\"",
                        "setpriv",
                        "--reuid=" + USER,
                        "--regid=" + USER,
                        "--clear-groups",
                        "--bounding-set=-all",
                        "--inh-caps=-all",
                        "--no-new-privs",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Xmx512m",
                        "-cp",
                        classPath(),
                        "io.dynamicfs.daemon.DynamicfsMain",
                        "engine",
                        "--socket",
                        directory.resolve("engine/engine.sock").toString(),
                        "--state-dir",
                        directory.resolve("engine/state").toString(),
                        "--memory-dir",
                        memory.resolve("memory").toString(),
                        "--memory-size",
                        "64M",
                        "--keeper",
                        directory.resolve("keeper/keeper.sock").toString(),
                        "--health-port",
                        Integer.toString(healthPort))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("engine.log").toFile()))
                .start();
    }

    private void launchEngine() throws IOException {
        process = prepared.remove();
        running().getOutputStream().write('\n');
        running().getOutputStream().close();
    }

    private EngineControlBlockingStub startEngine() throws Exception {
        launchEngine();
        return awaitEngine();
    }

    private EngineControlBlockingStub awaitEngine() throws Exception {
        ControlClient connected = new ControlClient(directory.resolve("engine/engine.sock"));
        client = connected;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (true) {
            try {
                long pid = connected
                        .engine()
                        .getEngineInfo(GetEngineInfoRequest.getDefaultInstance())
                        .getPid();
                if (pid == running().pid()) {
                    return connected.engine();
                }
            } catch (StatusRuntimeException e) {
                assertThat(running().isAlive()).as(log()).isTrue();
            }
            assertThat(System.nanoTime()).as(log()).isLessThan(deadline);
            Thread.sleep(POLL_MILLIS);
        }
    }

    private Process running() {
        return Objects.requireNonNull(process, "no engine runs");
    }

    private void killEngine() throws Exception {
        running().destroyForcibly().waitFor();
        closeClient();
    }

    private int stopEngine() throws Exception {
        running().destroy();
        if (!running().waitFor(START_SECONDS, TimeUnit.SECONDS)) {
            running().destroyForcibly().waitFor();
        }
        int exitCode = running().exitValue();
        process = null;
        closeClient();
        return exitCode;
    }

    private void closeClient() {
        if (client != null) {
            client.close();
            client = null;
        }
    }

    private String log() throws IOException {
        return Files.readString(directory.resolve("engine.log"));
    }

    private Pool createPool(EngineControlBlockingStub engine) {
        Pool pool = engine.createPool(CreatePoolRequest.newBuilder()
                .setName("tank")
                .addAllDisks(disks)
                .setRedundancy("4+2")
                .build());
        engine.createVolume(
                CreateVolumeRequest.newBuilder().setPool("tank").setName("v").build());
        return pool;
    }

    private static Pool openPool(EngineControlBlockingStub engine, List<String> disks) {
        return engine.openPool(
                OpenPoolRequest.newBuilder().setPool("tank").addAllDisks(disks).build());
    }

    private Negotiated serve(EngineControlBlockingStub engine, String connection, @Nullable Negotiated resume) {
        ServeRequest.Builder request = ServeRequest.newBuilder()
                .setPool("tank")
                .setVolume("v")
                .setConnection(connection)
                .setMountPoint(mount.toString());
        if (resume != null) {
            request.setResume(resume);
        }
        return engine.serve(request.build()).getNegotiated();
    }

    @Test
    void anEngineWithoutRightsWaitsForItsKeeperAndServesWhatThatMounts() throws Exception {
        launchEngine();
        awaitHealth("/livez", 200);
        assertThat(health("/readyz")).isEqualTo(503);
        startKeeper();
        EngineControlBlockingStub engine = awaitEngine();
        awaitHealth("/readyz", 200);
        assertThat(log()).contains("event=waiting").contains("keeper.sock, found nothing there yet");

        createPool(engine);
        String status = Files.readString(Path.of("/proc/" + running().pid() + "/status"));
        assertThat(status).containsPattern("Uid:\\s+" + USER).containsPattern("CapEff:\\s+0000000000000000");
        assertThat(keeper.opened()).containsExactlyElementsOf(disks);

        String connection = keeper.mount("tank/v", mount);
        Negotiated negotiated = serve(engine, connection, null);
        assertThat(negotiated.getMinor()).isGreaterThanOrEqualTo(31);
        assertThat(serve(engine, connection, null)).as("again").isEqualTo(negotiated);
        Files.writeString(mount.resolve("file"), "content");
        machine.bash("cp -r /etc/alternatives mnt/ && sync mnt/file && diff -r /etc/alternatives mnt/alternatives");

        assertThat(engine.listMounts(ListMountsRequest.getDefaultInstance()).getMountsList())
                .singleElement()
                .satisfies(served -> assertThat(served.getConnection()).isEqualTo(connection))
                .satisfies(served -> assertThat(served.getPath()).isEqualTo(mount.toString()));
        assertThatThrownBy(() -> engine.closePool(
                        ClosePoolRequest.newBuilder().setPool("tank").build()))
                .hasMessageContaining("Unmount first");
        assertThatThrownBy(() -> engine.deleteVolume(DeleteVolumeRequest.newBuilder()
                        .setPool("tank")
                        .setName("v")
                        .setConfirmName("v")
                        .build()))
                .hasMessageContaining("mounted");
        assertThatThrownBy(() -> serve(engine, "17", null)).hasMessageContaining("Unmount it first");
        assertThatThrownBy(() -> engine.probeDisks(ProbeDisksRequest.getDefaultInstance()))
                .hasMessageContaining("expected the names of disks");
        assertThatThrownBy(() -> openPool(engine, List.of("/dev/null"))).hasMessageContaining("open already");

        keeper.forget();
        assertThat(engine.keepConnections(KeepConnectionsRequest.getDefaultInstance())
                        .getConnectionsList())
                .containsExactly(connection);
        assertThat(keeper.kept()).containsEntry(connection, negotiated);

        // A clean end leaves the mount to the next engine.
        assertThat(stopEngine()).as(log()).isZero();
        EngineControlBlockingStub next = startEngine();
        assertThat(next.listPools(io.dynamicfs.control.v1.ListPoolsRequest.getDefaultInstance())
                        .getPoolsCount())
                .isZero();
        openPool(next, disks);
        assertThat(serve(next, connection, negotiated)).isEqualTo(negotiated);
        machine.bash("diff -r /etc/alternatives mnt/alternatives");

        // The keeper unmounts alone, and the same volume can be mounted again at once.
        keeper.forget(connection);
        Mounts.unmount(mount, Mounts.NO_FOLLOW);
        String second = keeper.mount("tank/v", mount);
        serve(next, second, null);
        assertThat(Files.readString(mount.resolve("file"))).isEqualTo("content");
        keeper.forget(second);
        Mounts.unmount(mount, Mounts.NO_FOLLOW);
        awaitNoMounts(next);
        next.closePool(ClosePoolRequest.newBuilder().setPool("tank").build());
    }

    private static void awaitNoMounts(EngineControlBlockingStub engine) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (engine.listMounts(ListMountsRequest.getDefaultInstance()).getMountsCount() > 0) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(POLL_MILLIS);
        }
    }

    @Test
    void theDeathOfTheEngineIsNotSeenByThoseWhoWork() throws Exception {
        startKeeper();
        EngineControlBlockingStub engine = startEngine();
        createPool(engine);
        String connection = keeper.mount("tank/v", mount);
        Negotiated negotiated = serve(engine, connection, null);

        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong longestNanos = new AtomicLong();
        AtomicLong operations = new AtomicLong();
        List<Thread> threads = new ArrayList<>();
        List<Writer> writers = List.of(new Writer(0), new Writer(1));
        try (FileChannel unlinked = openUnlinked()) {
            for (Writer writer : writers) {
                threads.add(worker(stop, failures, longestNanos, operations, writer::round));
            }
            for (int i = 0; i < 2; i++) {
                Names names = new Names(mount.resolve("names" + i));
                threads.add(worker(stop, failures, longestNanos, operations, names::round));
            }
            for (int kill = 0; kill < KILLS; kill++) {
                awaitProgress(operations, failures);
                killEngine();
                EngineControlBlockingStub next = startEngine();
                openPool(next, disks);
                if (kill == 1) {
                    // The successor dies before it has served anybody.
                    killEngine();
                    next = startEngine();
                    openPool(next, disks);
                }
                serve(next, connection, negotiated);
            }
            awaitProgress(operations, failures);
            stop.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).as(log()).isEmpty();
            for (Writer writer : writers) {
                writer.verify();
            }
            assertUnlinkedContent(unlinked);
        }
        System.out.println("takeover: kills=" + (KILLS + 1) + " operations=" + operations + " longestOperationMillis="
                + TimeUnit.NANOSECONDS.toMillis(longestNanos.get()));
        EngineControlBlockingStub last = clientStub();
        assertThat(last.getPool(GetPoolRequest.newBuilder().setPool("tank").build())
                        .getState())
                .isEqualTo(PoolState.POOL_STATE_HEALTHY);
        machine.bash("rm -rf mnt/* && test -z \"$(ls mnt)\"");
        keeper.forget(connection);
        Mounts.unmount(mount, Mounts.NO_FOLLOW);
        awaitNoMounts(last);
        assertThat(stopEngine()).isZero();
    }

    private static final int KILLS = 6;

    /** The first engine, one for each kill, and one that dies in between. */
    private static final int ENGINES_MAX = KILLS + 2;

    private EngineControlBlockingStub clientStub() {
        return Objects.requireNonNull(client, "no engine runs").engine();
    }

    private FileChannel openUnlinked() throws IOException {
        Path path = mount.resolve("unlinked");
        FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        channel.write(ByteBuffer.wrap(UNLINKED));
        channel.force(true);
        Files.delete(path);
        return channel;
    }

    private static final byte[] UNLINKED = new byte[300_000];

    static {
        new Random(7).nextBytes(UNLINKED);
    }

    private void assertUnlinkedContent(FileChannel channel) throws Exception {
        // Not from the kernel's cache.
        machine.bash("echo 1 > /proc/sys/vm/drop_caches");
        ByteBuffer content = ByteBuffer.allocate(UNLINKED.length + 1);
        while (content.hasRemaining() && channel.read(content, content.position()) > 0) {
            // Until the end.
        }
        assertThat(Arrays.copyOf(content.array(), content.position())).isEqualTo(UNLINKED);
    }

    private interface Round {
        void run(long number) throws IOException;
    }

    private static Thread worker(
            AtomicBoolean stop, List<Throwable> failures, AtomicLong longestNanos, AtomicLong operations, Round round) {
        return Thread.ofPlatform().start(() -> {
            try {
                for (long number = 0; !stop.get(); number++) {
                    long start = System.nanoTime();
                    round.run(number);
                    longestNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
                    operations.incrementAndGet();
                }
            } catch (Throwable e) {
                failures.add(e);
            }
        });
    }

    private static void awaitProgress(AtomicLong operations, List<Throwable> failures) throws InterruptedException {
        long target = operations.get() + 400;
        while (operations.get() < target && failures.isEmpty()) {
            Thread.sleep(POLL_MILLIS);
        }
    }

    /** Writes blocks at random places of a file, some of them synced, and knows what must be there. */
    private final class Writer {
        private static final int BYTES = 4 << 20;

        private final Path path;
        private final byte[] expected = new byte[BYTES];
        private final Random random;

        Writer(int seed) {
            path = mount.resolve("data" + seed);
            random = new Random(seed);
        }

        void round(long number) throws IOException {
            byte[] block = new byte[1 + random.nextInt(60_000)];
            random.nextBytes(block);
            int at = random.nextInt(BYTES - block.length);
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.seek(at);
                file.write(block);
                System.arraycopy(block, 0, expected, at, block.length);
                if (number % 10 == 0) {
                    file.getFD().sync();
                }
                if (number % 7 == 0) {
                    int length = Math.min(4096, BYTES - at);
                    byte[] read = new byte[(int) Math.min(length, file.length() - at)];
                    file.seek(at);
                    file.readFully(read);
                    assertThat(read).isEqualTo(Arrays.copyOfRange(expected, at, at + read.length));
                }
            }
        }

        void verify() throws Exception {
            machine.bash("sync " + path + "; echo 1 > /proc/sys/vm/drop_caches");
            byte[] read = Files.readAllBytes(path);
            assertThat(read).isEqualTo(Arrays.copyOf(expected, read.length));
        }
    }

    /** Everything of which a second execution would fail, or undo the first. */
    private static final class Names {
        private final Path root;

        Names(Path root) {
            this.root = root;
        }

        void round(long number) throws IOException {
            Path top = root.resolveSibling(root.getFileName() + "-" + number);
            Files.createDirectory(top);
            Path file = top.resolve("file");
            Files.write(file, new byte[] {1}, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Path moved = top.resolve("moved");
            Files.move(file, moved);
            Path linked = Files.createLink(top.resolve("linked"), moved);
            Files.createSymbolicLink(top.resolve("symlink"), moved);
            assertThat(Files.getAttribute(linked, "unix:nlink")).isEqualTo(2);
            try (var entries = Files.list(top)) {
                assertThat(entries.map(path -> path.getFileName().toString()))
                        .containsExactlyInAnyOrder("moved", "linked", "symlink");
            }
            Files.delete(moved);
            Files.delete(linked);
            Files.delete(top.resolve("symlink"));
            Files.delete(top);
        }
    }

    private void awaitHealth(String path, int status) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (true) {
            try {
                if (health(path) == status) {
                    return;
                }
            } catch (IOException e) {
                // Nobody listens yet.
            }
            assertThat(System.nanoTime()).as(log()).isLessThan(deadline);
            Thread.sleep(POLL_MILLIS);
        }
    }

    private int health(String path) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI uri = URI.create("http://localhost:" + healthPort + path);
            return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }
}
