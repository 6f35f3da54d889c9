package io.dynamicfs.bench.micro;

import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Crc32c;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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

/** Checksums of extents, nodes and groups; operations are whole buffers of {@link #bytes}. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@SuppressWarnings("NullAway.Init")
public class HashBenchmark {
    /** A block, a group or node, a fragment of 4+2, an extent. */
    @Param({"4096", "16384", "1048576", "4194304"})
    public int bytes;

    private MemorySegment data;
    private byte[] values;

    @Setup
    public void fill() {
        data = Data.random(Arena.ofAuto(), bytes);
        values = new byte[Blake3.groups(bytes) * Digest.BYTES];
        Blake3.groupValues(data, bytes, values);
    }

    @Benchmark
    public Digest blake3() {
        return Blake3.hash(data);
    }

    @Benchmark
    public boolean verifyGroups() {
        return Blake3.verifyGroups(data, 0, bytes, values);
    }

    @Benchmark
    public int crc32c() {
        return Crc32c.of(data, 0, bytes);
    }
}
