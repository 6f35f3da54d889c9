package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The value of an extended attribute, cut into parts of {@value #PART_BYTES_MAX} bytes, each a record: length of the whole
 * value u32, then the part's bytes. An empty value has one part.
 */
public final class XattrLayout {
    public static final int VALUE_BYTES_MAX = 64 << 10;
    public static final int PART_BYTES_MAX = 3500;
    public static final int PARTS_MAX = parts(VALUE_BYTES_MAX);

    static final int LENGTH_OFFSET = 0;
    static final int DATA_OFFSET = LENGTH_OFFSET + 4;

    private static final String STRUCTURE = "extended attribute";

    private XattrLayout() {}

    /** One record of an attribute. */
    public record Part(int valueBytes, ByteString data) {}

    /** How many parts a value of that length has. */
    public static int parts(int valueBytes) {
        return Math.max(1, Math.ceilDiv(valueBytes, PART_BYTES_MAX));
    }

    public static byte[] encode(ByteString value, int part) {
        byte[] bytes = value.toBytes();
        int from = part * PART_BYTES_MAX;
        int length = partBytes(bytes.length, part);
        ByteBuffer record = ByteBuffer.allocate(DATA_OFFSET + length).order(ByteOrder.LITTLE_ENDIAN);
        return record.putInt(bytes.length).put(bytes, from, length).array();
    }

    public static Decoded<Part> decode(byte[] bytes, int part) {
        if (bytes.length < DATA_OFFSET) {
            return corrupt("size", "at least " + DATA_OFFSET + " bytes", bytes.length);
        }
        ByteBuffer record = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int valueBytes = record.getInt(LENGTH_OFFSET);
        if (valueBytes < 0 || valueBytes > VALUE_BYTES_MAX) {
            return corrupt("value length", "0.." + VALUE_BYTES_MAX, valueBytes);
        }
        if (part < 0 || part >= parts(valueBytes)) {
            return corrupt("part", "below " + parts(valueBytes), part);
        }
        int length = partBytes(valueBytes, part);
        if (bytes.length - DATA_OFFSET != length) {
            return corrupt(
                    "part " + part + " of " + valueBytes + " bytes", length + " bytes", bytes.length - DATA_OFFSET);
        }
        return new Decoded.Valid<>(new Part(valueBytes, ByteString.read(record.position(DATA_OFFSET), length)));
    }

    private static int partBytes(int valueBytes, int part) {
        return Math.min(PART_BYTES_MAX, valueBytes - part * PART_BYTES_MAX);
    }

    private static <T> Decoded<T> corrupt(String field, String expected, Object found) {
        return new Decoded.Corrupt<>(STRUCTURE + " " + field, expected, String.valueOf(found));
    }
}
