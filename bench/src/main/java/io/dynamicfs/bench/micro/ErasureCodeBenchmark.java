package io.dynamicfs.bench.micro;

import io.dynamicfs.engine.erasure.ErasureCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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

/** 4+2 with every kernel of this machine; operations are stripes of four data fragments of {@link #fragmentBytes}. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@SuppressWarnings("NullAway.Init")
public class ErasureCodeBenchmark {
    private static final int DATA = 4;
    private static final int PARITY = 2;

    @Param({"fastest", "reference"})
    public String kernel;

    @Param({"4096", "65536", "1048576"})
    public int fragmentBytes;

    private ErasureCode code;
    private MemorySegment[] fragments;
    private MemorySegment[] data;
    private MemorySegment[] parity;
    private final boolean[] present = {false, true, true, false, true, true};
    private final boolean[] wanted = {true, true, true, true, true, true};

    @Setup
    public void fill() {
        code = kernel.equals("fastest")
                ? ErasureCode.of(DATA, PARITY)
                : ErasureCode.withKernel(DATA, PARITY, ErasureCode.kernelNames().getLast());
        fragments = new MemorySegment[DATA + PARITY];
        Arrays.setAll(fragments, i -> Data.random(Arena.ofAuto(), fragmentBytes));
        data = Arrays.copyOf(fragments, DATA);
        parity = Arrays.copyOfRange(fragments, DATA, DATA + PARITY);
        code.encode(data, parity, fragmentBytes);
    }

    @Benchmark
    public MemorySegment[] encode() {
        code.encode(data, parity, fragmentBytes);
        return parity;
    }

    @Benchmark
    public MemorySegment[] reconstructTwoDataFragments() {
        code.reconstruct(fragments, present, wanted, fragmentBytes);
        return fragments;
    }
}
