package io.dynamicfs.bench.nullfs;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;

/** Memory in blocks of 64 KiB. It is address space until it is written to. */
final class Blocks {
    static final int BYTES = 1 << 16;

    private final MemorySegment memory;
    private final ArrayDeque<Integer> freed = new ArrayDeque<>();
    private int next;

    private Blocks(MemorySegment memory) {
        this.memory = memory;
    }

    /** Room for {@code bytes} in a file without a name in {@code directory}, which is best on tmpfs. */
    static Blocks in(Path directory, long bytes) throws IOException {
        Path file = Files.createTempFile(directory, "blocks", "");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return new Blocks(channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, Arena.global()));
        } finally {
            Files.delete(file);
        }
    }

    /** A block of zeros, or -1 when there is none left. */
    synchronized int take() {
        if (!freed.isEmpty()) {
            int block = freed.pop();
            at(block).fill((byte) 0);
            return block;
        }
        return (next + 1L) * BYTES <= memory.byteSize() ? next++ : -1;
    }

    synchronized void give(int block) {
        freed.push(block);
    }

    synchronized long free() {
        return memory.byteSize() / BYTES - next + freed.size();
    }

    long total() {
        return memory.byteSize() / BYTES;
    }

    MemorySegment at(int block) {
        return memory.asSlice((long) block * BYTES, BYTES);
    }
}
