package io.dynamicfs.engine.format;

import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * One extent: up to 4 MiB of one file, immutable. Value of the pool tree's key 4. {@code digest} is the BLAKE3 of its
 * {@code length} bytes. {@code liveBytes} counts how many of them a slice still shows; at 0 the extent is freed.
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

    private static final int FIXED_BYTES = 8 + 8 + 8 + 8 + 4 + 4 + 4 + Digest.BYTES;
    /** Stands for a fragment that would hold only zeros and is therefore not stored. */
    public static final BlockAddress NOT_STORED = new BlockAddress(Identity.DISK_INDEX_MAX, BlockAddress.BLOCK_MAX);

    public byte[] encode() {
        ByteBuffer buffer = ByteBuffer.allocate(
                        FIXED_BYTES + fragments.size() * BlockAddress.BYTES + 2 + checksums.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(id).putLong(birth).putLong(volume).putLong(inode);
        buffer.putInt(length).putInt(liveBytes);
        buffer.put((byte) redundancy.dataFragments()).put((byte) redundancy.parityFragments());
        buffer.putShort((short) 0);
        digest.write(buffer, buffer.position());
        buffer.position(FIXED_BYTES);
        for (BlockAddress fragment : fragments) {
            buffer.putLong(fragment.pack());
        }
        buffer.putShort((short) checksums.length).put(checksums);
        return buffer.array();
    }

    public static ExtentRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("extent record", value, FIXED_BYTES);
        long id = reader.positiveLong();
        long birth = reader.positiveLong();
        long volume = reader.positiveLong();
        long inode = reader.positiveLong();
        int length = reader.positiveInt();
        int live = reader.positiveInt();
        if (length == 0 || length > LENGTH_MAX || live > length) {
            throw reader.corrupt(
                    "1.." + LENGTH_MAX + " bytes, not more of them live", length + " with " + live + " live");
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
