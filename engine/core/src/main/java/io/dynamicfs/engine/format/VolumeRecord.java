package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One volume: its limits, its policy, and where its tree is. Value of the pool tree's key 3. A quota of 0 means none; a null
 * redundancy means the pool's. {@code storedBytes} counts the file bytes that slices hold, {@code inodes} those in use. A volume
 * that is being deleted keeps its record until its space is given back.
 */
public record VolumeRecord(
        long id,
        String name,
        long quotaBytes,
        long quotaInodes,
        @Nullable Redundancy redundancy,
        boolean deleting,
        long createdMillis,
        long nextInode,
        long storedBytes,
        long inodes,
        NodePointer root) {
    public static final int NAME_BYTES_MAX = 128;
    private static final int FIXED_BYTES = 64 + NodePointer.BYTES;

    public byte[] encode() {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer =
                ByteBuffer.allocate(FIXED_BYTES + 2 + nameBytes.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(id);
        buffer.put((byte) (redundancy == null ? 0 : redundancy.dataFragments()));
        buffer.put((byte) (redundancy == null ? 0 : redundancy.parityFragments()));
        buffer.put((byte) (deleting ? 1 : 0));
        buffer.position(16);
        buffer.putLong(quotaBytes).putLong(quotaInodes).putLong(createdMillis);
        buffer.putLong(nextInode).putLong(storedBytes).putLong(inodes);
        root.write(buffer, buffer.position());
        buffer.position(FIXED_BYTES);
        buffer.putShort((short) nameBytes.length).put(nameBytes);
        return buffer.array();
    }

    public static VolumeRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("volume record", value, FIXED_BYTES);
        long id = reader.positiveLong();
        Redundancy redundancy = reader.optionalRedundancy();
        boolean deleting = reader.flag();
        reader.zeros(5);
        long quotaBytes = reader.positiveLong();
        long quotaInodes = reader.positiveLong();
        long created = reader.u64();
        long nextInode = reader.positiveLong();
        long stored = reader.positiveLong();
        long inodes = reader.positiveLong();
        NodePointer root = reader.pointer();
        String name = reader.text();
        return reader.end(new VolumeRecord(
                id, name, quotaBytes, quotaInodes, redundancy, deleting, created, nextInode, stored, inodes, root));
    }

    public VolumeRecord withLimits(long bytes, long inodeCount, @Nullable Redundancy policy) {
        return new VolumeRecord(
                id, name, bytes, inodeCount, policy, deleting, createdMillis, nextInode, storedBytes, inodes, root);
    }

    public VolumeRecord withDeleting() {
        return new VolumeRecord(
                id,
                name,
                quotaBytes,
                quotaInodes,
                redundancy,
                true,
                createdMillis,
                nextInode,
                storedBytes,
                inodes,
                root);
    }

    public VolumeRecord withContent(long next, long stored, long inodeCount, NodePointer newRoot) {
        return new VolumeRecord(
                id,
                name,
                quotaBytes,
                quotaInodes,
                redundancy,
                deleting,
                createdMillis,
                next,
                stored,
                inodeCount,
                newRoot);
    }
}
