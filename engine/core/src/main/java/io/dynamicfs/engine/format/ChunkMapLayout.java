package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which disks hold each metadata chunk (1 MiB, 64 node slots). The map is one blob that the root record points to: magic
 * u64, chunk count u32, zero u32, then per chunk: chunk u64, copies u8, zero u8, and the block address
 * of each copy's first block. It is padded with zeros to whole blocks.
 */
public final class ChunkMapLayout {
    private static final long MAGIC = 0x50414d4b4e484344L; // "DCHNKMAP"
    private static final int HEADER_BYTES = 16;
    private static final int COPIES_MAX = 8;

    private ChunkMapLayout() {}

    public static byte[] encode(Map<Long, List<BlockAddress>> chunks) {
        int bytes = HEADER_BYTES;
        for (List<BlockAddress> copies : chunks.values()) {
            bytes += 10 + BlockAddress.BYTES * copies.size();
        }
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(MAGIC).putInt(chunks.size()).putInt(0);
        chunks.forEach((chunk, copies) -> {
            buffer.putLong(chunk).put((byte) copies.size()).put((byte) 0);
            for (BlockAddress copy : copies) {
                buffer.putLong(copy.pack());
            }
        });
        return buffer.array();
    }

    public static TreeMap<Long, List<BlockAddress>> decode(byte[] value) {
        RecordReader reader = new RecordReader("chunk map", value, HEADER_BYTES);
        if (reader.u64() != MAGIC) {
            throw reader.corrupt("the chunk map's magic", "another one");
        }
        int count = reader.positiveInt();
        reader.zeros(4);
        TreeMap<Long, List<BlockAddress>> chunks = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            long chunk = reader.positiveLong();
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
