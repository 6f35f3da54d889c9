package io.dynamicfs.daemon.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures a directory in one of its own below it, which is removed in the end. Reads and random writes go past the page cache
 * (O_DIRECT) where the file system can do that.
 */
public final class DirectoryBench implements AutoCloseable {
    static final int SMALL_BYTES = 4096;
    static final long APPENDED_BYTES_MAX = 64L << 20;

    private static final int LARGE_BYTES = 1 << 20;
    private static final int ALIGNMENT = 4096;
    private static final int FILES_PER_DIRECTORY = 500;
    private static final double MEDIAN = 0.5;
    private static final double WORST = 0.99;

    private final Path work;
    private final BenchSettings settings;
    private final long seed;
    private final Consumer<String> listener;
    private final List<Measurement> measurements = new ArrayList<>();
    private final @Nullable OpenOption direct;
    private volatile boolean stopped;

    /** Makes a directory to work in. {@code listener} hears what is measured next. */
    public DirectoryBench(Path directory, BenchSettings settings, long seed, Consumer<String> listener)
            throws IOException {
        this.work = Files.createTempDirectory(directory, ".dynamicfs-bench-");
        this.settings = settings;
        this.seed = seed;
        this.listener = listener;
        this.direct = wayPastTheCache();
    }

    /** Whether reads came from the file system itself rather than from the page cache. */
    public boolean direct() {
        return direct != null;
    }

    /** Has {@link #run} end soon with an {@link InterruptedException}; from any thread. */
    public void stop() {
        stopped = true;
    }

    public List<Measurement> run() throws IOException, InterruptedException {
        sequentialWrite();
        sequentialRead();
        random("random-read", "random read 4 KiB", false);
        random("random-write", "random write 4 KiB", true);
        append();
        smallFiles();
        return List.copyOf(measurements);
    }

