package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Value of the HEADER record: layout u32 = 1, reserved u32, name key 16 bytes. */
public final class VolumeHeaderLayout {
    static final int LAYOUT_OFFSET = 0;
    static final int RESERVED_OFFSET = LAYOUT_OFFSET + 4;
    static final int NAME_KEY_OFFSET = RESERVED_OFFSET + 4;
    public static final int BYTES = NAME_KEY_OFFSET + NameHash.KEY_BYTES;

    static final int LAYOUT = 1;

    private static final String STRUCTURE = "volume header";

    private VolumeHeaderLayout() {}

    public static byte[] encode(VolumeHeader header) {
        if (header.nameKey().length() != NameHash.KEY_BYTES) {
            throw new IllegalArgumentException("a name key has " + NameHash.KEY_BYTES + " bytes");
        }
        ByteBuffer value = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        value.putInt(LAYOUT).putInt(0);
        header.nameKey().write(value);
        return value.array();
    }

    public static Decoded<VolumeHeader> decode(byte[] bytes) {
        if (bytes.length != BYTES) {
            return corrupt("size", BYTES, bytes.length);
        }
        ByteBuffer value = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (value.getInt(LAYOUT_OFFSET) != LAYOUT) {
            return corrupt("layout", LAYOUT, value.getInt(LAYOUT_OFFSET));
        }
        if (value.getInt(RESERVED_OFFSET) != 0) {
            return corrupt("reserved bytes", 0, value.getInt(RESERVED_OFFSET));
        }
        return new Decoded.Valid<>(
                new VolumeHeader(ByteString.read(value.position(NAME_KEY_OFFSET), NameHash.KEY_BYTES)));
    }

    private static <T> Decoded<T> corrupt(String field, Object expected, Object found) {
        return new Decoded.Corrupt<>(STRUCTURE + " " + field, String.valueOf(expected), String.valueOf(found));
    }
}
