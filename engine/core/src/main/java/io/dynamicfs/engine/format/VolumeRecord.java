package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
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

    static final Structure STRUCTURE = new Structure("Volume record");
    private static final Field ID = STRUCTURE.field("volume id", 8);
    private static final Field DATA_FRAGMENTS = STRUCTURE.field("data fragments", 1);
    private static final Field PARITY_FRAGMENTS = STRUCTURE.field("parity fragments", 1);
    private static final Field DELETING = STRUCTURE.field("deleting", 1);
    private static final Field QUOTA_BYTES = STRUCTURE.reserve(5).field("quota bytes", 8);
    private static final Field QUOTA_INODES = STRUCTURE.field("quota inodes", 8);
    private static final Field CREATED = STRUCTURE.field("created", 8);
    private static final Field NEXT_INODE = STRUCTURE.field("next inode", 8);
    private static final Field STORED_BYTES = STRUCTURE.field("stored bytes", 8);
    private static final Field INODES = STRUCTURE.field("inodes", 8);
    private static final Field ROOT = STRUCTURE.field("volume tree", NodePointer.BYTES);

    public byte[] encode() {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer =
                ByteBuffer.allocate(STRUCTURE.bytes() + 2 + nameBytes.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(ID.offset(), id);
        buffer.put(DATA_FRAGMENTS.offset(), (byte) (redundancy == null ? 0 : redundancy.dataFragments()));
        buffer.put(PARITY_FRAGMENTS.offset(), (byte) (redundancy == null ? 0 : redundancy.parityFragments()));
        buffer.put(DELETING.offset(), (byte) (deleting ? 1 : 0));
        buffer.putLong(QUOTA_BYTES.offset(), quotaBytes);
        buffer.putLong(QUOTA_INODES.offset(), quotaInodes);
        buffer.putLong(CREATED.offset(), createdMillis);
        buffer.putLong(NEXT_INODE.offset(), nextInode);
        buffer.putLong(STORED_BYTES.offset(), storedBytes);
        buffer.putLong(INODES.offset(), inodes);
        root.write(buffer, ROOT.offset());
        buffer.position(STRUCTURE.bytes());
        buffer.putShort((short) nameBytes.length).put(nameBytes);
        return buffer.array();
    }

    public static VolumeRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("volume record", value, STRUCTURE.bytes());
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
        String name = reader.text(NAME_BYTES_MAX);
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
