package io.dynamicfs.daemon.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writers that go on until the file system under them dies. A file is noted in the manifest when its fsync has returned, so
 * that the manifest holds exactly what was promised to be there afterwards.
 */
final class SyncedWriters {
    private static final int FILE_BYTES_MAX = 256 << 10;

    private final Path directory;
    private final List<Thread> threads = new ArrayList<>();
    private final Manifest synced = new Manifest();
    private final AtomicInteger started = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    SyncedWriters(Path directory) {
        this.directory = directory;
    }

    void start(int count) throws IOException {
        Files.createDirectories(directory);
        for (int i = 0; i < count; i++) {
            int writer = i;
            threads.add(Thread.ofPlatform().daemon().name("writer-" + i).start(() -> write(writer)));
        }
    }

    void join() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }

    Manifest synced() {
        return synced;
    }

    /** Files that a writer had begun, the synced ones included. */
    int started() {
        return started.get();
    }

    long syncedBytes() {
        return bytes.get();
    }

    private void write(int writer) {
        Random random = new Random(writer);
        try {
            for (int i = 0; ; i++) {
                byte[] content = new byte[1 + random.nextInt(FILE_BYTES_MAX)];
                random.nextBytes(content);
                Path name = Path.of("w" + writer + "-" + i);
                started.incrementAndGet();
                writeAndSync(directory.resolve(name), content);
                synced.add(name, Manifest.hash(content));
                bytes.addAndGet(content.length);
            }
        } catch (IOException e) {
            // The engine was killed: the end that the demo is waiting for.
        }
    }

    private static void writeAndSync(Path file, byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            channel.force(true);
        }
    }
}
