package io.dynamicfs.engine.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.PoolSpec;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.StoragePool;
import io.dynamicfs.engine.fs.VolumeSpec;
import io.dynamicfs.engine.fuse.Negotiated;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.Mounts;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Servers that die after a request has taken effect and before its reply has left. The kernel sends the request to the
 * successor, which must not do it a second time: the caller would see an error, or the opposite of what it asked for.
 */
@SuppressWarnings("NullAway.Init")
class ResentRequestIT {
    private static final long CONNECTION = 0x1d1e_ace5_5e5aL;
    private static final int WAIT_SECONDS = 60;
    private static final ThreadFactory THREADS =
            Thread.ofPlatform().daemon().name("server-", 0).factory();

    @TempDir
    Path directory;

    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private final SurvivorMemory survivor = new SurvivorMemory(Arena.ofAuto().allocate(8 << 20, 4096));
    private final EngineContext context =
            new EngineContext(InstantSource.system(), new Random(3), ResentRequestIT::runInline);
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile Set<String> deadly = Set.of();
    private volatile CountDownLatch died = new CountDownLatch(1);
    private int kept;
    private StoragePool pool;
    private VolumeMount server;
    private Negotiated negotiated;

    private interface Call {
        void run() throws Exception;
    }

    private static List<@Nullable DeviceException> runInline(List<IoRunner.Task> tasks) {
        List<@Nullable DeviceException> results = new ArrayList<>();
        for (IoRunner.Task task : tasks) {
            try {
                task.action().run();
                results.add(null);
            } catch (DeviceException e) {
                results.add(e);
            }
        }
        return results;
    }

    @BeforeAll
    static void requireMachine() throws IOException {
        Machine.requireMounts();
    }

    @BeforeEach
    void mount() throws Exception {
        for (int i = 0; i < 3; i++) {
            disks.add(new MemoryBlockDevice("disk" + i, 24 << 20));
        }
        pool = StoragePool.create(context, disks, new PoolSpec("pool", Redundancy.replicas(2), true), survivor);
        pool.createVolume(new VolumeSpec("v", 0, 0, null));
        FuseDevice fuse = FuseDevice.open();
        Mounts.mount(
                "pool/v",
                directory,
                "fuse.dynamicfs",
                0,
                "fd=" + fuse.fd() + ",rootmode=40000,user_id=0,group_id=0,default_permissions,max_read=1048576");
        kept = fuse.fd();
        serve(null);
        negotiated = server.negotiated();
    }

    @AfterEach
    void unmount() throws Exception {
        FileDescriptors.close(kept);
        Mounts.unmount(directory, Mounts.FORCE | Mounts.DETACH | Mounts.NO_FOLLOW);
        end.countDown();
        pool.close();
    }

    private void serve(@Nullable Negotiated resumed) throws Exception {
        VolumeMount.Spec spec = new VolumeMount.Spec("pool/v", directory, Set.of(), CONNECTION, 1);
        server = VolumeMount.serve(
                mortal(pool.volume("v")), spec, FileDescriptors.duplicate(kept), resumed, THREADS, () -> {});
    }

    /** The volume, whose server dies right after the next call of {@link #deadly} has done its work. */
    private PosixVolume mortal(PosixVolume volume) {
        return (PosixVolume) Proxy.newProxyInstance(
                PosixVolume.class.getClassLoader(), new Class<?>[] {PosixVolume.class}, (proxy, method, arguments) -> {
                    Object result = invoke(volume, method, arguments);
                    if (deadly.contains(method.getName())) {
                        deadly = Set.of();
                        died.countDown();
                        end.await();
                    }
                    return result;
                });
    }

    private static @Nullable Object invoke(PosixVolume volume, Method method, Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(volume, arguments);
        } catch (InvocationTargetException e) {
            throw Objects.requireNonNullElse(e.getCause(), e);
        }
    }

    /** Runs a call whose server dies in {@code method}; its successor answers. */
    private void acrossDeath(String method, boolean commits, Call call) throws Exception {
        died = new CountDownLatch(1);
        deadly = Set.of(method);
        FutureTask<Boolean> caller = new FutureTask<>(() -> {
            call.run();
            return true;
        });
        THREADS.newThread(caller).start();
        assertThat(died.await(WAIT_SECONDS, TimeUnit.SECONDS)).as(method).isTrue();
        if (commits) {
            pool.commit();
            pool.commit();
        }
        pool = StoragePool.open(context, disks, new OpenOptions(null, false, null, false, true), survivor);
        serve(negotiated);
        assertThat(caller.get(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private List<String> names() throws Exception {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void nothingIsDoneTwice() throws Exception {
        for (boolean commits : List.of(false, true)) {
            Path made = directory.resolve("directory");
            acrossDeath("make", commits, () -> Files.createDirectory(made));
            Path file = directory.resolve("file");
            acrossDeath(
                    "make",
                    commits,
                    () -> Files.writeString(file, "content", StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
            assertThat(names()).containsExactly("directory", "file");

            Path link = directory.resolve("link");
            acrossDeath("link", commits, () -> Files.createLink(link, file));
            assertThat(Files.getAttribute(file, "unix:nlink")).isEqualTo(2);
            Path symlink = directory.resolve("symlink");
            acrossDeath("symlink", commits, () -> Files.createSymbolicLink(symlink, file));
            Path moved = directory.resolve("moved");
            acrossDeath("rename", commits, () -> Files.move(file, moved));
            assertThat(names()).containsExactly("directory", "link", "moved", "symlink");

            UserDefinedFileAttributeView attributes =
                    Files.getFileAttributeView(moved, UserDefinedFileAttributeView.class);
            attributes.write("a", StandardCharsets.UTF_8.encode("value"));
            acrossDeath("removeXattr", commits, () -> attributes.delete("a"));
            assertThat(attributes.list()).isEmpty();
            acrossDeath("write", commits, () -> Files.writeString(moved, "changed"));
            assertThat(Files.readString(link)).isEqualTo("changed");

            acrossDeath("unlink", commits, () -> Files.delete(link));
            acrossDeath("unlink", commits, () -> Files.delete(symlink));
            acrossDeath("unlink", commits, () -> Files.delete(moved));
            acrossDeath("removeDirectory", commits, () -> Files.delete(made));
            assertThat(names()).isEmpty();
        }
    }

    @Test
    void theNextServerIsAskedForAFileThatIsOpenAndHasNoName() throws Exception {
        Path file = directory.resolve("file");
        try (var open = Files.newByteChannel(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            open.write(StandardCharsets.UTF_8.encode("content"));
            acrossDeath("unlink", true, () -> Files.delete(file));
            Files.writeString(directory.resolve("other"), "later");
            awaitCommits();
            assertThat(open.size()).isEqualTo(7);
            open.position(0).write(StandardCharsets.UTF_8.encode("CONTENT"));
            assertThat(pool.volumes().getFirst().usedInodes()).isEqualTo(3);
        }
        // It is freed as soon as nobody has it open.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (pool.volumes().getFirst().usedInodes() != 2) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            pool.commit();
            Thread.sleep(20);
        }
    }

    /** Long enough that the kernel has been asked. */
    private void awaitCommits() throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1500);
        while (System.nanoTime() < until) {
            pool.commit();
            Thread.sleep(20);
        }
    }
}
