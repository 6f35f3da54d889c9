package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * One extent: up to 4 MiB of one file, immutable. Value of the pool tree's key 4. {@code digest} is the BLAKE3 of its
 * {@code length} bytes. {@code liveBytes} counts how many of them slices show, each slice on its own; at 0 the extent is freed.
 * {@code checksums} is the checksum area when it is small enough to be kept here, else empty.
 */
public record ExtentRecord(
        long id,
        long birth,
        long volume,
        long inode,
        int length,
        int liveBytes,
        Redundancy redundancy,
        Digest digest,
        List<BlockAddress> fragments,
        byte[] checksums) {
    public static final int LENGTH_MAX = 4 << 20;

    /** Larger checksum areas are kept under keys of their own. */
    public static final int INLINE_CHECKSUM_BYTES_MAX = 512;

    static final Structure STRUCTURE = new Structure("Extent record");
    private static final Field ID = STRUCTURE.field("extent id", 8);
    private static final Field BIRTH = STRUCTURE.field("birth", 8);
    private static final Field VOLUME = STRUCTURE.field("volume id", 8);
    private static final Field INODE = STRUCTURE.field("inode", 8);
    private static final Field LENGTH = STRUCTURE.field("length", 4);
    private static final Field LIVE_BYTES = STRUCTURE.field("live bytes", 4);
    private static final Field DATA_FRAGMENTS = STRUCTURE.field("data fragments", 1);
    private static final Field PARITY_FRAGMENTS = STRUCTURE.field("parity fragments", 1);
    private static final Field DIGEST = STRUCTURE.reserve(2).field("digest", Digest.BYTES);

    /** Stands for a fragment that would hold only zeros and is therefore not stored. */
    public static final BlockAddress NOT_STORED = new BlockAddress(Identity.DISK_INDEX_MAX, BlockAddress.BLOCK_MAX);

    public byte[] encode() {
        ByteBuffer buffer = ByteBuffer.allocate(
                        STRUCTURE.bytes() + fragments.size() * BlockAddress.BYTES + 2 + checksums.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(ID.offset(), id);
        buffer.putLong(BIRTH.offset(), birth);
        buffer.putLong(VOLUME.offset(), volume);
        buffer.putLong(INODE.offset(), inode);
        buffer.putInt(LENGTH.offset(), length);
        buffer.putInt(LIVE_BYTES.offset(), liveBytes);
        buffer.put(DATA_FRAGMENTS.offset(), (byte) redundancy.dataFragments());
        buffer.put(PARITY_FRAGMENTS.offset(), (byte) redundancy.parityFragments());
        digest.write(buffer, DIGEST.offset());
        buffer.position(STRUCTURE.bytes());
        for (BlockAddress fragment : fragments) {
            buffer.putLong(fragment.pack());
        }
        buffer.putShort((short) checksums.length).put(checksums);
        return buffer.array();
    }

    public static ExtentRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("extent record", value, STRUCTURE.bytes());
        long id = reader.positiveLong();
        long birth = reader.positiveLong();
        long volume = reader.positiveLong();
        long inode = reader.positiveLong();
        int length = reader.positiveInt();
        int live = reader.positiveInt();
        if (length == 0 || length > LENGTH_MAX) {
            throw reader.corrupt("1.." + LENGTH_MAX + " bytes", String.valueOf(length));
        }
        Redundancy redundancy = reader.redundancy();
        reader.zeros(2);
        Digest digest = reader.digest();
        BlockAddress[] fragments = new BlockAddress[redundancy.fragments()];
        for (int i = 0; i < fragments.length; i++) {
            fragments[i] = BlockAddress.unpack(reader.u64());
        }
        byte[] checksums = reader.bytes(reader.u16());
        return reader.end(new ExtentRecord(
                id, birth, volume, inode, length, live, redundancy, digest, List.of(fragments), checksums));
    }

    public ExtentRecord withLiveBytes(int live) {
        return new ExtentRecord(id, birth, volume, inode, length, live, redundancy, digest, fragments, checksums);
    }
}
