package io.dynamicfs.csi;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.csi.v1.ControllerGrpc;
import io.dynamicfs.csi.v1.CreateVolumeRequest;
import io.dynamicfs.csi.v1.IdentityGrpc;
import io.dynamicfs.csi.v1.NodeGrpc;
import io.dynamicfs.csi.v1.NodePublishVolumeRequest;
import io.dynamicfs.csi.v1.NodeStageVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnpublishVolumeRequest;
import io.dynamicfs.csi.v1.NodeUnstageVolumeRequest;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.v1.VolumeCapability.AccessMode.Mode;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** A node: loop devices as its disks, a real engine and a real node plugin in processes of their own. */
final class NodeUnderTest {
    static final String NODE = "node-a";
    static final String POOL = "tank";

    private static final long DISK_BYTES = 128L << 20;
    private static final int START_SECONDS = 60;
    private static final int COMMAND_SECONDS = 120;
    private static final Path BY_ID = Path.of("/dev/disk/by-id");

    private final Path root;
    private final Path memory;
    private final List<String> loops = new ArrayList<>();
    private final List<Path> links = new ArrayList<>();
    private final EventLoopGroup eventLoops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ControlClient control;
    private ManagedChannel channel;
    private @Nullable Process engine;
    private @Nullable Process plugin;
    private List<String> pluginOptions = List.of("--unmount-grace", "2s");

    /** {@code root} takes the part of the kubelet's directory and of /run/dynamicfs. */
    NodeUnderTest(Path root) throws IOException {
        this.root = root.toRealPath();
        this.memory = Files.createTempDirectory(Path.of("/dev/shm"), "dynamicfs-csi-");
        this.control = new ControlClient(socket("engine/engine.sock"));
        this.channel = channel();
        Files.createDirectories(this.root.resolve("pods"));
    }

