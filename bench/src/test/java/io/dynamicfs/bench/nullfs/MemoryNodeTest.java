package io.dynamicfs.bench.nullfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.dynamicfs.engine.fuse.FuseTime;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryNodeTest {
    private static final int BLOCKS = 8;
    private static final int REGULAR = 0100644;

    @TempDir
    Path directory;

    private Blocks blocks;
    private MemoryNode node;

    @BeforeEach
    void makeFile() throws Exception {
        blocks = Blocks.in(directory, BLOCKS * Blocks.BYTES);
        node = new MemoryNode(blocks, 2, REGULAR, 0, new byte[0], 0, 0, new FuseTime(0, 0));
    }

    @Test
    void contentIsWhatWasWrittenThroughRandomWritesAndTruncations() throws Exception {
        byte[] model = new byte[BLOCKS * Blocks.BYTES];
        int size = 0;
        long seed = 7;
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            if (random.nextInt(5) == 0) {
                int newSize = random.nextInt(model.length);
                node.resize(newSize);
                if (newSize < size) {
                    Arrays.fill(model, newSize, size, (byte) 0);
                }
                size = newSize;
            } else {
                int offset = random.nextInt(model.length);
                byte[] written = new byte[random.nextInt(1, Math.min(200_000, model.length - offset + 1))];
                random.nextBytes(written);
                node.write(offset, MemorySegment.ofArray(written));
                System.arraycopy(written, 0, model, offset, written.length);
                size = Math.max(size, offset + written.length);
            }
            byte[] read = new byte[model.length + 1];
            int count = node.read(0, MemorySegment.ofArray(read));
            assertThat(count).as("seed %d, step %d", seed, i).isEqualTo(size);
            assertThat(Arrays.equals(read, 0, count, model, 0, size))
                    .as("seed %d, step %d", seed, i)
                    .isTrue();
        }
    }

    @Test
    void blocksComeBackWithZerosWhenAFileIsCut() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate((long) BLOCKS * Blocks.BYTES).fill((byte) 1);
            node.write(0, data);
            assertThat(blocks.free()).isZero();
            assertThatExceptionOfType(Refusal.class)
                    .isThrownBy(() -> node.write(data.byteSize(), data.asSlice(0, 1)))
                    .satisfies(refusal -> assertThat(refusal.errno()).isEqualTo(Errno.ENOSPC));
            node.resize(0);
            assertThat(blocks.free()).isEqualTo(BLOCKS);
            node.resize(10);
            node.write(5, data.asSlice(0, 1));
            node.read(0, data.asSlice(0, 10));
            assertThat(data.asSlice(0, 10).toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
        }
    }
}
