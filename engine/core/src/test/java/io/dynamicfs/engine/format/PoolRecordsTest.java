package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.hash.Digest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Records of the pool tree, slices and the chunk map: read as written, as in the document, and no bytes surprise a decoder. */
class PoolRecordsTest {
    private static final long SEED = 31;
    private static final int MUTATIONS = 20_000;
    private static final UUID DISK = UUID.fromString("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
    private static final Digest DIGEST = new Digest(1, 2, 3, 4);
    private static final String DIGEST_HEX =
            "0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000";

    /** One kind of record: how it is made at random, and its decoder followed by its encoder. */
    record Kind(String name, Function<Random, byte[]> sample, Function<byte[], byte[]> recode) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(
                new Kind(
                        "pool",
                        r -> pool(r).encode(),
                        bytes -> PoolRecord.decode(bytes).encode()),
                new Kind(
                        "disk",
                        r -> disk(r).encode(),
                        bytes -> DiskRecord.decode(bytes).encode()),
                new Kind(
                        "volume",
                        r -> volume(r).encode(),
                        bytes -> VolumeRecord.decode(bytes).encode()),
                new Kind(
                        "extent",
                        r -> extent(r).encode(),
                        bytes -> ExtentRecord.decode(bytes).encode()),
                new Kind(
                        "slice",
                        r -> slice(r).encode(),
                        bytes -> Slice.decode(bytes).encode()),
                new Kind(
                        "pending frees",
                        r -> PendingFrees.encode(frees(r)),
                        bytes -> PendingFrees.encode(PendingFrees.decode(bytes))),
                new Kind(
                        "chunk map",
                        r -> ChunkMapLayout.encode(chunks(r)),
                        bytes -> ChunkMapLayout.encode(ChunkMapLayout.decode(bytes))));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsReadIsWhatWasWritten(Kind kind) {
        Random random = new Random(SEED);
        for (int i = 0; i < 500; i++) {
            byte[] bytes = kind.sample.apply(random);
            assertThat(kind.recode.apply(bytes)).isEqualTo(bytes);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void hostileBytesAreRefusedOrMeanExactlyOneRecord(Kind kind) {
        Random random = new Random(SEED);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes = mutate(kind.sample.apply(random), random);
            try {
                assertThat(kind.recode.apply(bytes))
                        .as("seed %d, mutation %d: %s", SEED, i, HexFormat.of().formatHex(bytes))
                        .isEqualTo(bytes);
            } catch (CorruptRecordException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 50, MUTATIONS - 1);
    }

    private static byte[] mutate(byte[] bytes, Random random) {
        byte[] mutated = bytes;
        for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
            switch (random.nextInt(6)) {
                case 0 -> mutated = Arrays.copyOf(mutated, random.nextInt(mutated.length + 1));
                case 1 -> mutated = Arrays.copyOf(mutated, mutated.length + 1 + random.nextInt(16));
                case 2 -> {
                    if (mutated.length >= 4) {
                        Arrays.fill(
                                mutated, random.nextInt(mutated.length - 3), mutated.length, (byte) random.nextInt());
                    }
                }
                default -> {
                    if (mutated.length > 0) {
                        mutated[random.nextInt(mutated.length)] = (byte) (random.nextBoolean() ? random.nextInt() : -1);
                    }
                }
            }
        }
        return mutated;
    }

    private static Redundancy redundancy(Random random) {
        int k = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(Redundancy.DATA_FRAGMENTS_MAX);
        return new Redundancy(k, (k == 1 ? 0 : 1) + random.nextInt(4));
    }

    private static long number(Random random) {
        return random.nextLong() >>> 1 + random.nextInt(63);
    }

    private static String text(Random random, int max) {
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(max + 1);
        for (int i = 0; i < length; i++) {
            text.append("aZ-0 ö漢".charAt(random.nextInt(7)));
        }
        return text.toString();
    }

    private static PoolRecord pool(Random random) {
        return new PoolRecord(redundancy(random), random.nextBoolean(), random.nextLong());
    }

    private static DiskRecord disk(Random random) {
        return new DiskRecord(
                random.nextInt(1 << 16),
                Samples.uuid(random),
                number(random),
                number(random),
                List.of(DiskHealth.values()).get(random.nextInt(5)),
                random.nextLong(),
                text(random, 100),
                text(random, 20));
    }

    private static VolumeRecord volume(Random random) {
        return new VolumeRecord(
                number(random),
                "v" + text(random, 40),
                number(random),
                number(random),
                random.nextBoolean() ? null : redundancy(random),
                random.nextBoolean(),
                random.nextLong(),
                number(random),
                number(random),
                number(random),
                new NodePointer(random.nextLong(), random.nextLong(), Samples.digest(random)));
    }

    private static ExtentRecord extent(Random random) {
        Redundancy redundancy = redundancy(random);
        List<BlockAddress> fragments = new ArrayList<>();
        for (int i = 0; i < redundancy.fragments(); i++) {
            fragments.add(
                    random.nextInt(5) == 0
                            ? ExtentRecord.NOT_STORED
                            : new BlockAddress(random.nextInt(1 << 16), random.nextLong() & BlockAddress.BLOCK_MAX));
        }
        int length = 1 + random.nextInt(ExtentRecord.LENGTH_MAX);
        byte[] checksums = new byte[random.nextInt(ExtentRecord.INLINE_CHECKSUM_BYTES_MAX + 1)];
        random.nextBytes(checksums);
        return new ExtentRecord(
                number(random),
                number(random),
                number(random),
                number(random),
                length,
                random.nextInt(length + 1),
                redundancy,
                Samples.digest(random),
                fragments,
                checksums);
    }

    private static Slice slice(Random random) {
        if (random.nextBoolean()) {
            byte[] bytes = new byte[1 + random.nextInt(Slice.INLINE_BYTES_MAX)];
            random.nextBytes(bytes);
            return new Slice.Inline(bytes);
        }
        int offset = random.nextInt(ExtentRecord.LENGTH_MAX);
        return new Slice.OfExtent(1 + random.nextInt(ExtentRecord.LENGTH_MAX - offset), number(random), offset);
    }

    private static List<PendingFrees.Entry> frees(Random random) {
        List<PendingFrees.Entry> entries = new ArrayList<>();
        for (int i = 1 + random.nextInt(20); i > 0; i--) {
            entries.add(
                    random.nextBoolean()
                            ? PendingFrees.Entry.slot(number(random))
                            : new PendingFrees.Entry(random.nextInt(0xFFFF), number(random), 1 + random.nextInt(4096)));
        }
        return entries;
    }

    private static TreeMap<Long, List<BlockAddress>> chunks(Random random) {
        TreeMap<Long, List<BlockAddress>> chunks = new TreeMap<>();
        for (int i = random.nextInt(12); i > 0; i--) {
            List<BlockAddress> copies = new ArrayList<>();
            for (int j = 1 + random.nextInt(8); j > 0; j--) {
                copies.add(new BlockAddress(random.nextInt(1 << 16), random.nextLong() & BlockAddress.BLOCK_MAX));
            }
            chunks.put(number(random), copies);
        }
        return chunks;
    }

    @Test
    void aPoolRecordIsAsInTheDocument() {
        golden(
                "04" + "02" + "01" + "0000000000" + "15cd5b0700000000",
                new PoolRecord(new Redundancy(4, 2), true, 123456789).encode());
    }

    @Test
    void aDiskRecordIsAsInTheDocument() {
        golden(
                "0302" + "01" + "0000000000" + "f0e1d2c3b4a5469788796a5b4c3d2e1f"
                        + "0010000000000000" + "0008000000000000" + "15cd5b0700000000" + "0000000000000000"
                        + "0200" + "c3b6" + "0300" + "534e31",
                new DiskRecord(0x203, DISK, 0x1000, 0x800, DiskHealth.SUSPECT, 123456789, "ö", "SN1").encode());
    }

    @Test
    void aVolumeRecordIsAsInTheDocument() {
        golden(
                "0500000000000000" + "03" + "01" + "01" + "0000000000"
                        + "0100000000000000" + "0200000000000000" + "15cd5b0700000000"
                        + "0300000000000000" + "0400000000000000" + "0600000000000000"
                        + "4301000000000000" + "2400000000000000" + DIGEST_HEX
                        + "0400" + "686f6d65",
                new VolumeRecord(
                                5,
                                "home",
                                1,
                                2,
                                new Redundancy(3, 1),
                                true,
                                123456789,
                                3,
                                4,
                                6,
                                new NodePointer(NodePointer.address(5, 3), 36, DIGEST))
                        .encode());
    }

    @Test
    void anExtentRecordIsAsInTheDocument() {
        golden(
                "0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000"
                        + "00000200" + "00100000" + "02" + "01" + "0000" + DIGEST_HEX
                        + "0001000000000000" + "0002000000000302" + "ffffffffffffffff"
                        + "0300" + "0a0b0c",
                new ExtentRecord(
                                1,
                                2,
                                3,
                                4,
                                0x20000,
                                0x1000,
                                new Redundancy(2, 1),
                                DIGEST,
                                List.of(
                                        new BlockAddress(0, 0x100),
                                        new BlockAddress(0x203, 0x200),
                                        ExtentRecord.NOT_STORED),
                                new byte[] {10, 11, 12})
                        .encode());
    }

    @Test
    void slicesAreAsInTheDocument() {
        golden(
                "01000000" + "00100000" + "0700000000000000" + "00020000",
                new Slice.OfExtent(0x1000, 7, 0x200).encode());
        golden("02" + "6869", new Slice.Inline(new byte[] {'h', 'i'}).encode());
    }

    @Test
    void pendingFreesAreAsInTheDocument() {
        golden(
                "0302" + "0001000000000000" + "05000000" + "ffff" + "4301000000000000" + "01000000",
                PendingFrees.encode(List.of(
                        new PendingFrees.Entry(0x203, 0x100, 5), PendingFrees.Entry.slot(NodePointer.address(5, 3)))));
    }

    @Test
    void aChunkMapIsAsInTheDocument() {
        golden(
                "4443484e4b4d4150" + "02000000" + "00000000"
                        + "0100000000000000" + "02" + "00" + "0001000000000000" + "0002000000000100"
                        + "0900000000000000" + "01" + "00" + "0003000000000302",
                ChunkMapLayout.encode(new TreeMap<>(Map.of(
                        1L,
                        List.of(new BlockAddress(0, 0x100), new BlockAddress(1, 0x200)),
                        9L,
                        List.of(new BlockAddress(0x203, 0x300))))));
    }

    @Test
    void keysSortByKindAndThenByNumber() {
        golden("01", PoolKeys.pool());
        golden("02" + "0203", PoolKeys.disk(0x203));
        golden("03" + "0000000000000005", PoolKeys.volume(5));
        golden("04" + "0000000000000005", PoolKeys.extent(5));
        golden("05" + "0000000000000005" + "0102", PoolKeys.checksums(5, 0x102));
        golden("06" + "0203" + "0000000000000405", PoolKeys.reverse(0x203, 0x405));
        golden("07" + "0203" + "00000405", PoolKeys.space(0x203, 0x405));
        golden("08" + "0000000000000005", PoolKeys.slots(5));
        golden("09" + "0000000000000005" + "00000001", PoolKeys.pending(5, 1));
        assertThat(Arrays.compareUnsigned(PoolKeys.extent(255), PoolKeys.extent(256)))
                .isNegative();
        assertThat(Arrays.compareUnsigned(PoolKeys.space(0xFFFE, 9), PoolKeys.space(0xFFFF, 0)))
                .isNegative();
    }

    @Test
    void longTextsAreCutBetweenCharacters() {
        DiskRecord record = new DiskRecord(1, DISK, 2, 1, DiskHealth.FAILED, 0, "x" + "漢".repeat(300), "s".repeat(600));
        DiskRecord read = DiskRecord.decode(record.encode());
        assertThat(read.reason()).isEqualTo("x" + "漢".repeat(170));
        assertThat(read.serial()).isEqualTo("s".repeat(512));
    }

    @Test
    void aRefusalNamesTheRecordAndWhatWasExpected() {
        assertThatThrownBy(() -> PoolRecord.decode(new byte[3]))
                .hasMessageContaining("pool record")
                .hasMessageContaining("16");
        assertThatThrownBy(() -> Slice.decode(new byte[] {7, 7})).hasMessageContaining("slice");
        byte[] map = ChunkMapLayout.encode(new TreeMap<>());
        map[0]++;
        assertThatThrownBy(() -> ChunkMapLayout.decode(map)).hasMessageContaining("chunk map");
    }

    private static void golden(String hex, byte[] encoded) {
        assertThat(HexFormat.of().formatHex(encoded)).isEqualTo(hex);
    }
}
