package io.dynamicfs.engine.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.tree.NodeCache;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeContext;
import io.dynamicfs.engine.tree.TreeEditor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileMapTest {
    private static final int SPACE = 600;
    private static final long INODE = 7;

    private final TreeEditor tree = Tree.empty(
                    new TreeContext(
                            pointer -> {
                                throw new AssertionError("nothing is stored");
                            },
                            new NodeCache(1 << 20)),
                    1)
            .edit();
    private final Map<Long, Integer> released = new HashMap<>();

    @BeforeEach
    void surroundTheFileWithOthers() {
        for (long inode : new long[] {INODE - 1, INODE + 1}) {
            tree.put(VolumeKeys.inode(inode), new byte[] {1});
            FileMap.put(tree, inode, 0, new Slice.OfExtent(SPACE, 500 + inode, 0));
            FileMap.put(tree, inode, SPACE, new Slice.OfExtent(SPACE, 600 + inode, 0));
        }
        tree.put(VolumeKeys.inode(INODE), new byte[] {1});
    }

    @Test
    void dataAndHolesAreFoundFromAnywhere() {
        FileMap.put(tree, INODE, 10, new Slice.OfExtent(20, 1, 0));
        FileMap.put(tree, INODE, 30, new Slice.OfExtent(20, 2, 0));
        FileMap.put(tree, INODE, 80, new Slice.OfExtent(10, 1, 20));
        assertThat(FileMap.dataFrom(tree, INODE, 0, 500)).isEqualTo(10);
        assertThat(FileMap.dataFrom(tree, INODE, 29, 500)).isEqualTo(29);
        assertThat(FileMap.dataFrom(tree, INODE, 50, 500)).isEqualTo(80);
        assertThat(FileMap.dataFrom(tree, INODE, 50, 60)).isEqualTo(60);
        assertThat(FileMap.dataFrom(tree, INODE, 90, 500)).isEqualTo(500);
        assertThat(FileMap.holeFrom(tree, INODE, 9, 500)).isEqualTo(9);
        assertThat(FileMap.holeFrom(tree, INODE, 15, 500)).isEqualTo(50);
        assertThat(FileMap.holeFrom(tree, INODE, 15, 40)).isEqualTo(40);
        assertThat(FileMap.holeFrom(tree, INODE, 89, 500)).isEqualTo(90);
    }

    /** Where each byte of the file is: an extent and the offset in it, or an inline byte, or nothing. */
    private static final class Model {
        private final long[] extent = new long[SPACE];
        private final int[] at = new int[SPACE];

        /** Returns how many bytes went, and counts those of extents. */
        int clear(int from, int to, Map<Long, Integer> gone) {
            int count = 0;
            for (int i = from; i < to; i++) {
                count += extent[i] != 0 ? 1 : 0;
                if (extent[i] > 0) {
                    gone.merge(extent[i], 1, Integer::sum);
                }
                extent[i] = 0;
                at[i] = 0;
            }
            return count;
        }
    }

    private void assertSame(Model model, long seed) {
        Model found = new Model();
        long end = 0;
        for (FileMap.Placed placed : FileMap.slices(tree, INODE, 0, Long.MAX_VALUE)) {
            assertThat(placed.offset())
                    .as("seed %d: slices do not overlap", seed)
                    .isGreaterThanOrEqualTo(end);
            end = placed.end();
            for (int i = 0; i < placed.slice().length(); i++) {
                int byteOfFile = (int) placed.offset() + i;
                switch (placed.slice()) {
                    case Slice.OfExtent(int ignored, long extent, int offset) -> {
                        found.extent[byteOfFile] = extent;
                        found.at[byteOfFile] = offset + i;
                    }
                    case Slice.Inline(byte[] bytes) -> {
                        found.extent[byteOfFile] = -1;
                        found.at[byteOfFile] = bytes[i];
                    }
                }
            }
        }
        assertThat(found.extent).as("seed %d", seed).isEqualTo(model.extent);
        assertThat(found.at).as("seed %d", seed).isEqualTo(model.at);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void punchingAndPuttingChangeExactlyTheirRange(long seed) {
        Random random = new Random(seed);
        Model model = new Model();
        Map<Long, Integer> expected = new HashMap<>();
        long nextExtent = 1;
        for (int i = 0; i < 400; i++) {
            int from = random.nextInt(SPACE);
            int to = from + 1 + random.nextInt(Math.min(SPACE - from, 120));
            boolean toTheEnd = random.nextInt(20) == 0;
            int modelTo = toTheEnd ? SPACE : to;
            long removed = FileMap.punch(tree, INODE, from, toTheEnd ? Long.MAX_VALUE : to, released);
            assertThat(removed).as("seed %d, step %d", seed, i).isEqualTo(model.clear(from, modelTo, expected));
            switch (random.nextInt(4)) {
                case 0 -> {
                    byte[] bytes = new byte[to - from];
                    random.nextBytes(bytes);
                    FileMap.put(tree, INODE, from, new Slice.Inline(bytes));
                    for (int b = from; b < to; b++) {
                        model.extent[b] = -1;
                        model.at[b] = bytes[b - from];
                    }
                }
                case 1, 2 -> {
                    int offset = random.nextInt(1000);
                    FileMap.put(tree, INODE, from, new Slice.OfExtent(to - from, nextExtent, offset));
                    for (int b = from; b < to; b++) {
                        model.extent[b] = nextExtent;
                        model.at[b] = offset + b - from;
                    }
                    nextExtent++;
                }
                default -> {
                    // A hole stays.
                }
            }
            assertSame(model, seed);
            assertThat(released).as("seed %d, step %d", seed, i).isEqualTo(expected);
            slicesOfARangeAreThoseThatShowAnyOfIt(random, seed);
        }
        assertThat(FileMap.slices(tree, INODE + 1, 0, Long.MAX_VALUE)).hasSize(2);
        assertThat(FileMap.slices(tree, INODE - 1, 0, Long.MAX_VALUE)).hasSize(2);
    }

    private void slicesOfARangeAreThoseThatShowAnyOfIt(Random random, long seed) {
        int from = random.nextInt(SPACE);
        int to = from + 1 + random.nextInt(SPACE - from);
        List<Long> expected = FileMap.slices(tree, INODE, 0, Long.MAX_VALUE).stream()
                .filter(placed -> placed.offset() < to && placed.end() > from)
                .map(FileMap.Placed::offset)
                .toList();
        assertThat(FileMap.slices(tree, INODE, from, to))
                .as("seed %d: %d to %d", seed, from, to)
                .extracting(FileMap.Placed::offset)
                .isEqualTo(expected);
    }

    @Test
    void aHoleInTheMiddleLeavesBothEndsOfTheExtent() {
        FileMap.put(tree, INODE, 100, new Slice.OfExtent(50, 9, 1000));
        assertThat(FileMap.punch(tree, INODE, 110, 120, released)).isEqualTo(10);
        assertThat(FileMap.slices(tree, INODE, 0, 1000))
                .containsExactly(
                        new FileMap.Placed(100, new Slice.OfExtent(10, 9, 1000)),
                        new FileMap.Placed(120, new Slice.OfExtent(30, 9, 1020)));
        assertThat(released).containsExactly(Map.entry(9L, 10));
    }

    @Test
    void anEmptyRangeChangesNothing() {
        FileMap.put(tree, INODE, 100, new Slice.OfExtent(50, 9, 1000));
        assertThat(FileMap.punch(tree, INODE, 110, 110, released)).isZero();
        assertThat(FileMap.slices(tree, INODE, 0, 1000))
                .containsExactly(new FileMap.Placed(100, new Slice.OfExtent(50, 9, 1000)));
        assertThat(released).isEmpty();
    }

    @Test
    void theSliceAtAnOffsetIsNeverThatOfAnotherFile() {
        assertThat(FileMap.at(tree, INODE, 5000)).isNull();
        FileMap.put(tree, INODE, 10, new Slice.Inline(new byte[] {1, 2}));
        assertThat(FileMap.at(tree, INODE, 9)).isNull();
        assertThat(FileMap.at(tree, INODE, 5000))
                .extracting(FileMap.Placed::offset)
                .isEqualTo(10L);
        assertThat(Arrays.asList(FileMap.at(tree, INODE + 2, 0))).containsOnlyNulls();
    }
}
