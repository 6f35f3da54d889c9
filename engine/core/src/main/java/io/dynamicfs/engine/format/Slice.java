package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A run of a file's bytes and where they are. Value of a volume tree's SLICE key, whose number is the file offset; slices of one
 * file do not overlap, what lies between them is a hole. The first byte says which kind it is.
 */
public sealed interface Slice {
    /** Files of at most this size are kept in the tree. */
    int INLINE_BYTES_MAX = 2048;

    Structure OF_EXTENT = new Structure("Slice of an extent");
    Structure.Field TYPE = OF_EXTENT.field("type", 1);
    Structure.Field LENGTH = OF_EXTENT.reserve(3).field("length", 4);
    Structure.Field EXTENT = OF_EXTENT.field("extent id", 8);
    Structure.Field EXTENT_OFFSET = OF_EXTENT.field("extent offset", 4);

    byte TYPE_EXTENT = 1;
    byte TYPE_INLINE = 2;

    /** Bytes of the file that the slice shows, at least 1. */
    int length();

    byte[] encode();

    /** The part from {@code from} to {@code to}, counted from the slice's start. */
    Slice part(int from, int to);

    /** Bytes of an extent from {@code extentOffset} on. */
    record OfExtent(int length, long extent, int extentOffset) implements Slice {
        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(OF_EXTENT.bytes())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put(TYPE.offset(), TYPE_EXTENT)
                    .putInt(LENGTH.offset(), length)
                    .putLong(EXTENT.offset(), extent)
                    .putInt(EXTENT_OFFSET.offset(), extentOffset)
                    .array();
        }

        @Override
        public Slice part(int from, int to) {
            return new OfExtent(to - from, extent, extentOffset + from);
        }
    }

    /** The bytes themselves; not to be changed. */
    record Inline(byte[] bytes) implements Slice {
        @Override
        public int length() {
            return bytes.length;
        }

        @Override
        public byte[] encode() {
            byte[] value = new byte[1 + bytes.length];
            value[0] = TYPE_INLINE;
            System.arraycopy(bytes, 0, value, 1, bytes.length);
            return value;
        }

        @Override
        public Slice part(int from, int to) {
            return new Inline(Arrays.copyOfRange(bytes, from, to));
        }
    }

    static Slice decode(byte[] value) {
        RecordReader reader = new RecordReader("slice", value, 2);
        int type = reader.u8();
        return switch (type) {
            case TYPE_EXTENT -> {
                reader.zeros(3);
                int length = reader.positiveInt();
                long extent = reader.positiveLong();
                int offset = reader.positiveInt();
                if (length == 0 || (long) offset + length > ExtentRecord.LENGTH_MAX) {
                    throw reader.corrupt("bytes within an extent", length + " from " + offset);
                }
                yield reader.end(new OfExtent(length, extent, offset));
            }
            case TYPE_INLINE -> {
                if (reader.remaining() > INLINE_BYTES_MAX) {
                    throw reader.corrupt("at most " + INLINE_BYTES_MAX + " bytes", reader.remaining() + " bytes");
                }
                yield reader.end(new Inline(reader.bytes(reader.remaining())));
            }
            default -> throw reader.corrupt("slice type 1 or 2", String.valueOf(type));
        };
    }
}
