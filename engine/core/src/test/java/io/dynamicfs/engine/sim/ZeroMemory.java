package io.dynamicfs.engine.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Memory of zeros that costs nothing until it is touched, so that thousands of machines can be forked. */
final class ZeroMemory {
    private ZeroMemory() {}

    static MemorySegment allocate(Arena arena, long bytes) {
        try {
            Path file = Files.createTempFile("dynamicfs-sim", ".zeros");
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                channel.truncate(0);
                channel.write(ByteBuffer.allocate(1), bytes - 1);
                return channel.map(MapMode.PRIVATE, 0, bytes, arena);
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
