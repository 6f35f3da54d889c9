package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which disks hold each metadata chunk (1 MiB, 64 node slots). The map is one blob that the root record points to: a header,
 * then an entry for each chunk in ascending order, each followed by the block address of the first block of every copy.
 */
public final class ChunkMapLayout {
    static final String MAGIC_TEXT = "DCHNKMAP";
    private static final long MAGIC = 0x50414d4b4e484344L;
    private static final int COPIES_MAX = 8;

    static final Structure HEADER = new Structure("Chunk map");
    private static final Field MAGIC_FIELD = HEADER.field("magic", 8);
    private static final Field CHUNK_COUNT = HEADER.field("chunk count", 4);

    static final Structure ENTRY = new Structure("Chunk map entry");
    private static final Field CHUNK = ENTRY.field("chunk", 8);
    private static final Field COPIES = ENTRY.field("copies", 1);

    static {
        HEADER.reserve(4);
        ENTRY.reserve(1);
    }

    private ChunkMapLayout() {}

    public static byte[] encode(SortedMap<Long, List<BlockAddress>> chunks) {
        int bytes = HEADER.bytes();
        for (List<BlockAddress> copies : chunks.values()) {
            bytes += ENTRY.bytes() + BlockAddress.BYTES * copies.size();
        }
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(MAGIC_FIELD.offset(), MAGIC).putInt(CHUNK_COUNT.offset(), chunks.size());
        buffer.position(HEADER.bytes());
        chunks.forEach((chunk, copies) -> {
            int entry = buffer.position();
            buffer.putLong(entry + CHUNK.offset(), chunk).put(entry + COPIES.offset(), (byte) copies.size());
            buffer.position(entry + ENTRY.bytes());
            for (BlockAddress copy : copies) {
                buffer.putLong(copy.pack());
            }
        });
        return buffer.array();
    }

    public static TreeMap<Long, List<BlockAddress>> decode(byte[] value) {
        RecordReader reader = new RecordReader("chunk map", value, HEADER.bytes());
        if (reader.u64() != MAGIC) {
            throw reader.corrupt("the chunk map's magic", "another one");
        }
        int count = reader.positiveInt();
        reader.zeros(4);
        TreeMap<Long, List<BlockAddress>> chunks = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            long chunk = reader.positiveLong();
            if (!chunks.isEmpty() && chunk <= chunks.lastKey()) {
                throw reader.corrupt("a chunk behind " + chunks.lastKey(), String.valueOf(chunk));
            }
            int copies = reader.u8();
            if (copies == 0 || copies > COPIES_MAX) {
                throw reader.corrupt("1.." + COPIES_MAX + " copies of chunk " + chunk, String.valueOf(copies));
            }
            reader.zeros(1);
            List<BlockAddress> places = new ArrayList<>(copies);
            for (int j = 0; j < copies; j++) {
                places.add(BlockAddress.unpack(reader.u64()));
            }
            chunks.put(chunk, List.copyOf(places));
        }
        return reader.end(chunks);
    }
}
