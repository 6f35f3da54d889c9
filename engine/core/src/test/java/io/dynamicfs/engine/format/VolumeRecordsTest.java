package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Layouts of a volume's records and operations: what is written is read again, and no bytes surprise a decoder. */
class VolumeRecordsTest {
    private static final long SEED = 20_251;
    private static final int ROUNDS = 3_000;

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);

    @Test
    void anInodeIsReadAsItWasWritten() {
        for (int i = 0; i < ROUNDS; i++) {
            Inode inode = inode();
            assertThat(InodeLayout.encode(inode)).hasSize(InodeLayout.BYTES);
            assertThat(InodeLayout.decode(InodeLayout.encode(inode))).isEqualTo(new Decoded.Valid<>(inode));
        }
    }

    @Test
    void anEditedInodeDiffersOnlyWhereItWasEdited() {
        Inode inode = inode();
        assertThat(inode.edit().build()).isEqualTo(inode);
        assertThat(inode.edit().links(7).build().links()).isEqualTo(7);
        assertThat(inode.edit().links(7).links(inode.links()).build()).isEqualTo(inode);
    }

    @Test
    void aDirectoryEntryIsReadAsItWasWritten() {
        for (int i = 0; i < ROUNDS; i++) {
            DirectoryEntry entry = new DirectoryEntry(number() + 1, type(), random.nextInt(NameHash.STEP));
            assertThat(DirectoryEntryLayout.decode(DirectoryEntryLayout.encode(entry)))
                    .isEqualTo(new Decoded.Valid<>(entry));
        }
    }

    @Test
    void theHeaderIsReadAsItWasWritten() {
        VolumeHeader header = new VolumeHeader(bytes(NameHash.KEY_BYTES));
        assertThat(VolumeHeaderLayout.decode(VolumeHeaderLayout.encode(header))).isEqualTo(new Decoded.Valid<>(header));
    }

    @Test
    void thePartsOfAnAttributeMakeUpItsValue() {
        for (int length : new int[] {0, 1, 3499, 3500, 3501, 7000, 7001, 65_535, 65_536}) {
            ByteString value = bytes(length);
            ByteBuffer joined = ByteBuffer.allocate(length);
            for (int part = 0; part < XattrLayout.parts(length); part++) {
                byte[] record = XattrLayout.encode(value, part);
                assertThat(record.length).isLessThanOrEqualTo(4096);
                switch (XattrLayout.decode(record, part)) {
                    case Decoded.Valid<XattrLayout.Part>(var decoded) -> {
                        assertThat(decoded.valueBytes()).isEqualTo(length);
                        decoded.data().write(joined);
                    }
                    case Decoded<XattrLayout.Part> other -> throw new AssertionError(other);
                }
            }
            assertThat(ByteString.of(joined.array())).isEqualTo(value);
        }
    }

    @Test
    void anOperationIsReadAsItWasWrittenAndWhatFollowsItIsLeftAlone() {
        for (int i = 0; i < ROUNDS; i++) {
            Operation operation = operation();
            ByteBuffer buffer = ByteBuffer.allocate(OperationLayout.bytes(operation) + 3);
            OperationLayout.encode(operation, buffer);
            assertThat(buffer.remaining()).isEqualTo(3);
            assertThat(OperationLayout.bytes(operation)).isLessThanOrEqualTo(OperationLayout.BYTES_MAX);
            buffer.flip();
            buffer.limit(buffer.limit() + 3);
            assertThat(OperationLayout.decode(buffer)).isEqualTo(new Decoded.Valid<>(operation));
            assertThat(buffer.remaining()).isEqualTo(3);
        }
    }

    @Test
    void theBytesOfAnOperationStayWhatTheyAre() {
        Timestamp time = new Timestamp(-2, 999_999_999);
        assertThat(HexFormat.of().formatHex(encode(new Operation.Truncate(5, 1 << 20, time))))
                .isEqualTo("0bfeffffffffffffffffc99a3b05000000000000000000100000000000");
        assertThat(HexFormat.of().formatHex(encode(new Operation.Zero(5, 4096, 0x123456789aL, true, time))))
                .isEqualTo("0cfeffffffffffffffffc99a3b050000000000000000100000000000009a7856341200000001");
    }

    @Test
    void theBytesOfAFileWithoutANameStayWhatTheyAre() {
        assertThat(HexFormat.of()
                        .formatHex(encode(new Operation.MakeUnnamed(5, 6, 0640, 1000, 1001, new Timestamp(1, 2)))))
                .isEqualTo("0d01000000000000000200000005000000000000000600000000000000a0010000e8030000e9030000");
    }

    @Test
    void theBytesOfSharingStayWhatTheyAre() {
        assertThat(HexFormat.of()
                        .formatHex(encode(new Operation.Share(5, 4096, 6, 8192, 0x123456789aL, new Timestamp(1, 2)))))
                .isEqualTo("0e010000000000000002000000" + "0500000000000000" + "0010000000000000" + "0600000000000000"
                        + "0020000000000000" + "9a78563412000000");
    }

    @Test
    void whatIsSharedIsAtLeastOneByteBelowTheEndOfAllFiles() {
        Timestamp time = new Timestamp(1, 0);
        for (Operation.Share wrong : List.of(
                new Operation.Share(5, 0, 6, 0, 0, time),
                new Operation.Share(5, 0, 6, 0, -1, time),
                new Operation.Share(5, -1, 6, 0, 1, time),
                new Operation.Share(5, 1, 6, 0, Long.MAX_VALUE, time),
                new Operation.Share(5, 0, 6, 1, Long.MAX_VALUE, time))) {
            assertThat(OperationLayout.decode(ByteBuffer.wrap(encode(wrong)))).isInstanceOf(Decoded.Corrupt.class);
        }
    }

    @Test
    void whatIsMadeZeroIsAtLeastOneByteBelowTheEndOfAllFiles() {
        Timestamp time = new Timestamp(1, 0);
        for (Operation.Zero wrong : List.of(
                new Operation.Zero(5, 0, 0, false, time),
                new Operation.Zero(5, 10, Long.MAX_VALUE - 9, false, time),
                new Operation.Zero(5, -1, 5, false, time))) {
            assertThat(OperationLayout.decode(ByteBuffer.wrap(encode(wrong)))).isInstanceOf(Decoded.Corrupt.class);
        }
        byte[] growth = encode(new Operation.Zero(5, 0, 1, true, time));
        growth[growth.length - 1] = 2;
        assertThat(OperationLayout.decode(ByteBuffer.wrap(growth))).isInstanceOf(Decoded.Corrupt.class);
    }

    @Test
    void anOperationThatIsCutShortIsCorrupt() {
        for (int i = 0; i < ROUNDS; i++) {
            Operation operation = operation();
            byte[] encoded = encode(operation);
            int length = random.nextInt(encoded.length);
            assertThat(OperationLayout.decode(ByteBuffer.wrap(encoded, 0, length)))
                    .isInstanceOf(Decoded.Corrupt.class);
        }
    }

    @Test
    void reservedBytesOfAnInodeMustBeZero() {
        byte[] encoded = InodeLayout.encode(inode());
        for (int offset = InodeLayout.RESERVED_OFFSET; offset < InodeLayout.BYTES; offset++) {
            byte[] changed = encoded.clone();
            changed[offset] = 1;
            assertThat(InodeLayout.decode(changed)).isInstanceOf(Decoded.Corrupt.class);
        }
    }

    @Test
    void decodersAnswerAnyBytesAndValidOnesAgreeWithTheirEncoding() {
        List<Fuzzed> structures = List.of(
                new Fuzzed(() -> InodeLayout.encode(inode()), reencoded(InodeLayout::decode, InodeLayout::encode)),
                new Fuzzed(
                        () -> DirectoryEntryLayout.encode(new DirectoryEntry(number() + 1, type(), 0)),
                        reencoded(DirectoryEntryLayout::decode, DirectoryEntryLayout::encode)),
                new Fuzzed(
                        () -> VolumeHeaderLayout.encode(new VolumeHeader(bytes(16))),
                        reencoded(VolumeHeaderLayout::decode, VolumeHeaderLayout::encode)),
                new Fuzzed(
                        () -> XattrLayout.encode(bytes(100), 0),
                        reencoded(
                                bytes -> XattrLayout.decode(bytes, 0),
                                part -> part.valueBytes() <= XattrLayout.PART_BYTES_MAX
                                        ? XattrLayout.encode(part.data(), 0)
                                        : null)),
                new Fuzzed(
                        () -> encode(operation()),
                        reencoded(bytes -> OperationLayout.decode(ByteBuffer.wrap(bytes)), this::encode)));
        for (Fuzzed structure : structures) {
            for (int i = 0; i < ROUNDS * 5; i++) {
                byte[] mutated = mutate(structure.valid.get());
                byte[] again = structure.reencode.apply(mutated);
                if (again != null) {
                    assertThat(mutated).as("seed %d", SEED).startsWith(again);
                }
            }
        }
    }

    private record Fuzzed(Supplier<byte[]> valid, Function<byte[], byte @Nullable []> reencode) {}

    private static <T> Function<byte[], byte @Nullable []> reencoded(
            Function<byte[], Decoded<T>> decode, Function<T, byte @Nullable []> encode) {
        return bytes -> decode.apply(bytes) instanceof Decoded.Valid<T>(T value) ? encode.apply(value) : null;
    }

    private byte[] mutate(byte[] bytes) {
        byte[] mutated = switch (random.nextInt(4)) {
            case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            case 1 -> Arrays.copyOf(bytes, bytes.length + random.nextInt(20));
            default -> bytes.clone();
        };
        for (int i = random.nextInt(4); i > 0 && mutated.length > 0; i--) {
            int at = random.nextInt(mutated.length);
            mutated[at] = switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> -1;
                case 2 -> (byte) (mutated[at] ^ 1 << random.nextInt(8));
                default -> (byte) random.nextInt();
            };
        }
        return mutated;
    }

    private byte[] encode(Operation operation) {
        ByteBuffer buffer = ByteBuffer.allocate(OperationLayout.bytes(operation));
        OperationLayout.encode(operation, buffer);
        return buffer.array();
    }

    private Inode inode() {
        return new Inode(
                type() | random.nextInt(010000),
                random.nextInt(Integer.MAX_VALUE),
                random.nextInt(),
                random.nextInt(),
                random.nextInt(),
                random.nextInt(2),
                number(),
                number(),
                number(),
                number(),
                time(),
                time(),
                time(),
                time(),
                random.nextInt(Integer.MAX_VALUE),
                random.nextInt(Integer.MAX_VALUE),
                random.nextInt(Integer.MAX_VALUE),
                redundancy());
    }

    private @Nullable Redundancy redundancy() {
        return switch (random.nextInt(3)) {
            case 0 -> null;
            case 1 -> Redundancy.replicas(1 + random.nextInt(Redundancy.REPLICAS_MAX));
            default ->
                new Redundancy(
                        2 + random.nextInt(Redundancy.DATA_FRAGMENTS_MAX - 1),
                        1 + random.nextInt(Redundancy.PARITY_FRAGMENTS_MAX));
        };
    }

    private Operation operation() {
        long inode = number() + 1;
        long other = number() + 1;
        return switch (random.nextInt(14)) {
            case 0 ->
                new Operation.Make(
                        inode,
                        name(),
                        other,
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(),
                        time());
            case 1 ->
                new Operation.Symlink(
                        inode,
                        name(),
                        other,
                        bytes(random.nextInt(OperationLayout.TARGET_BYTES_MAX + 1)),
                        random.nextInt(),
                        random.nextInt(),
                        time());
            case 2 -> new Operation.Link(inode, other, name(), time());
            case 3 -> new Operation.Unlink(inode, name(), time());
            case 4 -> new Operation.RemoveDirectory(inode, name(), time());
            case 5 -> new Operation.Rename(inode, name(), other, name(), random.nextInt(), time());
            case 6 ->
                new Operation.SetAttributes(
                        inode, maybeInt(), maybeInt(), maybeInt(), maybeTime(), maybeTime(), time());
            case 7 ->
                new Operation.SetXattr(
                        inode,
                        name(),
                        bytes(random.nextInt(XattrLayout.VALUE_BYTES_MAX + 1)),
                        random.nextInt(),
                        time());
            case 8 -> new Operation.RemoveXattr(inode, name(), time());
            case 9 -> new Operation.Write(inode, number(), random.nextInt(1 << 20), time());
            case 11 ->
                new Operation.MakeUnnamed(inode, other, random.nextInt(), random.nextInt(), random.nextInt(), time());
            case 12 -> {
                long offset = number();
                long target = number();
                long length = 1 + random.nextLong(Long.MAX_VALUE - Math.max(offset, target));
                yield new Operation.Share(inode, offset, other, target, length, time());
            }
            case 10 -> {
                long offset = number();
                long length = 1 + random.nextLong(Long.MAX_VALUE - offset);
                yield new Operation.Zero(inode, offset, length, random.nextBoolean(), time());
            }
            default -> new Operation.Truncate(inode, number(), time());
        };
    }

    private @Nullable Integer maybeInt() {
        return random.nextBoolean() ? random.nextInt() : null;
    }

    private @Nullable Timestamp maybeTime() {
        return random.nextBoolean() ? time() : null;
    }

    private Timestamp time() {
        return new Timestamp(random.nextLong(), random.nextInt(1_000_000_000));
    }

    private long number() {
        return random.nextLong(Long.MAX_VALUE - 1) >>> random.nextInt(63);
    }

    private int type() {
        List<Integer> types = new ArrayList<>();
        for (int type = 0; type <= Inode.TYPE_MASK; type += 0x1000) {
            if (Inode.isType(type)) {
                types.add(type);
            }
        }
        return types.get(random.nextInt(types.size()));
    }

    private ByteString name() {
        return bytes(1 + random.nextInt(VolumeKeys.NAME_BYTES_MAX));
    }

    private ByteString bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return ByteString.of(bytes);
    }
}
