package io.dynamicfs.engine.extent;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExtentGeometryTest {
    private static final int BLOCK = 4096;
    private static final int GROUP = ExtentGeometry.GROUP_BYTES;

    static Stream<Redundancy> policies() {
        return IntStream.rangeClosed(1, Redundancy.DATA_FRAGMENTS_MAX)
                .boxed()
                .flatMap(k -> IntStream.rangeClosed(k == 1 ? 0 : 1, Redundancy.PARITY_FRAGMENTS_MAX)
                        .mapToObj(m -> new Redundancy(k, m)));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void everyByteIsInExactlyOneDataFragment(Redundancy policy) {
        Random random = new Random(5);
        IntStream lengths = IntStream.concat(
                IntStream.of(
                        1, 2, BLOCK - 1, BLOCK, BLOCK + 1, GROUP, GROUP + 1, 65535, 65536, ExtentRecord.LENGTH_MAX),
                random.ints(200, 1, ExtentRecord.LENGTH_MAX + 1));
        lengths.forEach(length -> check(new ExtentGeometry(length, policy)));
    }

    private static void check(ExtentGeometry geometry) {
        Redundancy policy = geometry.redundancy();
        int length = geometry.length();
        int whole = geometry.fragmentBytes();
        int k = policy.dataFragments();
        assertThat(whole % (k == 1 ? BLOCK : GROUP)).as("%s", geometry).isZero();
        assertThat((long) whole * k).as("%s", geometry).isGreaterThanOrEqualTo(length);
        // No smaller fragment would do.
        assertThat((long) (whole - (k == 1 ? BLOCK : GROUP)) * k)
                .as("%s", geometry)
                .isLessThan(length);
        for (int i = 0; i < policy.fragments(); i++) {
            int stored = geometry.storedBytes(i);
            int expected = whole;
            if (i < k) {
                int data = Math.max(0, Math.min(length - i * whole, whole));
                expected = (data + BLOCK - 1) / BLOCK * BLOCK;
            }
            assertThat(stored).as("%s, fragment %d", geometry, i).isEqualTo(expected);
            assertThat(geometry.storedBlocks(i)).isEqualTo(stored / BLOCK);
        }
    }

    @Test
    void fragmentsBehindTheEndAreNotStored() {
        ExtentGeometry geometry = new ExtentGeometry(65536 + 100, new Redundancy(16, 4));
        assertThat(geometry.fragmentBytes()).isEqualTo(GROUP);
        assertThat(IntStream.range(0, 20).map(geometry::storedBytes))
                .containsExactly(
                        GROUP, GROUP, GROUP, GROUP, BLOCK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, GROUP, GROUP, GROUP, GROUP);
    }

    @Test
    void checksumsAreOneDigestForEachGroupAndOneCrcForEachGroupOfParity() {
        assertThat(new ExtentGeometry(4 << 20, new Redundancy(4, 2)).checksumBytes())
                .isEqualTo(256 * 32 + 2 * 64 * 4);
        assertThat(new ExtentGeometry(GROUP, Redundancy.replicas(3)).checksumBytes())
                .isZero();
        assertThat(new ExtentGeometry(GROUP + 1, Redundancy.replicas(3)).checksumBytes())
                .isEqualTo(64);
        assertThat(new ExtentGeometry(1, new Redundancy(2, 1)).checksumBytes()).isEqualTo(32 + 4);
    }
}
