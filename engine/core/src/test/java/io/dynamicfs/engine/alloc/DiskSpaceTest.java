package io.dynamicfs.engine.alloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiskSpaceTest {
    private static final int REGION = DiskSpace.REGION_BLOCKS;

    /** Where bitmaps go when they are drained, as the pool tree keeps them. */
    private final Map<Integer, long[]> stored = new HashMap<>();

    private DiskSpace space(long first, long end, long free) {
        return new DiskSpace(3, first, end, free, (disk, region) -> {
            assertThat(disk).isEqualTo(3);
            return stored.get(region);
        });
    }

    private DiskSpace empty(long first, long end) {
        return space(first, end, end - first);
    }

    private record Run(long block, int blocks) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void behavesAsASetOfBits(long seed) {
        Random random = new Random(seed);
        long first = random.nextInt(300);
        long end = first + 2 * REGION + random.nextInt(2 * REGION);
        DiskSpace space = empty(first, end);
        BitSet used = new BitSet();
        List<Run> runs = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            switch (random.nextInt(i % 1000 < 500 ? 5 : 10)) {
                case 0, 1, 2 -> {
                    int blocks = random.nextInt(4) == 0 ? 1 + random.nextInt(REGION) : 1 + random.nextInt(70);
                    long at = space.allocate(blocks);
                    if (at < 0) {
                        assertThat(longestFreeRun(used, first, end))
                                .as("seed %d, step %d: longest free run within a region", seed, i)
                                .isLessThan(blocks);
                    } else {
                        take(used, at, blocks, first, end, seed);
                        runs.add(new Run(at, blocks));
                    }
                }
                case 3 -> {
                    long at = first + random.nextInt((int) (end - first));
                    int free = used.nextSetBit((int) at) < 0 ? (int) (end - at) : used.nextSetBit((int) at) - (int) at;
                    if (free > 0) {
                        // As replay does it: exactly these, over the border of a region too.
                        int blocks = 1 + random.nextInt(Math.min(free, 200));
                        space.reserve(at, blocks);
                        take(used, at, blocks, first, end, seed);
                        runs.add(new Run(at, blocks));
                    }
                }
                case 4 -> space.drainChanged(stored::put);
                default -> {
                    if (!runs.isEmpty()) {
                        Run run = runs.remove(random.nextInt(runs.size()));
                        space.free(run.block, run.blocks);
                        used.clear((int) run.block, (int) run.block + run.blocks);
                    }
                }
            }
            assertThat(space.freeBlocks()).as("seed %d, step %d", seed, i).isEqualTo(end - first - used.cardinality());
        }
        space.drainChanged(stored::put);
        BitSet drained = new BitSet();
        stored.forEach(
                (region, words) -> BitSet.valueOf(words).stream().forEach(bit -> drained.set(region * REGION + bit)));
        assertThat(drained).as("seed %d", seed).isEqualTo(used);
    }

    private static void take(BitSet used, long at, int blocks, long first, long end, long seed) {
        assertThat(at).as("seed %d", seed).isGreaterThanOrEqualTo(first);
        assertThat(at + blocks).as("seed %d", seed).isLessThanOrEqualTo(end);
        assertThat(used.get((int) at, (int) at + blocks).cardinality())
                .as("seed %d: blocks in use of %d+%d", seed, at, blocks)
                .isZero();
        used.set((int) at, (int) at + blocks);
    }

    private static int longestFreeRun(BitSet used, long first, long end) {
        int longest = 0;
        for (long region = first / REGION; region * REGION < end; region++) {
            int to = (int) Math.min(end, (region + 1) * REGION);
            for (int at = (int) Math.max(first, region * REGION); at < to; ) {
                int free = used.nextClearBit(at);
                int taken = used.nextSetBit(free);
                int runEnd = taken < 0 ? to : Math.min(to, taken);
                longest = Math.max(longest, runEnd - free);
                at = Math.max(runEnd, free);
                if (at < to && taken >= 0) {
                    at = used.nextClearBit(taken);
                }
            }
        }
        return longest;
    }

    @Test
    void theFirstAndTheLastBlockCanBeTaken() {
        DiskSpace space = empty(256, 256 + 65);
        List<Long> taken = new ArrayList<>();
        for (int i = 0; i < 65; i++) {
            taken.add(space.allocate(1));
        }
        assertThat(taken).contains(256L, 320L).doesNotHaveDuplicates();
        assertThat(space.allocate(1)).isEqualTo(-1);
        assertThat(space.freeBlocks()).isZero();
        space.free(320, 1);
        assertThat(space.allocate(1)).isEqualTo(320);
    }

    @Test
    void aWholeRegionCanBeTakenAtOnceAndNoMore() {
        DiskSpace space = empty(100, 3 * REGION);
        assertThat(space.allocate(REGION)).isEqualTo(REGION);
        assertThat(space.allocate(REGION)).isEqualTo(2 * REGION);
        assertThat(space.allocate(REGION)).isEqualTo(-1);
        assertThat(space.allocate(REGION + 1)).isEqualTo(-1);
        assertThat(space.allocate(REGION - 100)).isEqualTo(100);
    }

    @Test
    void blocksThatAreFreeCannotBeFreedAgain() {
        DiskSpace space = empty(0, REGION);
        long at = space.allocate(10);
        space.free(at, 10);
        assertThatThrownBy(() -> space.free(at, 10)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> space.free(at + 20, 1)).hasMessageContaining("in use");
        space.reserve(5, 5);
        assertThatThrownBy(() -> space.reserve(9, 2)).hasMessageContaining("not all free");
    }

    @Test
    void blocksOutsideTheDataAreaAreRefused() {
        DiskSpace space = empty(256, 1000);
        assertThatThrownBy(() -> space.reserve(255, 1)).hasMessageContaining("outside");
        assertThatThrownBy(() -> space.reserve(999, 2)).hasMessageContaining("outside");
        assertThatThrownBy(() -> space.free(1000, 1)).hasMessageContaining("outside");
        space.reserve(256, 744);
        assertThat(space.freeBlocks()).isZero();
    }

    @Test
    void spaceThatWasFreedOverTheBorderOfRegionsIsFoundAgain() {
        DiskSpace space = empty(0, 3 * REGION);
        space.reserve(0, 3 * REGION);
        for (int block = 0; block < 3 * REGION; block += 2) {
            space.free(block, 1);
        }
        assertThat(space.allocate(2)).isEqualTo(-1);
        for (int block = 0; block < 3 * REGION; block += 2) {
            space.reserve(block, 1);
        }
        // No failed search must stand in the way of what is free now.
        space.free(REGION - 1, 2 * REGION);
        assertThat(space.allocate(REGION)).isEqualTo(REGION);
        assertThat(space.allocate(REGION - 1)).isEqualTo(2 * REGION);
    }

    @Test
    void onlyBitmapsThatChangedAreDrained() {
        DiskSpace space = empty(0, 4 * REGION);
        space.reserve(REGION + 5, 1);
        space.reserve(3 * REGION, 1);
        Map<Integer, long[]> drained = new HashMap<>();
        space.drainChanged(drained::put);
        assertThat(drained).containsOnlyKeys(1, 3);
        assertThat(drained)
                .hasEntrySatisfying(1, bitmap -> assertThat(bitmap[0]).isEqualTo(1L << 5));
        drained.values().forEach(bitmap -> bitmap[0] = -1);
        drained.clear();
        space.drainChanged(drained::put);
        assertThat(drained).isEmpty();
        space.reserve(REGION + 6, 1);
        space.drainChanged(drained::put);
        assertThat(drained)
                .hasEntrySatisfying(1, bitmap -> assertThat(bitmap[0]).isEqualTo(3L << 5));
    }

    @Test
    void whatWasDrainedIsNotForgottenBeforeItIsStored() {
        int regions = 5000;
        DiskSpace space = empty(0, (long) regions * REGION);
        for (int region = 0; region < regions; region++) {
            space.reserve((long) region * REGION, REGION - 1);
        }
        // The commit that drains may fail on a disk and go on: until it is durable the source has the old bitmaps.
        space.drainChanged((region, bitmap) -> {});
        for (int i = 0; i < regions; i++) {
            assertThat(space.allocate(1) % REGION).isEqualTo(REGION - 1);
        }
        assertThat(space.allocate(1)).isEqualTo(-1);
    }

    @Test
    void bitmapsBeyondTheCacheAreReadAgain() {
        int regions = 5000;
        DiskSpace space = empty(0, (long) regions * REGION);
        for (int region = 0; region < regions; region++) {
            space.reserve((long) region * REGION, REGION - 1);
        }
        space.drainChanged(stored::put);
        space.dropStored();
        assertThat(space.cachedRegions()).isLessThan(regions);
        for (int i = 0; i < regions; i++) {
            assertThat(space.allocate(1) % REGION).isEqualTo(REGION - 1);
        }
        space.dropStored();
        assertThat(space.cachedRegions())
                .as("bitmaps that changed since they were drained")
                .isEqualTo(regions);
    }

    @Test
    void keptRunsAreOnlyForThoseWhoAskForThem() {
        DiskSpace space = empty(0, 2L * REGION);
        space.keepRuns(2);
        assertThat(space.keptRuns()).isEqualTo(2);
        for (int i = 0; i < 2 * REGION - 2 * DiskSpace.RUN_BLOCKS; i++) {
            assertThat(space.allocate(1)).isNotNegative();
        }
        assertThat(space.allocate(1)).isEqualTo(-1);
        assertThat(space.freeBlocks()).isEqualTo(2L * DiskSpace.RUN_BLOCKS);
        assertThat(space.allocateFromKept(2 * DiskSpace.RUN_BLOCKS)).isEqualTo(2L * REGION - 2L * DiskSpace.RUN_BLOCKS);
        assertThat(space.allocateFromKept(1)).isEqualTo(-1);
        assertThat(space.keptRuns()).isZero();
    }

    @Test
    void whatIsLeftOfAKeptRunIsForEverybody() {
        DiskSpace space = empty(0, REGION);
        space.keepRuns(1);
        assertThat(space.allocate(REGION - DiskSpace.RUN_BLOCKS)).isZero();
        assertThat(space.allocate(1)).isEqualTo(-1);
        assertThat(space.allocateFromKept(3)).isEqualTo(REGION - DiskSpace.RUN_BLOCKS);
        assertThat(space.allocate(DiskSpace.RUN_BLOCKS - 3)).isEqualTo(REGION - DiskSpace.RUN_BLOCKS + 3);
    }

    @Test
    void runsAreFoundAgainWhenTheyAreFreed() {
        DiskSpace space = empty(0, REGION);
        space.reserve(0, REGION);
        space.keepRuns(3);
        assertThat(space.freeRuns()).isZero();
        space.free(100, 2 * DiskSpace.RUN_BLOCKS);
        space.keepRuns(3);
        assertThat(space.freeRuns()).isOne();
        assertThat(space.keptRuns()).isOne();
        space.free(100 + 2L * DiskSpace.RUN_BLOCKS, 156);
        space.keepRuns(3);
        assertThat(space.keptRuns()).isEqualTo(2);
    }
}
