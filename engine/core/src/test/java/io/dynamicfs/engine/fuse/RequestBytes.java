package io.dynamicfs.engine.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Puts the bytes of a request together by hand, field after field as in the kernel's header file. */
final class RequestBytes {
    static final long CONNECTION = 0x1234_5678_9abcL;

    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 17).order(ByteOrder.nativeOrder());

    RequestBytes(int opcode, long unique, long node) {
        bytes.putInt(0).putInt(opcode).putLong(unique).putLong(node);
        bytes.putInt(1000).putInt(1001).putInt(4711).putInt(0);
    }

    RequestBytes u16(int value) {
        bytes.putShort((short) value);
        return this;
    }

    RequestBytes u32(int value) {
        bytes.putInt(value);
        return this;
    }

    RequestBytes u64(long value) {
        bytes.putLong(value);
        return this;
    }

    RequestBytes name(String name) {
        bytes.put(name.getBytes(StandardCharsets.ISO_8859_1)).put((byte) 0);
        return this;
    }

    RequestBytes data(byte[] data) {
        bytes.put(data);
        return this;
    }

    FuseRequest request() {
        return request(bytes.position());
    }

    /** The request as if only {@code length} bytes of it had come. */
    FuseRequest request(int length) {
        bytes.putInt(0, bytes.position());
        MemorySegment segment = Arena.ofAuto().allocate(1 << 17, 8);
        MemorySegment.copy(MemorySegment.ofArray(bytes.array()), 0, segment, 0, bytes.position());
        FuseRequest request = new FuseRequest(CONNECTION, segment);
        request.received(length);
        return request;
    }
}
