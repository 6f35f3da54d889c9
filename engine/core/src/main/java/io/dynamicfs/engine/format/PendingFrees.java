package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of the space that one generation freed and that must not be reused yet. Value of the pool tree's key 9: entries one
 * after the other; disk 0xFFFF means a metadata slot, whose address is {@code start}.
 */
public final class PendingFrees {
    public static final int ENTRIES_MAX = 250;
    static final Structure STRUCTURE = new Structure("Pending frees");
    private static final Field DISK = STRUCTURE.field("disk index", 2);
    private static final Field START = STRUCTURE.field("start", 8);
    private static final Field COUNT = STRUCTURE.field("count", 4);
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
        ByteBuffer buffer =
                ByteBuffer.allocate(entries.size() * STRUCTURE.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        for (Entry entry : entries) {
            buffer.putShort(at + DISK.offset(), (short) entry.disk);
            buffer.putLong(at + START.offset(), entry.start);
            buffer.putInt(at + COUNT.offset(), entry.count);
            at += STRUCTURE.bytes();
        }
        return buffer.array();
    }

    public static List<Entry> decode(byte[] value) {
        RecordReader reader = new RecordReader("pending frees", value, 0);
        List<Entry> entries = new ArrayList<>(value.length / STRUCTURE.bytes());
        while (reader.remaining() > 0) {
            entries.add(new Entry(reader.u16(), reader.positiveLong(), reader.positiveInt()));
        }
        return entries;
    }
}
