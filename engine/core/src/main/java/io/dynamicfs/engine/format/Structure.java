package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The picture of a structure of fixed size: fields in their order, offsets computed from each other. Space that no field has
 * is reserved: zero when written, refused when not zero.
 */
public final class Structure {
    /** {@code reserved} bytes carry nothing. */
    public record Field(String name, int offset, int bytes, boolean reserved) {
        public int end() {
            return offset + bytes;
        }
    }

    private static final String RESERVED = "reserved";

    private final String name;
    private final List<Field> fields = new ArrayList<>();
    private int end;

    public Structure(String name) {
        this.name = name;
    }

    public Field field(String fieldName, int bytes) {
        return append(fieldName, bytes, false);
    }

    public Structure reserve(int bytes) {
        append(RESERVED, bytes, true);
        return this;
    }

    /** Reserves everything up to {@code offset}. */
    public Structure reserveUntil(int offset) {
        return reserve(offset - end);
    }

    private Field append(String fieldName, int bytes, boolean reserved) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(fieldName + " of " + name + " has " + bytes + " bytes");
        }
        Field field = new Field(fieldName, end, bytes, reserved);
        fields.add(field);
        end = field.end();
        return field;
    }

    public String name() {
        return name;
    }

    public List<Field> fields() {
        return List.copyOf(fields);
    }

    /** Bytes up to the end of the last field. */
    public int bytes() {
        return end;
    }

    /** The offset of the first reserved byte that is not zero, or -1. */
    int firstReservedByteSet(ByteBuffer bytes) {
        for (Field field : fields) {
            if (field.reserved()) {
                for (int i = field.offset(); i < field.end(); i++) {
                    if (bytes.get(i) != 0) {
                        return i;
                    }
                }
            }
        }
        return -1;
    }
}
