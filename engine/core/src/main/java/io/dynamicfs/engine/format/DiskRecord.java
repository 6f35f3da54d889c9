package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
    static final Structure STRUCTURE = new Structure("Disk record");
    private static final Field INDEX = STRUCTURE.field("disk index", 2);
    private static final Field HEALTH = STRUCTURE.field("health", 1);
    private static final Field DISK_ID = STRUCTURE.reserve(5).field("disk id", 16);
    private static final Field BLOCKS = STRUCTURE.field("blocks", 8);
    private static final Field FREE_BLOCKS = STRUCTURE.field("free blocks", 8);
    private static final Field SINCE = STRUCTURE.field("since", 8);

    static final int TEXT_BYTES_MAX = 512;

    static {
        STRUCTURE.reserve(8);
    }

    public byte[] encode() {
        byte[] reasonBytes = clip(reason);
        byte[] serialBytes = clip(serial);
        ByteBuffer buffer = ByteBuffer.allocate(STRUCTURE.bytes() + 4 + reasonBytes.length + serialBytes.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putShort(INDEX.offset(), (short) index);
        buffer.put(HEALTH.offset(), (byte) health.code());
        SealedBlock.putUuid(buffer, DISK_ID, uuid);
        buffer.putLong(BLOCKS.offset(), blocks);
        buffer.putLong(FREE_BLOCKS.offset(), freeBlocks);
        buffer.putLong(SINCE.offset(), sinceMillis);
        buffer.position(STRUCTURE.bytes());
        buffer.putShort((short) reasonBytes.length).put(reasonBytes);
        buffer.putShort((short) serialBytes.length).put(serialBytes);
        return buffer.array();
    }

    public static DiskRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("disk record", value, STRUCTURE.bytes());
        int index = reader.u16();
        DiskHealth health = DiskHealth.of(reader.u8());
        reader.zeros(5);
        UUID uuid = reader.uuid();
        long blocks = reader.positiveLong();
        long free = reader.positiveLong();
        long since = reader.u64();
        reader.zeros(8);
        String reason = reader.text(TEXT_BYTES_MAX);
        String serial = reader.text(TEXT_BYTES_MAX);
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
        int end = Math.min(bytes.length, TEXT_BYTES_MAX);
        // Never between the bytes of one character: a decoder would refuse the rest of it.
        while (end < bytes.length && (bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return Arrays.copyOf(bytes, end);
    }
}
