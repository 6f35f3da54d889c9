package io.dynamicfs.daemon.demo;

import io.dynamicfs.control.v1.CheckEvent;
import io.dynamicfs.control.v1.CheckReport;
import io.dynamicfs.control.v1.CheckRequest;
import io.dynamicfs.control.v1.Counters;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.CreateVolumeRequest;
import io.dynamicfs.control.v1.DestroyPoolRequest;
import io.dynamicfs.control.v1.DiskHealth;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.GetPoolRequest;
import io.dynamicfs.control.v1.MountRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.UnmountRequest;
import io.dynamicfs.daemon.demo.DemoReport.Step;
import io.dynamicfs.daemon.terminal.ProgressBar;
import io.dynamicfs.daemon.terminal.Sizes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a newcomer is shown: files that survive two disks and the death of the engine. It uses the engine as anybody would,
 * through its control socket and its mount.
 */
public final class Demo {
    private static final String POOL = "demo";
    private static final String VOLUME = "files";
    private static final String REDUNDANCY = "4+2";
    private static final int DISKS = 6;
    private static final long DISK_BYTES = 320L << 20;
    private static final int CLEAN_UP_SECONDS_MAX = 30;
    private static final List<Integer> DOOMED = List.of(1, 4);
    private static final int WRITERS = 2;
    private static final int SYNCED_FILES_BEFORE_KILL = 60;
    private static final int WRITE_SECONDS_MAX = 30;
    private static final int WRONG_SHOWN = 10;

    private final Path directory;
    private final boolean keep;
    private final Consumer<Step> listener;
    private final ProgressBar bar;
    private final List<Path> disks = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();
    private final Manifest manifest = new Manifest();
    private final Path mountPoint;
    private @Nullable EngineChild engine;
    private volatile boolean interrupted;

    /** Works in {@code directory}, which it makes and, unless {@code keep}, removes. {@code listener} hears of each step. */
    public Demo(Path directory, boolean keep, Consumer<Step> listener, ProgressBar bar) {
        this.directory = directory;
        this.keep = keep;
        this.listener = listener;
        this.bar = bar;
        this.mountPoint = directory.resolve("mnt");
    }

    public DemoReport run() throws IOException, InterruptedException, DemoFailure {
        boolean finished = false;
        CountDownLatch cleanedUp = new CountDownLatch(1);
        Thread interruption = interruption(Thread.currentThread(), cleanedUp);
        Runtime.getRuntime().addShutdownHook(interruption);
        try {
            makeDisks();
            startEngine();
            makeVolume();
            copyTree();
            remount();
            destroyDisksWhileReading();
            verifyWithoutThem();
            SyncedWriters writers = killWhileWriting();
            restart();
            verifyAgain(writers);
            check();
            finished = true;
            return new DemoReport(steps, directory.toString(), keep);
        } catch (IOException | DemoFailure | RuntimeException e) {
            if (interrupted) {
                // The engine and the mount heard the same signal: what failed then says nothing.
                throw new InterruptedException();
            }
            throw e;
        } finally {
            bar.close();
            if (!(keep && finished)) {
                // An interruption has done its work: cleaning up waits for processes.
                Thread.interrupted();
                cleanUp();
            }
            cleanedUp.countDown();
            retract(interruption);
        }
    }

