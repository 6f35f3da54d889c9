package io.dynamicfs.engine.erasure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.backblaze.erasure.Matrix;
import com.backblaze.erasure.ReedSolomon;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.syscall.Isal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ErasureCodeTest {
    private static final int LENGTH = 2 * ErasureCode.LENGTH_UNIT;
    private static final byte UNTOUCHED = (byte) 0xA5;

    private final Arena arena = Arena.ofConfined();

    static List<String> kernels() {
        return ErasureCode.kernelNames();
    }

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private MemorySegment[] allocate(int count) {
        MemorySegment[] segments = new MemorySegment[count];
        Arrays.setAll(segments, i -> arena.allocate(LENGTH).fill(UNTOUCHED));
        return segments;
    }

    private MemorySegment[] random(int count, Random random) {
        MemorySegment[] segments = allocate(count);
        byte[] bytes = new byte[LENGTH];
        for (MemorySegment segment : segments) {
            random.nextBytes(bytes);
            segment.copyFrom(MemorySegment.ofArray(bytes));
        }
        return segments;
    }

    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }

    private static MemorySegment[] concat(MemorySegment[] data, MemorySegment[] parity) {
        MemorySegment[] all = Arrays.copyOf(data, data.length + parity.length);
        System.arraycopy(parity, 0, all, data.length, parity.length);
        return all;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void theParityRowsOfFourPlusTwoAreFixed(String kernel) {
        int[][] rows = {{27, 28, 18, 20}, {28, 27, 20, 18}};
        ErasureCode code = ErasureCode.withKernel(4, 2, kernel);
        for (int column = 0; column < 4; column++) {
            MemorySegment[] data = allocate(4);
            for (int i = 0; i < 4; i++) {
                data[i].fill((byte) (i == column ? 1 : 0));
            }
            MemorySegment[] parity = allocate(2);
            code.encode(data, parity, LENGTH);
            for (int row = 0; row < 2; row++) {
                assertThat(bytes(parity[row])).containsOnly((byte) rows[row][column]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void theParityOfKnownDataIsTheOneOnOldDisks(String kernel) {
        MemorySegment[] data = allocate(4);
        for (int fragment = 0; fragment < 4; fragment++) {
            for (int i = 0; i < 4096; i++) {
                data[fragment].set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + fragment * 7 + i / 251));
            }
        }
        MemorySegment[] parity = allocate(2);
        ErasureCode.withKernel(4, 2, kernel).encode(data, parity, 4096);
        // Computed by a program of a few lines that multiplies bit by bit.
        assertThat(Blake3.hash(parity[0].asSlice(0, 4096)))
                .hasToString("5efc8565b032c799bcab1656b825c9ab38b7431466c858f039de7e2263fbdbd3");
        assertThat(Blake3.hash(parity[1].asSlice(0, 4096)))
                .hasToString("d8d022c8f83122905033a23677f79f585635a695049b81e7db9c03d764df0bf2");
        assertThat(bytes(parity[0].asSlice(4096))).containsOnly(UNTOUCHED);
    }

    @Test
    void theMatrixIsTheOneOfJavaReedSolomon() throws Throwable {
        MethodHandle buildMatrix = MethodHandles.privateLookupIn(ReedSolomon.class, MethodHandles.lookup())
                .findStatic(
                        ReedSolomon.class, "buildMatrix", MethodType.methodType(Matrix.class, int.class, int.class));
        for (int k = 1; k <= ErasureCode.DATA_MAX; k++) {
            for (int m = 1; m <= ErasureCode.PARITY_MAX; m++) {
                Matrix expected = (Matrix) buildMatrix.invokeExact(k, k + m);
                assertThat(ErasureCode.generator(k, m)).as("%d+%d", k, m).isEqualTo(expected);
            }
        }
    }

    @Test
    void everyCodeRebuildsRandomLossesAndAllKernelsAgree() {
        long seed = 42;
        Random random = new Random(seed);
        for (int k = 1; k <= ErasureCode.DATA_MAX; k++) {
            for (int m = 0; m <= ErasureCode.PARITY_MAX; m++) {
                MemorySegment[] data = random(k, random);
                MemorySegment[] truth = allocate(m);
                ErasureCode.withKernel(k, m, ReferenceKernel.NAME).encode(data, truth, LENGTH);
                MemorySegment[] all = concat(data, truth);
                for (String kernel : ErasureCode.kernelNames()) {
                    ErasureCode code = ErasureCode.withKernel(k, m, kernel);
                    MemorySegment[] parity = allocate(m);
                    code.encode(data, parity, LENGTH);
                    for (int i = 0; i < m; i++) {
                        assertThat(bytes(parity[i])).isEqualTo(bytes(truth[i]));
                    }
                    for (int run = 0; run < 4; run++) {
                        boolean[] present = randomLosses(k, m, random);
                        boolean[] wanted = new boolean[k + m];
                        for (int i = 0; i < wanted.length; i++) {
                            wanted[i] = random.nextInt(3) > 0;
                        }
                        checkRebuild(code, all, present, wanted, kernel + " " + k + "+" + m + " seed " + seed);
                    }
                }
            }
        }
    }

    private static boolean[] randomLosses(int k, int m, Random random) {
        boolean[] present = new boolean[k + m];
        Arrays.fill(present, true);
        for (int lost = random.nextInt(m + 1); lost > 0; lost--) {
            present[random.nextInt(k + m)] = false;
        }
        return present;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void fourPlusTwoRebuildsEveryPairOfLosses(String kernel) {
        ErasureCode code = ErasureCode.withKernel(4, 2, kernel);
        MemorySegment[] data = random(4, new Random(3));
        MemorySegment[] parity = allocate(2);
        code.encode(data, parity, LENGTH);
        MemorySegment[] all = concat(data, parity);
        for (int first = 0; first < 6; first++) {
            for (int second = first; second < 6; second++) {
                boolean[] present = {true, true, true, true, true, true};
                present[first] = false;
                present[second] = false;
                boolean[] wanted = new boolean[6];
                wanted[first] = true;
                checkRebuild(code, all, present, wanted, "only " + first);
                wanted[second] = true;
                checkRebuild(code, all, present, wanted, first + " and " + second);
            }
        }
    }

    /** Lost and unwanted fragments are null, so touching one fails. */
    private void checkRebuild(
            ErasureCode code, MemorySegment[] truth, boolean[] present, boolean[] wanted, String description) {
        @Nullable MemorySegment[] fragments = new @Nullable MemorySegment[truth.length];
        for (int i = 0; i < truth.length; i++) {
            if (present[i]) {
                fragments[i] = truth[i].asReadOnly();
            } else if (wanted[i]) {
                fragments[i] = allocate(1)[0];
            }
        }
        code.reconstruct(fragments, present, wanted, LENGTH);
        for (int i = 0; i < truth.length; i++) {
            MemorySegment rebuilt = fragments[i];
            if (rebuilt != null) {
                assertThat(bytes(rebuilt)).as("%s fragment %d", description, i).isEqualTo(bytes(truth[i]));
            }
        }
    }

    @Test
    void replicasAreCopies() {
        ErasureCode code = ErasureCode.of(1, 2);
        MemorySegment[] data = random(1, new Random(5));
        MemorySegment[] copies = allocate(2);
        code.encode(data, copies, LENGTH);
        assertThat(bytes(copies[0])).isEqualTo(bytes(data[0]));
        assertThat(bytes(copies[1])).isEqualTo(bytes(data[0]));
    }

    @Test
    void tooFewFragmentsAreRefused() {
        ErasureCode code = ErasureCode.of(4, 2);
        boolean[] present = {true, true, true, false, false, false};
        boolean[] wanted = {false, false, false, true, false, false};
        assertThatThrownBy(() -> code.reconstruct(allocate(6), present, wanted, LENGTH))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected 4 fragments to compute from, found 3");
    }

    @Test
    void whatAKernelMustNotTouchIsRefusedAtTheDoor() {
        ErasureCode code = ErasureCode.of(2, 1);
        MemorySegment[] data = allocate(2);
        MemorySegment[] parity = allocate(1);
        MemorySegment closed;
        try (Arena shortLived = Arena.ofConfined()) {
            closed = shortLived.allocate(LENGTH);
        }
        assertThatThrownBy(() -> code.encode(data, parity, 4095)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> code.encode(data, parity, -4096)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> code.encode(data, parity, LENGTH + 4096L))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> code.encode(data, new MemorySegment[0], LENGTH))
                .isInstanceOf(IllegalArgumentException.class);
        MemorySegment heap = MemorySegment.ofArray(new byte[LENGTH]);
        for (MemorySegment bad : List.of(heap, parity[0].asReadOnly(), data[1])) {
            assertThatThrownBy(() -> code.encode(data, new MemorySegment[] {bad}, LENGTH))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> code.encode(new MemorySegment[] {data[0], closed}, parity, LENGTH))
                .isInstanceOf(IllegalStateException.class);
        assertThat(bytes(parity[0])).containsOnly(UNTOUCHED);
        assertThatThrownBy(() -> ErasureCode.of(17, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ErasureCode.of(4, 5)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ErasureCode.withKernel(4, 2, "abacus"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("abacus");
    }

    @Test
    void theVectorKernelRunsHere() {
        assertThat(ErasureCode.kernelNames()).contains(VectorKernel.NAME, ReferenceKernel.NAME);
    }

    @Test
    void isalIsPreferredWhereItIsInstalled() {
        assumeTrue(Isal.available(), "libisal.so.2 (Debian package libisal2) is not installed");
        assertThat(ErasureCode.kernelName()).isEqualTo(IsalKernel.NAME);
    }
}
