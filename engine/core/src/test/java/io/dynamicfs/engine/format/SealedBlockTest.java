package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.Structure.Field;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The identity block and the root record, as far as they have the same rules. */
class SealedBlockTest {
    private static final long SEED = 20260131;

    record Kind(
            Structure structure,
            BiConsumer<Random, MemorySegment> sample,
            Function<MemorySegment, Decoded<?>> decode,
            BiConsumer<Object, MemorySegment> encode) {
        @Override
        public String toString() {
            return structure.name();
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(
                new Kind(
                        IdentityLayout.STRUCTURE,
                        (random, block) -> IdentityLayout.encode(Samples.identity(random), block),
                        IdentityLayout::decode,
                        (value, block) -> IdentityLayout.encode((Identity) value, block)),
                new Kind(
                        RootRecordLayout.STRUCTURE,
                        (random, block) -> RootRecordLayout.encode(Samples.slot(random), block),
                        RootRecordLayout::decode,
                        (value, block) -> RootRecordLayout.encode((RootSlot) value, block)));
    }

    private final MemorySegment block = Arena.ofAuto().allocate(4096);
    private final Random random = random();

    private static Random random() {
        System.out.println("seed " + SEED);
        return new Random(SEED);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsEncodedDecodesToTheSame(Kind kind) {
        for (int i = 0; i < 200; i++) {
            kind.sample.accept(random, block);
            MemorySegment again = Arena.ofAuto().allocate(4096);
            kind.encode.accept(valid(kind), again);
            assertThat(again.mismatch(block)).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everyChangedByteIsNoticed(Kind kind) {
        kind.sample.accept(random, block);
        for (int at = 0; at < 4096; at++) {
            byte before = block.get(ValueLayout.JAVA_BYTE, at);
            block.set(ValueLayout.JAVA_BYTE, at, (byte) (before ^ 1 << random.nextInt(8)));
            assertThat(kind.decode.apply(block)).isInstanceOf(Decoded.Corrupt.class);
            block.set(ValueLayout.JAVA_BYTE, at, before);
        }
        valid(kind);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void hostileBlocksWithAMatchingDigestAreRefusedOrReadExactly(Kind kind) {
        int refused = 0;
        for (int i = 0; i < 5_000; i++) {
            kind.sample.accept(random, block);
            for (int change = random.nextInt(3); change >= 0; change--) {
                Field field = kind.structure
                        .fields()
                        .get(random.nextInt(kind.structure.fields().size()));
                int at = field.offset() + random.nextInt(field.bytes());
                block.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
            }
            SealedBlock.seal(block);
            Decoded<?> decoded = kind.decode.apply(block);
            if (decoded instanceof Decoded.Valid<?>(Object value)) {
                MemorySegment again = Arena.ofAuto().allocate(4096);
                kind.encode.accept(value, again);
                assertThat(again.mismatch(block)).as("iteration %d", i).isEqualTo(-1);
            } else {
                assertThat(decoded.describe()).contains("found");
                refused++;
            }
        }
        assertThat(refused).isBetween(1, 4_999);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void rubbishAndWrongSizesAreCorrupt(Kind kind) {
        for (int bytes : new int[] {0, 1, 512, 4095, 4096, 4097, 8192}) {
            byte[] rubbish = new byte[bytes];
            random.nextBytes(rubbish);
            assertThat(kind.decode.apply(MemorySegment.ofArray(rubbish))).isInstanceOf(Decoded.Corrupt.class);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aTornBlockIsCorruptAtEveryBoundary(Kind kind) {
        MemorySegment older = Arena.ofAuto().allocate(4096);
        kind.sample.accept(random, older);
        kind.sample.accept(random, block);
        for (int boundary = 512; boundary < 4096; boundary += 512) {
            MemorySegment torn = Arena.ofAuto().allocate(4096);
            torn.copyFrom(older);
            torn.asSlice(0, boundary).copyFrom(block.asSlice(0, boundary));
            assertThat(kind.decode.apply(torn)).isInstanceOf(Decoded.Corrupt.class);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void zerosAreBlank(Kind kind) {
        assertThat(kind.decode.apply(block)).isEqualTo(new Decoded.Blank<>());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anotherVersionAndUnknownFeaturesAreNamed(Kind kind) {
        kind.sample.accept(random, block);
        block.set(ValueLayout.JAVA_INT, SealedBlock.VERSION, 2);
        SealedBlock.seal(block);
        assertThat(kind.decode.apply(block)).isEqualTo(new Decoded.TooNew<>(2, 1));
        block.set(ValueLayout.JAVA_INT, SealedBlock.VERSION, 0);
        SealedBlock.seal(block);
        assertThat(kind.decode.apply(block)).isEqualTo(new Decoded.TooOld<>(0, 1));
        block.set(ValueLayout.JAVA_INT, SealedBlock.VERSION, 1);
        block.set(ValueLayout.JAVA_LONG, SealedBlock.INCOMPATIBLE, 1L << 3 | 1L << 17);
        SealedBlock.seal(block);
        assertThat(kind.decode.apply(block).describe()).contains("bit 3, bit 17");
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aReservedByteThatIsSetIsRefused(Kind kind) {
        for (Field field : kind.structure.fields()) {
            if (field.reserved()) {
                kind.sample.accept(random, block);
                block.set(ValueLayout.JAVA_BYTE, field.end() - 1, (byte) 1);
                SealedBlock.seal(block);
                assertThat(kind.decode.apply(block))
                        .isEqualTo(new Decoded.Corrupt<>("reserved byte " + (field.end() - 1), "0", "1"));
            }
        }
    }

    private Object valid(Kind kind) {
        Decoded<?> decoded = kind.decode.apply(block);
        assertThat(decoded).isInstanceOf(Decoded.Valid.class);
        return ((Decoded.Valid<?>) decoded).value();
    }
}
