package io.dynamicfs.engine.format;

import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;

/**
 * Where a tree node is and what it must be: logical address (metadata chunk, slot), the generation that wrote it and the
 * BLAKE3 of its bytes.
 */
public record NodePointer(long address, long birth, Digest digest) {
    public static final int BYTES = 8 + 8 + Digest.BYTES;
    public static final int SLOT_BITS = 6;

    /** The pointer of an empty tree. */
    public static final NodePointer NONE = new NodePointer(0, 0, Digest.ZERO);

    public static long address(long chunk, int slot) {
        return chunk << SLOT_BITS | slot;
    }

    public long chunk() {
        return address >>> SLOT_BITS;
    }

    public int slot() {
        return (int) (address & ((1 << SLOT_BITS) - 1));
    }

    public boolean isNone() {
        return birth == 0;
    }

    public static NodePointer read(ByteBuffer little, int offset) {
        return new NodePointer(little.getLong(offset), little.getLong(offset + 8), Digest.read(little, offset + 16));
    }

    public void write(ByteBuffer little, int offset) {
        little.putLong(offset, address);
        little.putLong(offset + 8, birth);
        digest.write(little, offset + 16);
    }
}
