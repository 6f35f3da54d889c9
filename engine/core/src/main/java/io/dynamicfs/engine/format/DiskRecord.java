package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * What the pool knows of one member disk. Value of the pool tree's key 2. Blocks are of 4 KiB; {@code freeBlocks} counts data
 * blocks that the bitmaps show as free. {@code serial} is empty when the disk has none.
 */
public record DiskRecord(
        int index,
        UUID uuid,
        long blocks,
        long freeBlocks,
        DiskHealth health,
        long sinceMillis,
        String reason,
        String serial) {
    private static final int FIXED_BYTES = 56;
    private static final int TEXT_BYTES_MAX = 512;

    public byte[] encode() {
        byte[] reasonBytes = clip(reason);
        byte[] serialBytes = clip(serial);
        ByteBuffer buffer = ByteBuffer.allocate(FIXED_BYTES + 4 + reasonBytes.length + serialBytes.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putShort((short) index);
        buffer.put((byte) health.code());
        buffer.position(8);
        buffer.putLong(uuid.getMostSignificantBits());
        buffer.putLong(uuid.getLeastSignificantBits());
        buffer.putLong(blocks);
        buffer.putLong(freeBlocks);
        buffer.putLong(sinceMillis);
        buffer.position(FIXED_BYTES);
        buffer.putShort((short) reasonBytes.length).put(reasonBytes);
        buffer.putShort((short) serialBytes.length).put(serialBytes);
        return buffer.array();
    }

    public static DiskRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("disk record", value, FIXED_BYTES);
        int index = reader.u16();
        DiskHealth health = DiskHealth.of(reader.u8());
        reader.zeros(5);
        UUID uuid = new UUID(reader.u64(), reader.u64());
        long blocks = reader.positiveLong();
        long free = reader.positiveLong();
        long since = reader.u64();
        reader.zeros(8);
        String reason = reader.text();
        String serial = reader.text();
        return reader.end(new DiskRecord(index, uuid, blocks, free, health, since, reason, serial));
    }

    public DiskRecord withFreeBlocks(long free) {
        return new DiskRecord(index, uuid, blocks, free, health, sinceMillis, reason, serial);
    }

    public DiskRecord withHealth(DiskHealth newHealth, long nowMillis, String newReason) {
        return new DiskRecord(index, uuid, blocks, freeBlocks, newHealth, nowMillis, newReason, serial);
    }

    private static byte[] clip(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= TEXT_BYTES_MAX ? bytes : java.util.Arrays.copyOf(bytes, TEXT_BYTES_MAX);
    }
}