    /** Ctrl-C ends the step at work; the process ends when everything is cleaned up. */
    private Thread interruption(Thread worker, CountDownLatch cleanedUp) {
        return Thread.ofPlatform().name("demo-interruption").unstarted(() -> {
            interrupted = true;
            worker.interrupt();
            try {
                cleanedUp.await(CLEAN_UP_SECONDS_MAX, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static void retract(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already.
        }
    }

    /** The process id of the engine that a kept demo leaves running. */
    public long enginePid() {
        return running().pid();
    }

    public Path mountPoint() {
        return mountPoint;
    }

    private void makeDisks() throws IOException, InterruptedException, DemoFailure {
        step("make " + DISKS + " image-file disks", () -> {
            Files.createDirectories(mountPoint);
            for (int i = 0; i < DISKS; i++) {
                Path disk = directory.resolve("disk" + i + ".img");
                try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
                    file.setLength(DISK_BYTES);
                }
                disks.add(disk);
            }
            return Sizes.human(DISK_BYTES) + " each";
        });
    }

    private void startEngine() throws IOException, InterruptedException, DemoFailure {
        step("start the engine", () -> {
            engine = EngineChild.start(directory);
            return "process " + running().pid();
        });
    }

    private void makeVolume() throws IOException, InterruptedException, DemoFailure {
        step("make a pool and a volume, mount it", () -> {
            control()
                    .createPool(CreatePoolRequest.newBuilder()
                            .setName(POOL)
                            .setRedundancy(REDUNDANCY)
                            .addAllDisks(disks.stream().map(Path::toString).toList())
                            .build());
            control()
                    .createVolume(CreateVolumeRequest.newBuilder()
                            .setPool(POOL)
                            .setName(VOLUME)
                            .build());
            mount();
            return REDUNDANCY + ", any two disks may die";
        });
    }

    private void copyTree() throws IOException, InterruptedException, DemoFailure {
        step("copy a real tree into it", () -> {
            SourceTree tree = SourceTree.choose(directory.resolve("generated"));
            long copied = 0;
            for (SourceTree.SourceFile file : tree.files()) {
                copy(file);
                copied += file.bytes();
                bar.at("copying", copied, tree.bytes());
            }
            return manifest.size() + " files, " + Sizes.human(tree.bytes()) + ", SHA-256 of each noted";
        });
    }

    private void copy(SourceTree.SourceFile file) throws IOException {
        Path target = mountPoint.resolve(file.name());
        Files.createDirectories(target.getParent());
        MessageDigest digest = Manifest.sha256();
        try (InputStream in = Files.newInputStream(file.origin());
                OutputStream out = new DigestOutputStream(Files.newOutputStream(target), digest)) {
            in.transferTo(out);
        }
        manifest.add(file.name(), HexFormat.of().formatHex(digest.digest()));
    }

    /** Nothing that is read from now on can come from the kernel's page cache. */
    private void remount() throws IOException, InterruptedException, DemoFailure {
        step("unmount and mount again", () -> {
            unmount();
            mount();
            return "the kernel's cache is empty";
        });
    }

    private void destroyDisksWhileReading() throws IOException, InterruptedException, DemoFailure {
        step("overwrite disks " + DOOMED.getFirst() + " and " + DOOMED.getLast() + " while it is read", () -> {
            CompletableFuture<Void> destruction = CompletableFuture.runAsync(this::destroyDisks);
            Manifest.Verification verification =
                    manifest.verify(mountPoint, done -> bar.at("reading", done, manifest.size()));
            destruction.join();
            insistOnAll(verification);
            return verification.files() + " files read meanwhile, every hash right";
        });
    }

    private void destroyDisks() {
        try {
            for (int disk : DOOMED) {
                DiskDestroyer.destroy(disks.get(disk), disk, gone -> {});
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void verifyWithoutThem() throws IOException, InterruptedException, DemoFailure {
        step("read everything without the two disks", () -> {
            unmount();
            mount();
            insistOnAll(manifest.verify(mountPoint, done -> bar.at("reading", done, manifest.size())));
            Counters counters = pool().getCounters();
            return manifest.size() + " files, every hash right; " + counters.getReconstructedReads()
                    + " reads (" + Sizes.human(counters.getReconstructedBytes()) + ") reconstructed, "
                    + counters.getRepairedFragments() + " fragments and " + counters.getRepairedNodes()
                    + " nodes repaired";
        });
    }

    private SyncedWriters killWhileWriting() throws IOException, InterruptedException, DemoFailure {
        SyncedWriters writers = new SyncedWriters(mountPoint.resolve("written-until-the-kill"));
        step("kill -9 the engine in the middle of writes", () -> {
            writers.start(WRITERS);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WRITE_SECONDS_MAX);
            while (writers.synced().size() < SYNCED_FILES_BEFORE_KILL && System.nanoTime() < deadline) {
                bar.at("writing", writers.synced().size(), SYNCED_FILES_BEFORE_KILL);
                TimeUnit.MILLISECONDS.sleep(5);
            }
            running().kill();
            writers.join();
            return writers.synced().size() + " files (" + Sizes.human(writers.syncedBytes()) + ") had been fsynced";
        });
        return writers;
    }

    private void restart() throws IOException, InterruptedException, DemoFailure {
        step("start it again; it opens and mounts by itself", () -> {
            engine = EngineChild.start(directory);
            Pool pool = pool();
            long failed = pool.getDisksList().stream()
                    .filter(disk -> disk.getHealth() == DiskHealth.DISK_HEALTH_FAILED)
                    .count();
            return "generation " + pool.getGeneration() + ", " + failed + " of " + DISKS + " disks lost, "
                    + pool.getCounters().getOperationsRecovered() + " answered operations taken over";
        });
    }

    private void verifyAgain(SyncedWriters writers) throws IOException, InterruptedException, DemoFailure {
        step("verify again", () -> {
            Path written = mountPoint.resolve("written-until-the-kill");
            insistOnAll(manifest.verify(mountPoint, done -> bar.at("reading", done, manifest.size())));
            insistOnAll(writers.synced().verify(written, done -> {}));
            return manifest.size() + " + " + writers.synced().size() + " files, every hash right";
        });
    }

    private void check() throws IOException, InterruptedException, DemoFailure {
        step("check every structure and fragment", () -> {
            CheckReport report = CheckReport.getDefaultInstance();
            Iterator<CheckEvent> events = control()
                    .check(CheckRequest.newBuilder().setPool(POOL).setData(true).build());
            while (events.hasNext()) {
                CheckEvent event = events.next();
                if (event.hasProgress()) {
                    bar.at(
                            "checking",
                            event.getProgress().getDone(),
                            event.getProgress().getTotal());
                } else {
                    report = event.getReport();
                }
            }
            if (report.getLost() > 0) {
                throw new DemoFailure("expected nothing lost, found: " + report.getFindingsList());
            }
            return report.getExtents() + " extents, nothing lost, " + report.getRepairable() + " findings to repair";
        });
    }

    private void mount() {
        control()
                .mount(MountRequest.newBuilder()
                        .setPool(POOL)
                        .setVolume(VOLUME)
                        .setMountPoint(mountPoint.toString())
                        .build());
    }

    private void unmount() {
        control()
                .unmount(UnmountRequest.newBuilder()
                        .setMountPoint(mountPoint.toString())
                        .build());
    }

    private Pool pool() {
        return control().getPool(GetPoolRequest.newBuilder().setPool(POOL).build());
    }

    private EngineControlBlockingStub control() {
        return running().client().engine();
    }

    private EngineChild running() {
        if (engine == null) {
            throw new IllegalStateException("the engine was not started");
        }
        return engine;
    }

    private static void insistOnAll(Manifest.Verification verification) throws DemoFailure {
        List<String> wrong = verification.wrong();
        if (!wrong.isEmpty()) {
            throw new DemoFailure("expected all of " + verification.files() + " files as they were written, found "
                    + wrong.size() + " wrong:\n"
                    + String.join("\n", wrong.subList(0, Math.min(WRONG_SHOWN, wrong.size()))));
        }
    }

    private void cleanUp() throws IOException, InterruptedException {
        if (engine != null) {
            tryToDestroyPool();
            engine.stop();
        }
        // A mount that is still there must not be emptied by the deletion below.
        new ProcessBuilder("umount", "-l", mountPoint.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        deleteTree();
    }

    private void tryToDestroyPool() {
        try {
            control()
                    .unmount(UnmountRequest.newBuilder()
                            .setMountPoint(mountPoint.toString())
                            .setForce(true)
                            .build());
            control()
                    .destroyPool(DestroyPoolRequest.newBuilder()
                            .setPool(POOL)
                            .setConfirmName(POOL)
                            .build());
        } catch (RuntimeException e) {
            // The demo failed earlier and says so; the disks are files that are deleted now.
        }
    }

    private void deleteTree() throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    private interface Work {
        String run() throws IOException, InterruptedException, DemoFailure;
    }

    private void step(String what, Work work) throws IOException, InterruptedException, DemoFailure {
        long start = System.nanoTime();
        String detail;
        try {
            bar.at(what, 0, 0);
            detail = work.run();
        } catch (io.grpc.StatusRuntimeException e) {
            throw new DemoFailure("step \"" + what + "\": " + e.getStatus().getDescription() + "\nthe engine's log:\n"
                    + running().logTail());
        } catch (DemoFailure e) {
            throw new DemoFailure("step \"" + what + "\": " + e.getMessage());
        }
        bar.close();
        Step step = new Step(what, detail, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
        steps.add(step);
        listener.accept(step);
    }
}