    /** Removes everything that was made. */
    @Override
    public void close() throws IOException {
        Files.walkFileTree(work, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private void sequentialWrite() throws IOException, InterruptedException {
        listener.accept("sequential write");
        ByteBuffer buffer = filled(LARGE_BYTES);
        long start = System.nanoTime();
        Latencies latencies = new Latencies();
        try (FileChannel channel = FileChannel.open(large(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < settings.fileBytes(); at += LARGE_BYTES) {
                insistOnGoingOn();
                long before = System.nanoTime();
                int bytes = (int) Math.min(LARGE_BYTES, settings.fileBytes() - at);
                writeFully(channel, buffer.clear().limit(bytes), at);
                latencies.add(System.nanoTime() - before);
            }
            channel.force(false);
        }
        add(
                "sequential-write",
                "sequential write 1 MiB, then fsync",
                settings.fileBytes(),
                System.nanoTime() - start,
                List.of(latencies));
    }

    private void sequentialRead() throws IOException, InterruptedException {
        listener.accept("sequential read");
        ByteBuffer buffer = aligned(LARGE_BYTES);
        long start = System.nanoTime();
        Latencies latencies = new Latencies();
        long bytes = 0;
        try (FileChannel channel = FileChannel.open(large(), options(StandardOpenOption.READ))) {
            while (bytes < settings.fileBytes() && !isOver(start)) {
                insistOnGoingOn();
                long before = System.nanoTime();
                int read = channel.read(buffer.clear(), bytes);
                if (read <= 0) {
                    break;
                }
                bytes += read;
                latencies.add(System.nanoTime() - before);
            }
        }
        add("sequential-read", "sequential read 1 MiB", bytes, System.nanoTime() - start, List.of(latencies));
    }

    private void random(String name, String title, boolean writes) throws IOException, InterruptedException {
        listener.accept(title);
        List<Latencies> threads = new ArrayList<>();
        List<Future<?>> running = new ArrayList<>();
        long start = System.nanoTime();
        try (ExecutorService executor = Executors.newFixedThreadPool(settings.threads())) {
            for (int i = 0; i < settings.threads(); i++) {
                Latencies latencies = new Latencies();
                threads.add(latencies);
                SplittableRandom random = new SplittableRandom(seed + i);
                running.add(executor.submit(() -> {
                    randomly(writes, random, start, latencies);
                    return null;
                }));
            }
            for (Future<?> each : running) {
                await(each);
            }
        }
        long operations = threads.stream().mapToLong(Latencies::operations).sum();
        add(name, title + ", " + settings.threads() + " threads", operations * SMALL_BYTES, elapsed(start), threads);
        insistOnGoingOn();
    }

    private void randomly(boolean writes, SplittableRandom random, long start, Latencies latencies) throws IOException {
        ByteBuffer buffer = filled(SMALL_BYTES);
        long blocks = settings.fileBytes() / SMALL_BYTES;
        StandardOpenOption way = writes ? StandardOpenOption.WRITE : StandardOpenOption.READ;
        try (FileChannel channel = FileChannel.open(large(), options(way))) {
            for (long left = blocks / settings.threads(); left > 0 && !isOver(start) && !stopped; left--) {
                long at = random.nextLong(blocks) * SMALL_BYTES;
                long before = System.nanoTime();
                if (writes) {
                    writeFully(channel, buffer.clear(), at);
                } else {
                    channel.read(buffer.clear(), at);
                }
                latencies.add(System.nanoTime() - before);
            }
        }
    }

    private void append() throws IOException, InterruptedException {
        listener.accept("append and fsync");
        ByteBuffer buffer = filled(SMALL_BYTES);
        long start = System.nanoTime();
        Latencies latencies = new Latencies();
        long bytes = 0;
        try (FileChannel channel =
                FileChannel.open(work.resolve("appended"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            while (bytes < APPENDED_BYTES_MAX && !isOver(start)) {
                insistOnGoingOn();
                long before = System.nanoTime();
                writeFully(channel, buffer.clear(), bytes);
                channel.force(false);
                bytes += SMALL_BYTES;
                latencies.add(System.nanoTime() - before);
            }
        }
        add("append-fsync", "append 4 KiB, fsync each", bytes, System.nanoTime() - start, List.of(latencies));
    }

    private interface FileAction {
        void run(Path file) throws IOException;
    }

    private void smallFiles() throws IOException, InterruptedException {
        ByteBuffer content = filled(SMALL_BYTES);
        int directories = (settings.smallFiles() + FILES_PER_DIRECTORY - 1) / FILES_PER_DIRECTORY;
        for (int i = 0; i < directories; i++) {
            Files.createDirectory(work.resolve("d" + i));
        }
        int made = eachFile("create", "create 4 KiB files", SMALL_BYTES, settings.smallFiles(), file -> {
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                writeFully(channel, content.clear(), 0);
            }
        });
        eachFile("stat", "stat files", 0, made, file -> Files.readAttributes(file, BasicFileAttributes.class));
        eachFile("unlink", "unlink files", 0, made, Files::delete);
    }

    /** Returns how many files there was time for. */
    private int eachFile(String name, String title, int bytes, int files, FileAction action)
            throws IOException, InterruptedException {
        listener.accept(title);
        long start = System.nanoTime();
        Latencies latencies = new Latencies();
        int done = 0;
        while (done < files && !isOver(start)) {
            insistOnGoingOn();
            Path file = work.resolve("d" + done / FILES_PER_DIRECTORY).resolve("f" + done);
            long before = System.nanoTime();
            action.run(file);
            latencies.add(System.nanoTime() - before);
            done++;
        }
        add(name, title, (long) done * bytes, System.nanoTime() - start, List.of(latencies));
        return done;
    }

    private void add(String name, String title, long bytes, long nanos, List<Latencies> threads) {
        measurements.add(new Measurement(
                name,
                title,
                threads.stream().mapToLong(Latencies::operations).sum(),
                bytes,
                nanos,
                Latencies.quantile(threads, MEDIAN),
                Latencies.quantile(threads, WORST)));
    }

    private boolean isOver(long start) {
        return elapsed(start) >= settings.longest().toNanos();
    }

    private static long elapsed(long start) {
        return System.nanoTime() - start;
    }

    private void insistOnGoingOn() throws InterruptedException {
        if (stopped) {
            throw new InterruptedException();
        }
    }

    private static void await(Future<?> work) throws IOException, InterruptedException {
        try {
            work.get();
        } catch (ExecutionException failure) {
            throw failure.getCause() instanceof IOException io ? io : new IOException(failure.getCause());
        }
    }

    private Path large() {
        return work.resolve("large");
    }

    private OpenOption[] options(StandardOpenOption way) {
        return direct == null ? new OpenOption[] {way} : new OpenOption[] {way, direct};
    }

    /** The option for O_DIRECT, if the file system can do that. */
    private @Nullable OpenOption wayPastTheCache() throws IOException {
        OpenOption option = directOption();
        if (option == null) {
            return null;
        }
        Path probe = Files.createFile(work.resolve("probe"));
        try (FileChannel channel = FileChannel.open(probe, StandardOpenOption.WRITE, option)) {
            writeFully(channel, aligned(ALIGNMENT), 0);
            return option;
        } catch (IOException | UnsupportedOperationException unsupported) {
            return null;
        } finally {
            Files.delete(probe);
        }
    }

    /** By its name, as not every JDK has it. */
    private static @Nullable OpenOption directOption() {
        try {
            Object[] options =
                    Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants();
            for (Object option : options == null ? new Object[0] : options) {
                if (option instanceof OpenOption found && option.toString().equals("DIRECT")) {
                    return found;
                }
            }
            return null;
        } catch (ClassNotFoundException absent) {
            return null;
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer, long offset) throws IOException {
        for (long at = offset; buffer.hasRemaining(); ) {
            at += channel.write(buffer, at);
        }
    }

    private ByteBuffer filled(int bytes) {
        ByteBuffer buffer = aligned(bytes);
        SplittableRandom random = new SplittableRandom(seed);
        while (buffer.hasRemaining()) {
            buffer.putLong(random.nextLong());
        }
        return buffer.clear();
    }

    private static ByteBuffer aligned(int bytes) {
        return ByteBuffer.allocateDirect(bytes + ALIGNMENT)
                .alignedSlice(ALIGNMENT)
                .slice(0, bytes);
    }
}
