package io.dynamicfs.bench.micro;

import io.dynamicfs.engine.alloc.DiskSpace;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Taking and giving back space of a 16 GiB disk that is filled to some part and fragmented. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@SuppressWarnings("NullAway.Init")
public class AllocatorBenchmark {
    private static final long BLOCKS = 4L << 20;

    @Param({"10", "90"})
    public int percentFull;

    /** Blocks of 4 KiB: a small file's copy, a fragment of a whole extent. */
    @Param({"1", "256"})
    public int runBlocks;

    private record Run(long block, int blocks) {}

    private DiskSpace space;
    private final ArrayDeque<Run> taken = new ArrayDeque<>();

    @Setup
    public void fill() {
        space = new DiskSpace(0, 0, BLOCKS, BLOCKS, (disk, region) -> null);
        SplittableRandom random = new SplittableRandom(Data.SEED);
        long wanted = BLOCKS * percentFull / 100;
        while (space.totalBlocks() - space.freeBlocks() < wanted) {
            int blocks = random.nextInt(1, 300);
            long block = space.allocate(blocks);
            if (block < 0) {
                break;
            }
            if (random.nextInt(4) == 0) {
                taken.add(new Run(block, blocks));
            }
        }
        // Holes all over the disk, as files leave that are deleted.
        taken.forEach(run -> space.free(run.block(), run.blocks()));
        taken.clear();
    }

    @Benchmark
    public long allocateAndFree() {
        long block = space.allocate(runBlocks);
        if (block >= 0) {
            taken.add(new Run(block, runBlocks));
        }
        if (taken.size() > 1000 || block < 0) {
            Run oldest = taken.poll();
            if (oldest != null) {
                space.free(oldest.block(), oldest.blocks());
            }
        }
        return block;
    }
}
