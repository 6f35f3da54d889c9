package io.dynamicfs.engine.erasure;

import com.backblaze.erasure.Galois;
import com.backblaze.erasure.Matrix;
import io.dynamicfs.engine.erasure.CodingKernel.Transform;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * k data fragments and m parity fragments of one length, any k of which give back the others. The code is the systematic
 * Vandermonde code of Backblaze's JavaReedSolomon over GF(256), polynomial 0x11D; on disk nothing else is written. With k = 1
 * each parity is a copy. Make one and keep it: it is safe for many threads and holds prepared tables.
 */
public final class ErasureCode {
    public static final int DATA_MAX = 16;
    public static final int PARITY_MAX = 4;

    /** Fragment lengths are multiples of this many bytes. */
    public static final int LENGTH_UNIT = 4096;

    public static final long LENGTH_MAX = 1L << 30;

    private static final int PLANS_MAX = 256;
    private static final int WARM_UP_LENGTH = 1 << 16;
    private static final int WARM_UP_CALLS = 400;

    private final int dataFragments;
    private final int parityFragments;
    private final CodingKernel kernel;
    private final Matrix generator;
    private final Transform encoder;
    private final ConcurrentHashMap<Pattern, Transform> plans = new ConcurrentHashMap<>();

    private ErasureCode(int dataFragments, int parityFragments, CodingKernel kernel) {
        if (dataFragments < 1 || dataFragments > DATA_MAX || parityFragments < 0 || parityFragments > PARITY_MAX) {
            throw new IllegalArgumentException("expected k 1.." + DATA_MAX + " and m 0.." + PARITY_MAX + ", found "
                    + dataFragments + "+" + parityFragments);
        }
        this.dataFragments = dataFragments;
        this.parityFragments = parityFragments;
        this.kernel = kernel;
        this.generator = generator(dataFragments, parityFragments);
        this.encoder = prepare(rows(generator, dataFragments, fragments()));
    }

    /** k data fragments (1..16) and m parity fragments (0..4) with the fastest kernel. */
    public static ErasureCode of(int k, int m) {
        return new ErasureCode(k, m, Kernels.fastest());
    }

    /** The same code computed by one of {@link #kernelNames()}, for tests and benchmarks. */
    public static ErasureCode withKernel(int k, int m, String kernelName) {
        return new ErasureCode(k, m, Kernels.named(kernelName));
    }

    /** What {@link #of} uses here, for logs and status. */
    public static String kernelName() {
        return Kernels.fastest().name();
    }

    /** All kernels that run here, fastest first. */
    public static List<String> kernelNames() {
        return Kernels.all().stream().map(CodingKernel::name).toList();
    }

    /** Makes the fastest kernel compile now; takes up to a second. Until then coding is a hundred times slower. */
    public static void warmUp() {
        try (Arena arena = Arena.ofConfined()) {
            // Odd counts so that the paths for a single input and a single output run too.
            ErasureCode code = of(5, 3);
            MemorySegment[] fragments = new MemorySegment[code.fragments()];
            Arrays.setAll(fragments, i -> arena.allocate(WARM_UP_LENGTH));
            MemorySegment[] data = Arrays.copyOf(fragments, 5);
            MemorySegment[] parity = Arrays.copyOfRange(fragments, 5, 8);
            for (int i = 0; i < WARM_UP_CALLS; i++) {
                code.encode(data, parity, WARM_UP_LENGTH);
            }
        }
    }

    public int dataFragments() {
        return dataFragments;
    }

    public int parityFragments() {
        return parityFragments;
    }

    public int fragments() {
        return dataFragments + parityFragments;
    }

    /** Computes {@code parity} from {@code data}: the first {@code length} bytes of native segments that do not overlap. */
    public void encode(MemorySegment[] data, MemorySegment[] parity, long length) {
        if (data.length != dataFragments || parity.length != parityFragments) {
            throw new IllegalArgumentException("expected " + dataFragments + "+" + parityFragments
                    + " fragments, found " + data.length + "+" + parity.length);
        }
        apply(encoder, data, parity, length);
    }

    /**
     * Computes the fragments that are {@code wanted} and not {@code present} from k that are; data fragments first, then
     * parity. Segments that are neither present nor wanted may be null.
     *
     * @throws IllegalArgumentException if fewer than k fragments are present
     */
    public void reconstruct(@Nullable MemorySegment[] fragments, boolean[] present, boolean[] wanted, long length) {
        if (fragments.length != fragments() || present.length != fragments() || wanted.length != fragments()) {
            throw new IllegalArgumentException("expected " + fragments() + " fragments, found " + fragments.length
                    + ", " + present.length + " and " + wanted.length);
        }
        Pattern pattern = Pattern.of(dataFragments, present, wanted);
        if (pattern.targets() == 0) {
            return;
        }
        Transform plan = plans.get(pattern);
        if (plan == null) {
            plan = prepare(reconstructionRows(pattern));
            if (plans.size() < PLANS_MAX) {
                plans.put(pattern, plan);
            }
        }
        apply(plan, pick(fragments, pattern.sources()), pick(fragments, pattern.targets()), length);
    }

