package io.dynamicfs.engine.hash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class Blake3Test {
    private static final int GROUP = Blake3.GROUP_BYTES;

    /** The published test vectors of BLAKE3: the input is the bytes i mod 251. */
    private static final List<String> PUBLISHED = List.of(
            "0 af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            "1 2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            "2 7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63",
            "3 e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f",
            "4 f30f5ab28fe047904037f77b6da4fea1e27241c5d132638d8bedce9d40494f32",
            "5 b40b44dfd97e7a84a996a91af8b85188c66c126940ba7aad2e7ae6b385402aa2",
            "6 06c4e8ffb6872fad96f9aaca5eee1553eb62aed0ad7198cef42e87f6a616c844",
            "7 3f8770f387faad08faa9d8414e9f449ac68e6ff0417f673f602a646a891419fe",
            "8 2351207d04fc16ade43ccab08600939c7c1fa70a5c0aaca76063d04c3228eaeb",
            "63 e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b",
            "64 4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98",
            "65 de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee",
            "127 d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d",
            "128 f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef",
            "129 683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12",
            "1023 10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
            "1024 42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
            "1025 d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
            "2048 e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
            "2049 5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
            "3072 b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
            "3073 7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
            "4096 015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
            "4097 9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
            "5120 9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833",
            "5121 628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
            "6144 3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205",
            "6145 f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f",
            "7168 61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a",
            "7169 a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817",
            "8192 aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63",
            "8193 bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
            "16384 f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4",
            "31744 62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
            "102400 bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085");

    static List<Blake3Kernel> kernels() {
        return List.of(new ScalarKernel(), new VectorKernel());
    }

    private static MemorySegment counting(Arena arena, long length) {
        MemorySegment data = arena.allocate(length);
        for (long i = 0; i < length; i++) {
            data.set(ValueLayout.JAVA_BYTE, i, (byte) (i % 251));
        }
        return data;
    }

    private static MemorySegment random(Arena arena, long length, long seed) {
        byte[] bytes = new byte[Math.toIntExact(length)];
        new Random(seed).nextBytes(bytes);
        MemorySegment data = arena.allocate(length);
        data.copyFrom(MemorySegment.ofArray(bytes));
        return data;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void everyKernelComputesThePublishedVectors(Blake3Kernel kernel) {
        Blake3Hasher hasher = new Blake3Hasher(kernel);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = counting(arena, 102400);
            for (String vector : PUBLISHED) {
                int length = Integer.parseInt(vector.substring(0, vector.indexOf(' ')));
                String expected = vector.substring(vector.indexOf(' ') + 1);
                assertThat(hasher.hash(data.asSlice(0, length))).as(vector).hasToString(expected);
                assertThat(hasher.hash(
                                MemorySegment.ofArray(data.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE))))
                        .as("heap %s", vector)
                        .hasToString(expected);
            }
        }
    }

    @Test
    void theWholeTreeAgreesWithB3sum(@TempDir Path directory) throws Exception {
        assumeTrue(runs("b3sum", "--version"), "the tool b3sum (Debian package b3sum) is not installed");
        for (int length : new int[] {0, 1000, 131_072, 131_073, 1 << 20, (1 << 22) + 5, 9_999_999}) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment data = random(arena, length, length);
                Path file = directory.resolve("data" + length);
                Files.write(file, data.toArray(ValueLayout.JAVA_BYTE));
                String expected = output("b3sum", "--no-names", file.toString());
                assertThat(Blake3.hash(data)).as("%d bytes", length).hasToString(expected);
                assertThat(Blake3.hash(data.toArray(ValueLayout.JAVA_BYTE)))
                        .as("%d bytes on the heap", length)
                        .hasToString(expected);
            }
        }
    }

    @Test
    void theVectorKernelAgreesWithTheScalarOneAtAnyLengthAndAlignment() {
        long seed = 20260101;
        Random random = new Random(seed);
        Blake3Hasher vector = new Blake3Hasher(new VectorKernel());
        Blake3Hasher scalar = new Blake3Hasher(new ScalarKernel());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = random(arena, 700_000, seed);
            for (int i = 0; i < 400; i++) {
                int offset = random.nextInt(100);
                int bound = 1 << random.nextInt(1, 20);
                MemorySegment data = memory.asSlice(offset, random.nextInt(bound));
                String name = "seed " + seed + " run " + i + " length " + data.byteSize();
                assertThat(vector.hash(data)).as(name).isEqualTo(scalar.hash(data));
                assertThat(groupValues(vector, data)).as(name).isEqualTo(groupValues(scalar, data));
            }
        }
    }

    private static byte[] groupValues(Blake3Hasher hasher, MemorySegment data) {
        byte[] values = new byte[Blake3.groups(data.byteSize()) * Digest.BYTES];
        hasher.groupValues(data, data.byteSize(), values);
        return values;
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0,
                1,
                1024,
                4096,
                GROUP - 1,
                GROUP,
                GROUP + 1,
                GROUP + 1024,
                GROUP + 1025,
                2 * GROUP,
                3 * GROUP + 4096,
                7 * GROUP + 5,
                8 * GROUP - 1,
                8 * GROUP,
                8 * GROUP + 1,
                9 * GROUP,
                16 * GROUP,
                17 * GROUP + 4096,
                127 * GROUP + 7,
                128 * GROUP,
                128 * GROUP + 1,
                129 * GROUP + 4096,
                256 * GROUP,
                300 * GROUP + 100
            })
    void groupValuesProveTheRootAndEachGroupIsVerifiedAlone(int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = random(arena, length, length);
            int groups = Blake3.groups(length);
            byte[] values = new byte[groups * Digest.BYTES];
            Blake3.groupValues(data, length, values);

            assertThat(Blake3.root(values, length)).isEqualTo(Blake3.hash(data));
            assertThat(Blake3.verifyGroups(data, 0, length, values)).isTrue();
            for (int group = 0; group < groups; group++) {
                long offset = (long) group * GROUP;
                MemorySegment alone = arena.allocate(Math.min(GROUP, length - offset));
                alone.copyFrom(data.asSlice(offset, alone.byteSize()));
                assertThat(Blake3.verifyGroups(alone, group, length, values)).isTrue();
                if (alone.byteSize() > 0) {
                    flip(alone, alone.byteSize() - 1);
                    assertThat(Blake3.verifyGroups(alone, group, length, values))
                            .isFalse();
                }
            }
        }
    }

    @Test
    void runsOfGroupsAreVerifiedAndTheFirstBadOneIsNamed() {
        long seed = 7;
        Random random = new Random(seed);
        long length = 37 * GROUP + 4096;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = random(arena, length, seed);
            byte[] values = new byte[Blake3.groups(length) * Digest.BYTES];
            Blake3.groupValues(data, length, values);
            for (int i = 0; i < 200; i++) {
                int first = random.nextInt(38);
                int last = random.nextInt(first, 38);
                MemorySegment run = data.asSlice(
                        (long) first * GROUP, Math.min(length, (last + 1L) * GROUP) - (long) first * GROUP);
                long victim = random.nextLong(run.byteSize());
                assertThat(Blake3.firstMismatch(run, first, length, values)).isEqualTo(-1);
                flip(run, victim);
                assertThat(Blake3.firstMismatch(run, first, length, values))
                        .as("seed %d run %d", seed, i)
                        .isEqualTo(first + (int) (victim / GROUP));
                flip(run, victim);
            }
        }
    }

    private static void flip(MemorySegment data, long offset) {
        data.set(ValueLayout.JAVA_BYTE, offset, (byte) (data.get(ValueLayout.JAVA_BYTE, offset) ^ 0x10));
    }

    @Test
    void aGroupInAnotherPlaceDoesNotVerify() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(2L * GROUP);
            byte[] values = new byte[2 * Digest.BYTES];
            Blake3.groupValues(zeros, 2L * GROUP, values);
            byte[] swapped = new byte[2 * Digest.BYTES];
            System.arraycopy(values, 0, swapped, Digest.BYTES, Digest.BYTES);
            System.arraycopy(values, Digest.BYTES, swapped, 0, Digest.BYTES);
            assertThat(Blake3.firstMismatch(zeros, 0, 2L * GROUP, swapped)).isZero();
        }
    }

    @Test
    void piecesOfAGroupAndUnusableMemoryAreRefused() {
        byte[] values = new byte[3 * Digest.BYTES];
        MemorySegment closed;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(3L * GROUP);
            closed = data;
            assertThatThrownBy(() -> Blake3.verifyGroups(data.asSlice(0, 4096), 0, 3L * GROUP, values))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("found 4096 bytes");
            assertThatThrownBy(() -> Blake3.verifyGroups(data, 1, 3L * GROUP, values))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Blake3.verifyGroups(data, 3, 3L * GROUP, values))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Blake3.groupValues(data, 3L * GROUP, new byte[95]))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Blake3.groupValues(data, 3L * GROUP + 1, new byte[128]))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Blake3.groupValues(MemorySegment.ofArray(new byte[10]), 10, values))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Blake3.hash(closed)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theHotPathAllocatesNothingButTheDigest() {
        int length = (1 << 18) + 4096;
        int calls = 400;
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Blake3.warmUp();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = random(arena, length, 1);
            byte[] values = new byte[Blake3.groups(length) * Digest.BYTES];
            // The compiler still works on the callers after the warm-up of the kernel, so a first round does not count.
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 10; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < calls; i++) {
                    Blake3.groupValues(data, length, values);
                    if (!Blake3.verifyGroups(data, 0, length, values)) {
                        throw new AssertionError("data changed");
                    }
                    Blake3.root(values, length);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least / calls).as("bytes per call").isLessThanOrEqualTo(48);
        }
    }

    @Test
    void theDigestPrintsAsB3sumDoesAndSurvivesItsBytes() {
        Digest digest = Blake3.hash("abc".getBytes(StandardCharsets.US_ASCII));
        assertThat(digest).hasToString("6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        assertThat(Digest.of(digest.toBytes())).isEqualTo(digest);
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException absent) {
            return false;
        }
    }

    private static String output(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
        assertThat(process.waitFor()).as(Arrays.toString(command)).isZero();
        return text;
    }
}
