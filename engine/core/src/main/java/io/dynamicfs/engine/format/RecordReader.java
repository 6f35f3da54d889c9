package io.dynamicfs.engine.format;

import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** Takes a record apart from front to back; everything that does not fit is a {@link CorruptRecordException}. */
final class RecordReader {
    private final String resource;
    private final ByteBuffer buffer;

    RecordReader(String resource, byte[] value, int bytesMin) {
        this.resource = resource;
        this.buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        if (value.length < bytesMin) {
            throw corrupt("at least " + bytesMin + " bytes", value.length + " bytes");
        }
    }

    int u8() {
        require(1);
        return Byte.toUnsignedInt(buffer.get());
    }

    int u16() {
        require(2);
        return Short.toUnsignedInt(buffer.getShort());
    }

    int positiveInt() {
        require(4);
        int value = buffer.getInt();
        if (value < 0) {
            throw corrupt("a number of at most 31 bits", Integer.toUnsignedString(value));
        }
        return value;
    }

    long u64() {
        require(8);
        return buffer.getLong();
    }

    long positiveLong() {
        long value = u64();
        if (value < 0) {
            throw corrupt("a number of at most 63 bits", Long.toUnsignedString(value));
        }
        return value;
    }

    boolean flag() {
        int value = u8();
        if (value > 1) {
            throw corrupt("a flag of 0 or 1", String.valueOf(value));
        }
        return value == 1;
    }

    Digest digest() {
        require(Digest.BYTES);
        Digest digest = Digest.read(buffer, buffer.position());
        buffer.position(buffer.position() + Digest.BYTES);
        return digest;
    }

    NodePointer pointer() {
        require(NodePointer.BYTES);
        NodePointer pointer = NodePointer.read(buffer, buffer.position());
        buffer.position(buffer.position() + NodePointer.BYTES);
        return pointer;
    }

    /** Two bytes k and m; 0 and 0 are for {@link #optionalRedundancy}. */
    Redundancy redundancy() {
        return redundancy(u8(), u8());
    }

    @org.jspecify.annotations.Nullable
    Redundancy optionalRedundancy() {
        int data = u8();
        int parity = u8();
        return data == 0 && parity == 0 ? null : redundancy(data, parity);
    }

    UUID uuid() {
        require(16);
        ByteBuffer big = buffer.slice(buffer.position(), 16).order(ByteOrder.BIG_ENDIAN);
        buffer.position(buffer.position() + 16);
        return new UUID(big.getLong(), big.getLong());
    }

    /** A length of 16 bits and as many bytes of UTF-8. */
    String text(int bytesMax) {
        int length = u16();
        if (length > bytesMax) {
            throw corrupt("a text of at most " + bytesMax + " bytes", length + " bytes");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(length)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw corrupt("a text in UTF-8", "bytes that are none");
        }
    }

    byte[] bytes(int count) {
        require(count);
        byte[] bytes = new byte[count];
        buffer.get(bytes);
        return bytes;
    }

    void zeros(int count) {
        require(count);
        for (int i = 0; i < count; i++) {
            if (buffer.get() != 0) {
                throw corrupt("reserved bytes to be zero", "something at byte " + (buffer.position() - 1));
            }
        }
    }

    int remaining() {
        return buffer.remaining();
    }

    <T> T end(T record) {
        if (buffer.hasRemaining()) {
            throw corrupt("the end at byte " + buffer.position(), buffer.remaining() + " more bytes");
        }
        return record;
    }

    CorruptRecordException corrupt(String expected, String actual) {
        return new CorruptRecordException(resource, expected, actual);
    }

    private Redundancy redundancy(int data, int parity) {
        try {
            return new Redundancy(data, parity);
        } catch (IllegalArgumentException e) {
            throw corrupt("a redundancy policy", data + "+" + parity);
        }
    }

    private void require(int count) {
        if (count > buffer.remaining()) {
            throw corrupt(count + " bytes at byte " + buffer.position(), "only " + buffer.remaining());
        }
    }
}
