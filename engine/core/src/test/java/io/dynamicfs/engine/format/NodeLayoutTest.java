package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.hash.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NodeLayoutTest {
    private static final Path DOCUMENT = Path.of("../../docs/on-disk-format-tree.md");

    private static final String GOLDEN_LEAF = "444653424e4f44450100000000010200"
            + "2a000000000000000700000000000000"
            + "43010000000000005000000001000100"
            + "00000000000000000000000000000000"
            + "61640200010061623101000200623233";
    private static final String GOLDEN_INNER = "444653424e4f44450100000003000200"
            + "2a000000000000000700000000000000"
            + "4301000000000000a500000000000000"
            + "00000000000000000000000000000000"
            + "0000400100000000000006000000000000000100000000000000020000000000000003000000000000000400000000000000"
            + "0100644101000000000000070000000000000005000000000000000600000000000000070000000000000008000000000000"
            + "00";

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ByteBuffer leaf() {
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        NodeLayout.Header header = new NodeLayout.Header(42, 0, 7, NodePointer.address(5, 3), text("a"), text("d"));
        NodeLayout.encodeLeaf(
                node, header, new byte[][] {text("ab"), text("b")}, new byte[][] {text("1"), text("23")}, 2);
        return node;
    }

    private static ByteBuffer inner() {
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        NodeLayout.Header header = new NodeLayout.Header(42, 3, 7, NodePointer.address(5, 3), text(""), null);
        NodePointer[] children = {
            new NodePointer(NodePointer.address(5, 0), 6, new Digest(1, 2, 3, 4)),
            new NodePointer(NodePointer.address(5, 1), 7, new Digest(5, 6, 7, 8))
        };
        NodeLayout.encodeInner(node, header, new byte[][] {text(""), text("d")}, children, 2);
        return node;
    }

    private static String usedHex(ByteBuffer node) {
        byte[] used = new byte[node.order(ByteOrder.LITTLE_ENDIAN).getInt(40)];
        node.get(0, used);
        return HexFormat.of().formatHex(used);
    }

    private static ByteBuffer golden(String hex) {
        return ByteBuffer.wrap(Arrays.copyOf(HexFormat.of().parseHex(hex), NodeLayout.BYTES));
    }

    @Test
    void nodesOfVersionOneStayReadable() {
        assertThat(usedHex(leaf())).isEqualTo(GOLDEN_LEAF);
        assertThat(usedHex(inner())).isEqualTo(GOLDEN_INNER);
        NodeLayout.Leaf leaf = (NodeLayout.Leaf) NodeLayout.decode(golden(GOLDEN_LEAF));
        assertThat(leaf.header().upper()).isEqualTo(text("d"));
        assertThat(leaf.keys()).isDeepEqualTo(new byte[][] {text("ab"), text("b")});
        assertThat(leaf.values()).isDeepEqualTo(new byte[][] {text("1"), text("23")});
        NodeLayout.Inner inner = (NodeLayout.Inner) NodeLayout.decode(golden(GOLDEN_INNER));
        assertThat(inner.header().upper()).isNull();
        assertThat(inner.children()[1].digest()).isEqualTo(new Digest(5, 6, 7, 8));
    }

    @Test
    void theDocumentSaysWhereTheFieldsAre() throws IOException {
        String section = Files.readString(DOCUMENT).split("\n## Node\n", -1)[1].split("\n## ", -1)[0];
        Pattern row = Pattern.compile("\\| (\\d+) \\| ?(\\d*) \\| (.*) \\|");
        ByteBuffer leaf = leaf().order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer inner = inner().order(ByteOrder.LITTLE_ENDIAN);
        int end = 0;
        int rows = 0;
        for (String line : section.lines().toList()) {
            Matcher matcher = row.matcher(line);
            if (!matcher.matches()) {
                continue;
            }
            int offset = Integer.parseInt(matcher.group(1));
            assertThat(offset).as(line).isEqualTo(end);
            String field = matcher.group(3).split("[:,;]", -1)[0];
            rows++;
            switch (field) {
                case "magic `DFSBNODE`" ->
                    assertThat(usedHex(leaf)).startsWith(HexFormat.of().formatHex(text("DFSBNODE")));
                case "format version" -> assertThat(leaf.getInt(offset)).isEqualTo(NodeLayout.VERSION);
                case "level" -> assertThat(inner.get(offset)).isEqualTo((byte) 3);
                case "flags" -> assertThat(leaf.get(offset) - inner.get(offset)).isEqualTo(1);
                case "entry count" -> assertThat(leaf.getShort(offset)).isEqualTo((short) 2);
                case "tree id" -> assertThat(leaf.getLong(offset)).isEqualTo(42);
                case "birth generation" -> assertThat(leaf.getLong(offset)).isEqualTo(7);
                case "own logical address" -> assertThat(leaf.getLong(offset)).isEqualTo(NodePointer.address(5, 3));
                case "used bytes" -> assertThat(leaf.getInt(offset)).isEqualTo(64 + 2 + 7 + 7);
                case "length of the lower fence" ->
                    assertThat(leaf.getShort(offset)).isEqualTo((short) 1);
                case "length of the upper fence" ->
                    assertThat(leaf.getShort(offset)).isEqualTo((short) 1);
                case "zero" ->
                    assertThat(leaf.getLong(offset) | leaf.getLong(offset + 8)).isZero();
                case "lower fence" -> {
                    assertThat(offset).isEqualTo(NodeLayout.HEADER_BYTES);
                    assertThat(leaf.get(offset)).isEqualTo((byte) 'a');
                    assertThat(leaf.get(offset + 1)).isEqualTo((byte) 'd');
                }
                default -> assertThat(line).as("a field that the test knows").isEmpty();
            }
            end = matcher.group(2).isEmpty() ? end : end + Integer.parseInt(matcher.group(2));
        }
        assertThat(rows).isEqualTo(13);
        assertThat(Files.readString(DOCUMENT))
                .contains(NodeLayout.ENTRY_BYTES_MAX + " bytes")
                .contains("at most " + NodeLayout.KEY_BYTES_MAX + " bytes")
                .contains("at most " + NodeLayout.VALUE_BYTES_MAX)
                .contains("at most " + NodeLayout.LEVEL_MAX);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, magic DFSBNODE",
        "12, 40, a level up to 31",
        "12, 1, keys that ascend within the fences",
        "13, 3, flags 0 or 1",
        "13, 0, no length of an absent upper fence",
        "14, 0, a plausible entry count of a leaf",
        "14, 1, entries that end at 80",
        "14, 3, entries within 80 used bytes",
        "24, 0, a birth generation above 0",
        "40, 79, entries within 79 used bytes",
        "40, 63, used bytes 64..16384",
        "41, 255, used bytes 64..16384",
        "45, 2, a key of up to 300 bytes",
        "48, 1, reserved bytes of zero",
        "64, 101, an upper fence above",
        "65, 98, keys that ascend within the fences",
        "70, 98, keys that ascend within the fences",
        "77, 97, keys that ascend within the fences",
        "69, 17, a value of up to 4096 bytes",
        "16383, 1, zero behind the entries",
        "81, 1, zero behind the entries",
        "80, 1, zero behind the entries"
    })
    void aChangedByteIsReportedAsWhatItBreaks(int offset, int value, String expected) {
        ByteBuffer node = leaf();
        node.put(offset, (byte) value);
        NodeLayout.Corrupt corrupt = (NodeLayout.Corrupt) NodeLayout.decode(node);
        assertThat(corrupt.expected()).contains(expected);
    }

    @Test
    void aChildYoungerThanItsParentIsCorrupt() {
        ByteBuffer node = inner();
        node.put(24, (byte) 6);
        assertThat(NodeLayout.decode(node)).isEqualTo(new NodeLayout.Corrupt("a child born in 1..6", "7"));
    }

    @Test
    void anotherVersionIsNotCorruption() {
        ByteBuffer node = leaf();
        node.put(8, (byte) 2);
        assertThat(NodeLayout.decode(node)).isEqualTo(new NodeLayout.OtherVersion(2));
    }

    @Test
    void aShortNodeIsCorrupt() {
        assertThat(NodeLayout.decode(ByteBuffer.allocate(100)))
                .isEqualTo(new NodeLayout.Corrupt("a node of 16384 bytes", "100 bytes"));
    }

    @Test
    void nodesThatBreakTheRulesAreNotWritten() {
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        NodeLayout.Header header = new NodeLayout.Header(1, 0, 1, 0, new byte[0], null);
        assertThatThrownBy(() -> NodeLayout.encodeLeaf(node, header, new byte[0][], new byte[0][], 0))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> NodeLayout.encodeInner(node, header, new byte[0][], new NodePointer[0], 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void whateverDecodesEncodesToTheSameBytes(long seed) {
        Random random = new Random(seed);
        ByteBuffer[] originals = {randomLeaf(random), randomInner(random), leaf(), inner()};
        int valid = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = originals[i % originals.length].array().clone();
            mutate(random, bytes, originals);
            byte[] encoded = encode(NodeLayout.decode(ByteBuffer.wrap(bytes)));
            if (encoded != null) {
                valid++;
                assertThat(Arrays.equals(encoded, bytes))
                        .as("seed %d, mutation %d", seed, i)
                        .isTrue();
            }
        }
        assertThat(valid).isPositive();
    }

    private static void mutate(Random random, byte[] bytes, ByteBuffer[] originals) {
        int used =
                Math.clamp(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(40), 64, NodeLayout.BYTES);
        for (int change = random.nextInt(3); change >= 0; change--) {
            int at = random.nextInt(8) == 0 ? random.nextInt(NodeLayout.BYTES) : random.nextInt(used);
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes[8 + random.nextInt(56)] = (byte) random.nextInt(256);
                case 3 -> {
                    int length = random.nextInt(Math.min(64, NodeLayout.BYTES - at));
                    System.arraycopy(originals[random.nextInt(originals.length)].array(), at, bytes, at, length);
                }
                default -> Arrays.fill(bytes, at, Math.min(NodeLayout.BYTES, at + random.nextInt(512)), (byte) 0);
            }
        }
    }

    private static byte @Nullable [] encode(NodeLayout.Decoded decoded) {
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        Arrays.fill(node.array(), (byte) 0x55);
        return switch (decoded) {
            case NodeLayout.Leaf leaf -> {
                NodeLayout.encodeLeaf(node, leaf.header(), leaf.keys(), leaf.values(), leaf.keys().length);
                yield node.array();
            }
            case NodeLayout.Inner inner -> {
                NodeLayout.encodeInner(node, inner.header(), inner.keys(), inner.children(), inner.keys().length);
                yield node.array();
            }
            case NodeLayout.Corrupt _, NodeLayout.OtherVersion _ -> null;
        };
    }

    private static ByteBuffer randomLeaf(Random random) {
        byte[][] keys = new byte[100][];
        byte[][] values = new byte[100][];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = ByteBuffer.allocate(4 + random.nextInt(40)).putInt(10 + i).array();
            values[i] = new byte[random.nextInt(100)];
            random.nextBytes(values[i]);
        }
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        byte[] upper = ByteBuffer.allocate(4).putInt(10 + 100).array();
        NodeLayout.encodeLeaf(
                node, new NodeLayout.Header(random.nextLong(), 0, 9, 77, new byte[1], upper), keys, values, 100);
        return node;
    }

    private static ByteBuffer randomInner(Random random) {
        byte[][] keys = new byte[150][];
        NodePointer[] children = new NodePointer[150];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = ByteBuffer.allocate(4 + random.nextInt(40)).putInt(10 + i).array();
            children[i] = new NodePointer(i, 1 + random.nextInt(9), new Digest(random.nextLong(), 1, 2, 3));
        }
        ByteBuffer node = ByteBuffer.allocate(NodeLayout.BYTES);
        NodeLayout.encodeInner(
                node, new NodeLayout.Header(random.nextLong(), 2, 9, 77, keys[0], null), keys, children, 150);
        return node;
    }
}