    /** Bit sets over fragment indexes: the k to compute from, and the ones to compute. */
    private record Pattern(int sources, int targets) {
        static Pattern of(int needed, boolean[] present, boolean[] wanted) {
            int sources = 0;
            int targets = 0;
            for (int i = 0; i < present.length; i++) {
                if (present[i] && Integer.bitCount(sources) < needed) {
                    sources |= 1 << i;
                }
                if (wanted[i] && !present[i]) {
                    targets |= 1 << i;
                }
            }
            if (targets != 0 && Integer.bitCount(sources) < needed) {
                throw new IllegalArgumentException(
                        "expected " + needed + " fragments to compute from, found " + Integer.bitCount(sources));
            }
            return new Pattern(sources, targets);
        }
    }

    /** Rows for the targets: their rows of the generator times the inverse of the rows of the sources. */
    private byte[][] reconstructionRows(Pattern pattern) {
        Matrix toData = new Matrix(rows(generator, pattern.sources())).invert();
        Matrix targets = new Matrix(rows(generator, pattern.targets()));
        return rows(targets.times(toData), 0, targets.getRows());
    }

    /** The Vandermonde matrix with rows r^0, r^1 .. made systematic by the inverse of its upper square. */
    static Matrix generator(int dataFragments, int parityFragments) {
        int fragments = dataFragments + parityFragments;
        Matrix vandermonde = new Matrix(fragments, dataFragments);
        for (int row = 0; row < fragments; row++) {
            for (int column = 0; column < dataFragments; column++) {
                vandermonde.set(row, column, Galois.exp((byte) row, column));
            }
        }
        Matrix top = vandermonde.submatrix(0, 0, dataFragments, dataFragments);
        return vandermonde.times(top.invert());
    }

    private static byte[][] rows(Matrix matrix, int from, int to) {
        byte[][] rows = new byte[to - from][];
        Arrays.setAll(rows, i -> matrix.getRow(from + i));
        return rows;
    }

    private static byte[][] rows(Matrix matrix, int set) {
        byte[][] rows = new byte[Integer.bitCount(set)][];
        int next = 0;
        for (int rest = set; rest != 0; rest &= rest - 1) {
            rows[next++] = matrix.getRow(Integer.numberOfTrailingZeros(rest));
        }
        return rows;
    }

    private static MemorySegment[] pick(@Nullable MemorySegment[] fragments, int set) {
        MemorySegment[] picked = new MemorySegment[Integer.bitCount(set)];
        int next = 0;
        for (int rest = set; rest != 0; rest &= rest - 1) {
            int index = Integer.numberOfTrailingZeros(rest);
            MemorySegment fragment = fragments[index];
            if (fragment == null) {
                throw new IllegalArgumentException("fragment " + index + " is needed and missing");
            }
            picked[next++] = fragment;
        }
        return picked;
    }

    private Transform prepare(byte[][] rows) {
        return rows.length == 0 || dataFragments == 1 ? ErasureCode::copy : kernel.prepare(rows);
    }

    private static void copy(long[] inputs, long[] outputs, long length) {
        for (long output : outputs) {
            MemorySegment.copy(Memory.ALL, inputs[0], Memory.ALL, output, length);
        }
    }

    /** The door: kernels trust the addresses, so everything about the segments is checked here. */
    private static void apply(Transform transform, MemorySegment[] inputs, MemorySegment[] outputs, long length) {
        if (length < 0 || length > LENGTH_MAX || length % LENGTH_UNIT != 0) {
            throw new IllegalArgumentException("expected a length that is a multiple of " + LENGTH_UNIT + " up to "
                    + LENGTH_MAX + ", found " + length);
        }
        if (length == 0) {
            return;
        }
        long[] from = addresses(inputs, length);
        long[] to = addresses(outputs, length);
        for (int i = 0; i < to.length; i++) {
            if (outputs[i].isReadOnly()) {
                throw new IllegalArgumentException("the fragment to compute is read-only");
            }
            requireApart(to[i], from, from.length, length);
            requireApart(to[i], to, i, length);
        }
        try {
            transform.apply(from, to, length);
        } finally {
            Reference.reachabilityFence(inputs);
            Reference.reachabilityFence(outputs);
        }
    }

    private static long[] addresses(MemorySegment[] segments, long length) {
        long[] addresses = new long[segments.length];
        for (int i = 0; i < segments.length; i++) {
            MemorySegment segment = segments[i];
            if (!segment.isNative() || segment.byteSize() < length) {
                throw new IllegalArgumentException("expected native memory of at least " + length + " bytes, found "
                        + segment.byteSize() + (segment.isNative() ? "" : " on the heap"));
            }
            // One read, so that a closed or foreign arena fails here.
            segment.get(ValueLayout.JAVA_BYTE, length - 1);
            addresses[i] = segment.address();
        }
        return addresses;
    }

    private static void requireApart(long address, long[] others, int count, long length) {
        for (int i = 0; i < count; i++) {
            if (Math.abs(address - others[i]) < length) {
                throw new IllegalArgumentException("fragments overlap");
            }
        }
    }
}
