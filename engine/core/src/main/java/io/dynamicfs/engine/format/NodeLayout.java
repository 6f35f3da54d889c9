package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A node of a metadata tree, little-endian, {@link #BYTES} bytes. It has no digest of its own: that is in the pointer to it.
 *
 * <pre>
 *   0  magic "DFSBNODE"
 *   8  format version u32
 *  12  level u8                 0 is a leaf
 *  13  flags u8                 bit 0: there is an upper fence
 *  14  entry count u16
 *  16  tree id u64
 *  24  birth generation u64
 *  32  own logical address u64
 *  40  used bytes u32           from the start of the node to the end of the last entry
 *  44  lower fence length u16
 *  46  upper fence length u16
 *  48  zero
 *  64  lower fence (inclusive), upper fence (exclusive), entries, zero
 *
 *  leaf entry   key length u16, value length u16, key, value
 *  inner entry  key length u16, key, node pointer (48 bytes)
 * </pre>
 *
 * Invariants: keys ascend strictly (unsigned bytes) and lie within the fences; the key of an inner entry is the lower fence of
 * its child, so the first one is the node's own; a leaf has an entry, an inner node two children; a child is not younger than
 * its parent. An empty tree has no node.
 */
public final class NodeLayout {
    public static final int BYTES = 16384;
    public static final int VERSION = 1;
    public static final int KEY_BYTES_MAX = 300;
    public static final int VALUE_BYTES_MAX = 4096;
    public static final int LEVEL_MAX = 31;

    private static final int MAGIC = 0;
    private static final int FORMAT_VERSION = MAGIC + Long.BYTES;
    private static final int LEVEL = FORMAT_VERSION + Integer.BYTES;
    private static final int FLAGS = LEVEL + Byte.BYTES;
    private static final int COUNT = FLAGS + Byte.BYTES;
    private static final int TREE_ID = COUNT + Short.BYTES;
    private static final int BIRTH = TREE_ID + Long.BYTES;
    private static final int ADDRESS = BIRTH + Long.BYTES;
    private static final int USED = ADDRESS + Long.BYTES;
    private static final int LOWER_LENGTH = USED + Integer.BYTES;
    private static final int UPPER_LENGTH = LOWER_LENGTH + Short.BYTES;
    private static final int RESERVED = UPPER_LENGTH + Short.BYTES;
    public static final int HEADER_BYTES = 64;

    /** Room for entries: fences are counted at their longest, so that a changed fence never overflows a node. */
    public static final int ENTRY_BYTES_MAX = BYTES - HEADER_BYTES - 2 * KEY_BYTES_MAX;

    private static final int FLAG_UPPER = 1;
    private static final long MAGIC_VALUE = ByteBuffer.wrap("DFSBNODE".getBytes(StandardCharsets.US_ASCII))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getLong(0);

    private NodeLayout() {}

    /** What a node says of itself beside its entries; {@code upper} is null at the right edge of a tree. */
    public record Header(long treeId, int level, long birth, long address, byte[] lower, byte @Nullable [] upper) {}

    /** The answer of {@link #decode}: a leaf, an inner node, or why it is neither. */
    public sealed interface Decoded {}

    public record Leaf(Header header, byte[][] keys, byte[][] values) implements Decoded {}

    public record Inner(Header header, byte[][] keys, NodePointer[] children) implements Decoded {}

    /** A node of a format version that this engine does not read. */
    public record OtherVersion(int version) implements Decoded {}

    public record Corrupt(String expected, String actual) implements Decoded {}

    public static int leafEntryBytes(byte[] key, byte[] value) {
        return 2 * Short.BYTES + key.length + value.length;
    }

    public static int innerEntryBytes(byte[] key) {
        return Short.BYTES + key.length + NodePointer.BYTES;
    }

    /** Fills {@code target} (at least {@link #BYTES} from its position) with the first {@code count} entries of a leaf. */
    public static void encodeLeaf(ByteBuffer target, Header header, byte[][] keys, byte[][] values, int count) {
        require(header.level() == 0 && count >= 1, "a leaf is at level 0 and has an entry");
        ByteBuffer node = begin(target, header);
        for (int i = 0; i < count; i++) {
            node.putShort((short) keys[i].length)
                    .putShort((short) values[i].length)
                    .put(keys[i])
                    .put(values[i]);
        }
        end(node, header, count);
    }

    /** Fills {@code target} (at least {@link #BYTES} from its position) with the first {@code count} children of an inner node. */
    public static void encodeInner(ByteBuffer target, Header header, byte[][] keys, NodePointer[] children, int count) {
        require(header.level() >= 1 && count >= 2, "an inner node is above level 0 and has two children");
        ByteBuffer node = begin(target, header);
        for (int i = 0; i < count; i++) {
            node.putShort((short) keys[i].length).put(keys[i]);
            children[i].write(node, node.position());
            node.position(node.position() + NodePointer.BYTES);
        }
        end(node, header, count);
    }

    private static ByteBuffer begin(ByteBuffer target, Header header) {
        require(header.level() <= LEVEL_MAX, "a tree has at most " + LEVEL_MAX + " levels");
        require(header.birth() > 0, "a written node has a generation");
        ByteBuffer node = target.slice(target.position(), BYTES).order(ByteOrder.LITTLE_ENDIAN);
        node.position(HEADER_BYTES).put(header.lower());
        byte[] upper = header.upper();
        if (upper != null) {
            node.put(upper);
        }
        return node;
    }

    private static void end(ByteBuffer node, Header header, int count) {
        int used = node.position();
        while (node.remaining() >= Long.BYTES) {
            node.putLong(0);
        }
        while (node.hasRemaining()) {
            node.put((byte) 0);
        }
        byte[] upper = header.upper();
        node.putLong(MAGIC, MAGIC_VALUE)
                .putInt(FORMAT_VERSION, VERSION)
                .put(LEVEL, (byte) header.level())
                .put(FLAGS, (byte) (upper == null ? 0 : FLAG_UPPER))
                .putShort(COUNT, (short) count)
                .putLong(TREE_ID, header.treeId())
                .putLong(BIRTH, header.birth())
                .putLong(ADDRESS, header.address())
                .putInt(USED, used)
                .putShort(LOWER_LENGTH, (short) header.lower().length)
                .putShort(UPPER_LENGTH, (short) (upper == null ? 0 : upper.length))
                .putLong(RESERVED, 0)
                .putLong(RESERVED + Long.BYTES, 0);
    }

    private static void require(boolean held, String invariant) {
        if (!held) {
            throw new IllegalStateException(invariant);
        }
    }

    /** Reads the node in the remaining bytes of {@code source}; total: any bytes give an answer. */
    public static Decoded decode(ByteBuffer source) {
        if (source.remaining() != BYTES) {
            return new Corrupt("a node of " + BYTES + " bytes", source.remaining() + " bytes");
        }
        ByteBuffer node = source.slice().order(ByteOrder.LITTLE_ENDIAN);
        if (node.getLong(MAGIC) != MAGIC_VALUE) {
            return new Corrupt("magic DFSBNODE", "0x" + Long.toHexString(node.getLong(MAGIC)));
        }
        int version = node.getInt(FORMAT_VERSION);
        if (version != VERSION) {
            return new OtherVersion(version);
        }
        try {
            return decodeBody(node);
        } catch (CorruptEntry e) {
            return new Corrupt(e.expected, e.actual);
        }
    }

    private static Decoded decodeBody(ByteBuffer node) throws CorruptEntry {
        int level = Byte.toUnsignedInt(node.get(LEVEL));
        check(level <= LEVEL_MAX, "a level up to " + LEVEL_MAX, level);
        int flags = Byte.toUnsignedInt(node.get(FLAGS));
        check((flags & ~FLAG_UPPER) == 0, "flags 0 or 1", flags);
        check(
                node.getLong(RESERVED) == 0 && node.getLong(RESERVED + Long.BYTES) == 0,
                "reserved bytes of zero",
                "others");
        long birth = node.getLong(BIRTH);
        check(birth > 0, "a birth generation above 0", birth);
        int used = node.getInt(USED);
        check(used >= HEADER_BYTES && used <= BYTES, "used bytes " + HEADER_BYTES + ".." + BYTES, used);

        Entries entries = new Entries(node, used);
        byte[] lower = entries.key(Short.toUnsignedInt(node.getShort(LOWER_LENGTH)));
        int upperLength = Short.toUnsignedInt(node.getShort(UPPER_LENGTH));
        byte[] upper = null;
        if ((flags & FLAG_UPPER) != 0) {
            upper = entries.key(upperLength);
            if (Arrays.compareUnsigned(lower, upper) >= 0) {
                throw new CorruptEntry("an upper fence above " + hex(lower), hex(upper));
            }
        } else {
            check(upperLength == 0, "no length of an absent upper fence", upperLength);
        }
        Header header = new Header(node.getLong(TREE_ID), level, birth, node.getLong(ADDRESS), lower, upper);
        int count = Short.toUnsignedInt(node.getShort(COUNT));
        Decoded decoded = level == 0 ? decodeLeaf(entries, header, count) : decodeInner(entries, header, count);
        entries.finish();
        return decoded;
    }

    private static Leaf decodeLeaf(Entries entries, Header header, int count) throws CorruptEntry {
        check(count >= 1 && count <= ENTRY_BYTES_MAX / (2 * Short.BYTES), "a plausible entry count of a leaf", count);
        byte[][] keys = new byte[count][];
        byte[][] values = new byte[count][];
        for (int i = 0; i < count; i++) {
            int keyLength = entries.length();
            int valueLength = entries.length();
            keys[i] = entries.key(keyLength);
            values[i] = entries.value(valueLength);
            checkOrder(header, keys, i);
        }
        return new Leaf(header, keys, values);
    }

    private static Inner decodeInner(Entries entries, Header header, int count) throws CorruptEntry {
        check(
                count >= 2 && count <= ENTRY_BYTES_MAX / (Short.BYTES + NodePointer.BYTES),
                "a plausible entry count of an inner node",
                count);
        byte[][] keys = new byte[count][];
        NodePointer[] children = new NodePointer[count];
        for (int i = 0; i < count; i++) {
            keys[i] = entries.key(entries.length());
            checkOrder(header, keys, i);
            children[i] = entries.pointer();
            long birth = children[i].birth();
            if (birth <= 0 || birth > header.birth()) {
                throw new CorruptEntry("a child born in 1.." + header.birth(), Long.toString(birth));
            }
        }
        if (!Arrays.equals(keys[0], header.lower())) {
            throw new CorruptEntry("the lower fence " + hex(header.lower()) + " as first separator", hex(keys[0]));
        }
        return new Inner(header, keys, children);
    }

    private static void checkOrder(Header header, byte[][] keys, int i) throws CorruptEntry {
        byte[] key = keys[i];
        boolean above = i == 0
                ? Arrays.compareUnsigned(header.lower(), key) <= 0
                : Arrays.compareUnsigned(keys[i - 1], key) < 0;
        byte[] upper = header.upper();
        if (!above || (upper != null && Arrays.compareUnsigned(key, upper) >= 0)) {
            throw new CorruptEntry("keys that ascend within the fences", "key " + i + " is " + hex(key));
        }
    }

    private static void check(boolean held, String expected, Object actual) throws CorruptEntry {
        if (!held) {
            throw new CorruptEntry(expected, actual.toString());
        }
    }

    private static String hex(byte[] bytes) {
        return "\"" + HexFormat.of().formatHex(bytes) + "\"";
    }

    /** Walks the used bytes behind the header and never beyond them. */
    private static final class Entries {
        private final ByteBuffer node;
        private final int used;
        private int position = HEADER_BYTES;

        Entries(ByteBuffer node, int used) {
            this.node = node;
            this.used = used;
        }

        int length() throws CorruptEntry {
            return Short.toUnsignedInt(node.getShort(take(Short.BYTES)));
        }

        byte[] key(int length) throws CorruptEntry {
            if (length > KEY_BYTES_MAX) {
                throw new CorruptEntry("a key of up to " + KEY_BYTES_MAX + " bytes", Integer.toString(length));
            }
            return bytes(length);
        }

        byte[] value(int length) throws CorruptEntry {
            if (length > VALUE_BYTES_MAX) {
                throw new CorruptEntry("a value of up to " + VALUE_BYTES_MAX + " bytes", Integer.toString(length));
            }
            return bytes(length);
        }

        NodePointer pointer() throws CorruptEntry {
            return NodePointer.read(node, take(NodePointer.BYTES));
        }

        private byte[] bytes(int length) throws CorruptEntry {
            byte[] bytes = new byte[length];
            node.get(take(length), bytes);
            return bytes;
        }

        private int take(int length) throws CorruptEntry {
            int start = position;
            if (length > used - start) {
                throw new CorruptEntry("entries within " + used + " used bytes", "an end at " + (start + length));
            }
            position = start + length;
            return start;
        }

        void finish() throws CorruptEntry {
            check(position == used, "entries that end at " + used, position);
            int at = used;
            while (at < BYTES && at % Long.BYTES != 0 && node.get(at) == 0) {
                at++;
            }
            while (at < BYTES && at % Long.BYTES == 0 && node.getLong(at) == 0) {
                at += Long.BYTES;
            }
            if (at < BYTES) {
                throw new CorruptEntry("zero behind the entries", "other bytes at " + at);
            }
        }
    }

    /** Leaves the decoder at the first violation; costs no stack trace. */
    private static final class CorruptEntry extends Exception {
        private static final long serialVersionUID = 1L;

        final String expected;
        final String actual;

        CorruptEntry(String expected, String actual) {
            super(null, null, false, false);
            this.expected = expected;
            this.actual = actual;
        }
    }
}