    /** Ends the test with the reason when the machine cannot run it. */
    static void requireRootAndFuse() {
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "needs root: mounts and loop devices");
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/fuse")), "needs /dev/fuse: load the module fuse");
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/loop-control")), "needs loop devices: load the module loop");
    }

    void pluginOptions(String... options) {
        pluginOptions = List.of(options);
    }

    /** Disks, engine, plugin and a pool of copies on two of them each. */
    NodeUnderTest startWithPool(int disks) throws Exception {
        startPlugin();
        startEngine();
        addDisks(disks);
        Pool pool = engine().createPool(CreatePoolRequest.newBuilder()
                .setName(POOL)
                .setRedundancy("2x")
                .addAllDisks(links.stream().map(Path::toString).toList())
                .build());
        assertThat(pool.getName()).isEqualTo(POOL);
        awaitEngineReady();
        return this;
    }

    void addDisks(int count) throws Exception {
        Files.createDirectories(BY_ID);
        for (int i = 0; i < count; i++) {
            Path image = root.resolve("disk" + loops.size() + ".img");
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(DISK_BYTES);
            }
            String loop = bash("losetup -f --show " + image).strip();
            Path link = BY_ID.resolve("dynamicfs-test-" + memory.getFileName() + "-" + loops.size());
            loops.add(loop);
            links.add(Files.createSymbolicLink(link, Path.of(loop)));
        }
    }

    /** All disks of the node are pulled out; nobody has them open. */
    void detachDisks() throws Exception {
        for (Path link : links) {
            Files.delete(link);
        }
        for (String loop : loops) {
            bash("losetup -d " + loop);
        }
        links.clear();
        loops.clear();
    }

    Path root() {
        return root;
    }

    Path socket(String name) {
        return root.resolve(name);
    }

    Path csiSocket() {
        return socket("csi.sock");
    }

    void startEngine() throws IOException {
        engine = java(
                "engine.log",
                "io.dynamicfs.daemon.DynamicfsMain",
                "engine",
                "--socket",
                socket("engine/engine.sock").toString(),
                "--state-dir",
                socket("engine/state").toString(),
                "--memory-dir",
                memory.toString(),
                "--memory-size",
                "32M",
                "--keeper",
                socket("keeper/keeper.sock").toString());
    }

    void startPlugin() throws Exception {
        List<String> arguments = new ArrayList<>(List.of(
                "node",
                "--node-name",
                NODE,
                "--kubelet-root",
                root.toString(),
                "--engine-socket",
                socket("engine/engine.sock").toString(),
                "--keeper-socket",
                socket("keeper/keeper.sock").toString(),
                "--engine-uid",
                "0",
                "--endpoint",
                csiSocket().toString(),
                "--http-port",
                Integer.toString(port()),
                "--disk-names",
                "dynamicfs-test-" + memory.getFileName() + "-*",
                "--without-kubernetes"));
        arguments.addAll(pluginOptions);
        plugin = java("plugin.log", "io.dynamicfs.csi.CsiMain", arguments.toArray(String[]::new));
        await("the plugin answers", () -> {
            channel.resetConnectBackoff();
            return identity()
                    .getPluginInfo(io.dynamicfs.csi.v1.GetPluginInfoRequest.getDefaultInstance())
                    .getName()
                    .equals(Driver.NAME);
        });
    }

    /** The plugin has seen this engine and has given it everything. */
    void awaitEngineReady() throws Exception {
        await("the engine is ready", () -> http("/metrics").contains("dynamicfs_csi_engine_ready 1"));
    }

    void awaitEngineDown() throws Exception {
        await("the engine is down", () -> http("/metrics").contains("dynamicfs_csi_engine_ready 0"));
    }

    void killEngine() throws Exception {
        kill(engine);
    }

    void stopEngine() throws Exception {
        signal(engine, "TERM");
        if (engine != null) {
            assertThat(engine.waitFor(START_SECONDS, TimeUnit.SECONDS)).isTrue();
        }
    }

    void killPlugin() throws Exception {
        kill(plugin);
    }

    int stopPlugin() throws Exception {
        signal(plugin, "TERM");
        if (plugin == null || !plugin.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the plugin does not end");
        }
        return plugin.exitValue();
    }

    void freezeEngine() throws Exception {
        signal(engine, "STOP");
    }

    void thawEngine() throws Exception {
        signal(engine, "CONT");
    }

    EngineControlBlockingStub engine() throws Exception {
        await("the engine answers", () -> {
            control.reconnect();
            return !control.engine()
                    .withDeadlineAfter(2, TimeUnit.SECONDS)
                    .getEngineInfo(GetEngineInfoRequest.getDefaultInstance())
                    .getInstance()
                    .isEmpty();
        });
        return control.engine();
    }

    IdentityGrpc.IdentityBlockingStub identity() {
        return IdentityGrpc.newBlockingStub(channel);
    }

    ControllerGrpc.ControllerBlockingStub controller() {
        return ControllerGrpc.newBlockingStub(channel);
    }

    NodeGrpc.NodeBlockingStub node() {
        return NodeGrpc.newBlockingStub(channel);
    }

    static VolumeCapability mount(Mode mode, String... flags) {
        return VolumeCapability.newBuilder()
                .setMount(VolumeCapability.MountVolume.newBuilder().addAllMountFlags(List.of(flags)))
                .setAccessMode(VolumeCapability.AccessMode.newBuilder().setMode(mode))
                .build();
    }

    static VolumeCapability writer() {
        return mount(Mode.SINGLE_NODE_MULTI_WRITER);
    }

    CreateVolumeRequest.Builder newVolume(String name, long bytes) {
        CreateVolumeRequest.Builder request = CreateVolumeRequest.newBuilder()
                .setName(name)
                .addVolumeCapabilities(writer())
                .putParameters("pool", POOL);
        request.getCapacityRangeBuilder().setRequiredBytes(bytes);
        return request;
    }

    /** Makes a volume; returns its handle. */
    String createVolume(String name, long bytes) {
        return controller()
                .createVolume(newVolume(name, bytes).build())
                .getVolume()
                .getVolumeId();
    }

    Path staging(String name) {
        return root.resolve("plugins/kubernetes.io/csi").resolve(name).resolve("globalmount");
    }

    Path target(String pod) {
        return root.resolve("pods").resolve(pod).resolve("mount");
    }

    NodeStageVolumeRequest.Builder stageRequest(String volume, String name) throws IOException {
        Files.createDirectories(staging(name).getParent());
        return NodeStageVolumeRequest.newBuilder()
                .setVolumeId(volume)
                .setStagingTargetPath(staging(name).toString())
                .setVolumeCapability(writer());
    }

    void stage(String volume, String name) throws IOException {
        var ignored = node().nodeStageVolume(stageRequest(volume, name).build());
    }

    NodePublishVolumeRequest.Builder publishRequest(String volume, String name, String pod) throws IOException {
        Files.createDirectories(target(pod).getParent());
        return NodePublishVolumeRequest.newBuilder()
                .setVolumeId(volume)
                .setStagingTargetPath(staging(name).toString())
                .setTargetPath(target(pod).toString())
                .setVolumeCapability(writer());
    }

    /** Publishes and returns where a pod finds the volume. */
    Path publish(String volume, String name, String pod) throws IOException {
        var ignored = node().nodePublishVolume(publishRequest(volume, name, pod).build());
        return target(pod);
    }

    void unpublish(String volume, String pod) {
        var ignored = node().nodeUnpublishVolume(NodeUnpublishVolumeRequest.newBuilder()
                .setVolumeId(volume)
                .setTargetPath(target(pod).toString())
                .build());
    }

    void unstage(String volume, String name) {
        var ignored = node().nodeUnstageVolume(NodeUnstageVolumeRequest.newBuilder()
                .setVolumeId(volume)
                .setStagingTargetPath(staging(name).toString())
                .build());
    }

    /** Runs a shell command, which must succeed; returns what it printed. */
    String bash(String command) throws Exception {
        Process process = new ProcessBuilder("bash", "-euo", "pipefail", "-c", command)
                .directory(root.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS))
                .as(command)
                .isTrue();
        assertThat(process.exitValue()).as(command + "\n" + output).isZero();
        return output;
    }

    String log(String name) throws IOException {
        return Files.readString(root.resolve(name));
    }

    /** What ends a wait is often seen before the line that says so is written. */
    void awaitLog(String name, String text) throws Exception {
        await(name + " says " + text, () -> log(name).contains(text));
    }

    /** Waits for a condition; what it throws meanwhile counts as no. */
    void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        Exception last = null;
        while (System.nanoTime() < deadline) {
            try {
                if (condition.call()) {
                    return;
                }
            } catch (StatusRuntimeException | IOException e) {
                last = e;
            }
            Thread.sleep(50);
        }
        throw new AssertionError(
                "expected that " + what + " within " + START_SECONDS + " s\n"
                        + bash("tail -n 25 engine.log plugin.log || true"),
                last);
    }

    /** Ends the processes and takes away mounts, loop devices and links, whatever state a test left them in. */
    void clean() throws Exception {
        channel.shutdownNow();
        control.close();
        kill(plugin);
        if (engine != null) {
            signal(engine, "CONT");
            kill(engine);
        }
        String mounts = bash("cut -d' ' -f5 /proc/self/mountinfo | grep '^" + root + "/' | tac || true");
        for (String mount : mounts.lines().toList()) {
            bash("umount -l '" + mount + "' || true");
        }
        for (String loop : loops) {
            bash("losetup -d " + loop + " || true");
        }
        for (Path link : links) {
            Files.deleteIfExists(link);
        }
        bash("rm -rf " + memory);
        boolean ignored =
                eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
    }

    String http(String path) throws IOException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
                                    .timeout(Duration.ofSeconds(5))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private int port() {
        return 20_000 + (int) (ProcessHandle.current().pid() % 20_000);
    }

    private ManagedChannel channel() {
        return NettyChannelBuilder.forAddress(
                        new DomainSocketAddress(csiSocket().toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(eventLoops)
                .usePlaintext()
                .build();
    }

    private Process java(String log, String main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-Xmx512m",
                "-cp",
                absoluteClassPath(),
                main));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(root.resolve(log).toFile()))
                .start();
    }

    private static String absoluteClassPath() {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            entries.add(Path.of(entry).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, entries);
    }

    private static void kill(@Nullable Process process) throws InterruptedException {
        if (process != null) {
            process.destroyForcibly();
            process.waitFor();
        }
    }

    private void signal(@Nullable Process process, String name) throws Exception {
        if (process != null && process.isAlive()) {
            bash("kill -" + name + " " + process.pid());
        }
    }
}
