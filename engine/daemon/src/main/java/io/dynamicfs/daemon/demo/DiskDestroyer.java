package io.dynamicfs.daemon.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;

/** Overwrites every byte of an image with random ones, behind the back of whoever uses it. */
final class DiskDestroyer {
    private static final int CHUNK_BYTES = 1 << 20;

    private DiskDestroyer() {}

    /** {@code progress} hears how many bytes are gone. */
    static void destroy(Path image, long seed, LongConsumer progress) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] chunk = new byte[CHUNK_BYTES];
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            long size = channel.size();
            for (long offset = 0; offset < size; offset += CHUNK_BYTES) {
                random.nextBytes(chunk);
                ByteBuffer rest = ByteBuffer.wrap(chunk, 0, (int) Math.min(CHUNK_BYTES, size - offset));
                while (rest.hasRemaining()) {
                    channel.write(rest, offset + rest.position());
                }
                progress.accept(Math.min(offset + CHUNK_BYTES, size));
            }
            channel.force(false);
        }
    }
}
