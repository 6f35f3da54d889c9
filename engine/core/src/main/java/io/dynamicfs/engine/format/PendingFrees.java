package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of the space that one generation freed and that must not be reused yet. Value of the pool tree's key 9: entries of 14
 * bytes, disk u16, start u64, count u32; disk 0xFFFF means a metadata slot, whose address is {@code start}.
 */
public final class PendingFrees {
    public static final int ENTRIES_MAX = 250;
    private static final int ENTRY_BYTES = 14;
    private static final int METADATA_SLOT = 0xFFFF;

    /** {@code count} blocks of {@code disk} from {@code start}, or one metadata slot. */
    public record Entry(int disk, long start, int count) {
        public static Entry slot(long address) {
            return new Entry(METADATA_SLOT, address, 1);
        }

        public boolean isSlot() {
            return disk == METADATA_SLOT;
        }
    }

    private PendingFrees() {}

    public static byte[] encode(List<Entry> entries) {
        ByteBuffer buffer = ByteBuffer.allocate(entries.size() * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (Entry entry : entries) {
            buffer.putShort((short) entry.disk).putLong(entry.start).putInt(entry.count);
        }
        return buffer.array();
    }

    public static List<Entry> decode(byte[] value) {
        RecordReader reader = new RecordReader("pending frees", value, 0);
        List<Entry> entries = new ArrayList<>(value.length / ENTRY_BYTES);
        while (reader.remaining() > 0) {
            entries.add(new Entry(reader.u16(), reader.positiveLong(), reader.positiveInt()));
        }
        return entries;
    }
}
