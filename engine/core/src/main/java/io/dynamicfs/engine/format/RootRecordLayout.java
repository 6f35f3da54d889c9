package io.dynamicfs.engine.format;

import static io.dynamicfs.engine.format.SealedBlock.corrupt;

import io.dynamicfs.engine.format.Structure.Field;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The bytes of a root record, 4 KiB: first what is this slot's own, then the shared part, the same on every disk. */
public final class RootRecordLayout {
    public static final int BYTES = DiskGeometry.BLOCK_BYTES;
    public static final String MAGIC = "DFSROOT1";

    private static final int SHARED = 128;
    private static final int FLAG_CLEAN = 1;

    public static final Structure STRUCTURE = SealedBlock.structure("Root record");
    private static final Field POOL_ID = STRUCTURE.field("pool id", 16);
    private static final Field DISK_ID = STRUCTURE.field("disk id", 16);
    private static final Field DISK_INDEX = STRUCTURE.field("disk index", 2);
    private static final Field SLOT = STRUCTURE.reserve(2).field("slot", 4);
    private static final Field DEVICE_OFFSET = STRUCTURE.field("device offset", 8);

    private static final Field GENERATION = STRUCTURE.reserveUntil(SHARED).field("generation", 8);
    private static final Field EPOCH = STRUCTURE.field("epoch", 8);
    private static final Field INCARNATION = STRUCTURE.field("incarnation", 8);
    private static final Field PREVIOUS = STRUCTURE.field("previous", Digest.BYTES);
    private static final Field FLAGS = STRUCTURE.field("flags", 4);
    private static final Field METADATA_LOSSES = STRUCTURE.field("metadata losses", 1);
    private static final Field METADATA_COPIES = STRUCTURE.field("metadata copies", 1);
    private static final Field ROOT_DISK_COUNT = STRUCTURE.field("root disk count", 1);
    private static final Field LOG_COPY_COUNT = STRUCTURE.field("log copy count", 1);
    private static final Field WALL_MILLIS = STRUCTURE.field("wall clock", 8);
    private static final Field ROOT_DISKS = STRUCTURE.field("root disks", 2 * RootRecord.ROOT_DISKS_MAX);
    private static final Field POOL_TREE = STRUCTURE.field("pool tree", NodePointer.BYTES);
    private static final Field CHUNK_MAP_BYTES = STRUCTURE.field("chunk map length", 4);
    private static final Field CHUNK_MAP_COPY_COUNT = STRUCTURE.field("chunk map copy count", 1);
    private static final Field CHUNK_MAP_DIGEST = STRUCTURE.reserve(3).field("chunk map digest", Digest.BYTES);
    private static final Field CHUNK_MAP_COPIES =
            STRUCTURE.field("chunk map copies", BlockAddress.BYTES * RootRecord.COPIES_MAX);
    private static final Field LOG_COPIES = STRUCTURE.field("log copies", BlockAddress.BYTES * RootRecord.COPIES_MAX);
    private static final Field LOG_BLOCKS = STRUCTURE.field("log blocks", 4);
    private static final Field LOG_START_BLOCK = STRUCTURE.reserve(4).field("log start block", 8);
    private static final Field LOG_START_SEQUENCE = STRUCTURE.field("log start sequence", 8);
    private static final Field OPERATION_SEQUENCE = STRUCTURE.field("operation sequence", 8);
    private static final Field NEXT_EXTENT_ID = STRUCTURE.field("next extent id", 8);
    private static final Field NEXT_VOLUME_ID = STRUCTURE.field("next volume id", 8);

    static {
        SealedBlock.complete(STRUCTURE);
    }

    private RootRecordLayout() {}

    /** Fills the whole block, {@link #BYTES} long. */
    public static void encode(RootSlot slot, MemorySegment block) {
        ByteBuffer bytes = SealedBlock.begin(block, MAGIC, slot.features());
        SealedBlock.putUuid(bytes, POOL_ID, slot.poolId());
        SealedBlock.putUuid(bytes, DISK_ID, slot.diskId());
        bytes.putShort(DISK_INDEX.offset(), (short) slot.diskIndex());
        bytes.putInt(SLOT.offset(), slot.slot());
        bytes.putLong(DEVICE_OFFSET.offset(), slot.deviceOffset());
        putShared(slot.root(), bytes);
        SealedBlock.seal(block);
    }

    /** What the next root names as its previous one: the BLAKE3 of the shared part. */
    public static Digest sharedDigest(RootRecord root) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BYTES);
            putShared(root, SealedBlock.littleEndian(block));
            return Blake3.hash(block.asSlice(SHARED, SealedBlock.DIGEST - SHARED));
        }
    }

    private static void putShared(RootRecord root, ByteBuffer bytes) {
        bytes.putLong(GENERATION.offset(), root.generation());
        bytes.putLong(EPOCH.offset(), root.epoch());
        bytes.putLong(INCARNATION.offset(), root.incarnation());
        root.previous().write(bytes, PREVIOUS.offset());
        bytes.putInt(FLAGS.offset(), root.clean() ? FLAG_CLEAN : 0);
        bytes.put(METADATA_LOSSES.offset(), (byte) root.metadataLosses());
        bytes.put(METADATA_COPIES.offset(), (byte) root.metadataCopies());
        bytes.put(ROOT_DISK_COUNT.offset(), (byte) root.rootDisks().size());
        bytes.put(LOG_COPY_COUNT.offset(), (byte) root.log().copies().size());
        bytes.putLong(WALL_MILLIS.offset(), root.wallMillis());
        for (int i = 0; i < root.rootDisks().size(); i++) {
            bytes.putShort(ROOT_DISKS.offset() + 2 * i, root.rootDisks().get(i).shortValue());
        }
        root.poolTree().write(bytes, POOL_TREE.offset());
        bytes.putInt(CHUNK_MAP_BYTES.offset(), root.chunkMap().bytes());
        bytes.put(CHUNK_MAP_COPY_COUNT.offset(), (byte) root.chunkMap().copies().size());
        root.chunkMap().digest().write(bytes, CHUNK_MAP_DIGEST.offset());
        putCopies(bytes, CHUNK_MAP_COPIES, root.chunkMap().copies());
        putCopies(bytes, LOG_COPIES, root.log().copies());
        bytes.putInt(LOG_BLOCKS.offset(), root.log().blocks());
        bytes.putLong(LOG_START_BLOCK.offset(), root.log().startBlock());
        bytes.putLong(LOG_START_SEQUENCE.offset(), root.log().startSequence());
        bytes.putLong(OPERATION_SEQUENCE.offset(), root.operationSequence());
        bytes.putLong(NEXT_EXTENT_ID.offset(), root.nextExtentId());
        bytes.putLong(NEXT_VOLUME_ID.offset(), root.nextVolumeId());
    }

    /** Answers any bytes; what is valid is exactly what {@link #encode} would write. */
    public static Decoded<RootSlot> decode(MemorySegment block) {
        Decoded<RootSlot> refusal = SealedBlock.refuse(block, MAGIC, STRUCTURE);
        if (refusal != null) {
            return refusal;
        }
        ByteBuffer bytes = SealedBlock.littleEndian(block);
        refusal = refuseFields(bytes);
        if (refusal != null) {
            return refusal;
        }
        UUID poolId = SealedBlock.uuid(bytes, POOL_ID);
        UUID diskId = SealedBlock.uuid(bytes, DISK_ID);
        int diskIndex = Short.toUnsignedInt(bytes.getShort(DISK_INDEX.offset()));
        return new Decoded.Valid<>(new RootSlot(
                SealedBlock.features(bytes),
                poolId,
                diskId,
                diskIndex,
                bytes.getInt(SLOT.offset()),
                bytes.getLong(DEVICE_OFFSET.offset()),
                shared(bytes)));
    }

    private static @Nullable Decoded<RootSlot> refuseFields(ByteBuffer bytes) {
        int flags = bytes.getInt(FLAGS.offset());
        if ((flags & ~FLAG_CLEAN) != 0) {
            return corrupt("flags", "0 or " + FLAG_CLEAN, Integer.toUnsignedString(flags));
        }
        int copies = unsignedByte(bytes, METADATA_COPIES);
        if (copies < 1 || copies > RootRecord.COPIES_MAX) {
            return corrupt("metadata copies", "1.." + RootRecord.COPIES_MAX, Integer.toString(copies));
        }
        int losses = unsignedByte(bytes, METADATA_LOSSES);
        if (losses >= copies) {
            return corrupt("metadata losses", "fewer than the " + copies + " copies", Integer.toString(losses));
        }
        if (bytes.getInt(CHUNK_MAP_BYTES.offset()) < 0) {
            return corrupt("chunk map length", "less than 2^31", unsignedInt(bytes, CHUNK_MAP_BYTES));
        }
        if (bytes.getInt(LOG_BLOCKS.offset()) < 0) {
            return corrupt("log blocks", "less than 2^31", unsignedInt(bytes, LOG_BLOCKS));
        }
        Decoded<RootSlot> refusal = refuseRootDisks(bytes);
        if (refusal == null) {
            refusal = refuseCopies(bytes, CHUNK_MAP_COPY_COUNT, CHUNK_MAP_COPIES);
        }
        return refusal != null ? refusal : refuseCopies(bytes, LOG_COPY_COUNT, LOG_COPIES);
    }

    private static @Nullable Decoded<RootSlot> refuseRootDisks(ByteBuffer bytes) {
        int count = unsignedByte(bytes, ROOT_DISK_COUNT);
        if (count < 1 || count > RootRecord.ROOT_DISKS_MAX) {
            return corrupt("root disk count", "1.." + RootRecord.ROOT_DISKS_MAX, Integer.toString(count));
        }
        int last = -1;
        for (int i = 0; i < RootRecord.ROOT_DISKS_MAX; i++) {
            int disk = rootDisk(bytes, i);
            if (i < count ? disk <= last : disk != 0) {
                return corrupt("root disk " + i, i < count ? "more than " + last : "0", Integer.toString(disk));
            }
            last = disk;
        }
        return null;
    }

    private static @Nullable Decoded<RootSlot> refuseCopies(ByteBuffer bytes, Field countField, Field copies) {
        int count = unsignedByte(bytes, countField);
        if (count > RootRecord.COPIES_MAX) {
            return corrupt(countField.name(), "0.." + RootRecord.COPIES_MAX, Integer.toString(count));
        }
        for (int i = count; i < RootRecord.COPIES_MAX; i++) {
            long unused = bytes.getLong(copies.offset() + BlockAddress.BYTES * i);
            if (unused != 0) {
                return corrupt(copies.name() + " " + i, "0", Long.toUnsignedString(unused));
            }
        }
        return null;
    }

    private static RootRecord shared(ByteBuffer bytes) {
        List<Integer> rootDisks = new ArrayList<>();
        for (int i = 0; i < unsignedByte(bytes, ROOT_DISK_COUNT); i++) {
            rootDisks.add(rootDisk(bytes, i));
        }
        return new RootRecord(
                bytes.getLong(GENERATION.offset()),
                bytes.getLong(EPOCH.offset()),
                bytes.getLong(INCARNATION.offset()),
                Digest.read(bytes, PREVIOUS.offset()),
                bytes.getInt(FLAGS.offset()) == FLAG_CLEAN,
                bytes.getLong(WALL_MILLIS.offset()),
                unsignedByte(bytes, METADATA_LOSSES),
                unsignedByte(bytes, METADATA_COPIES),
                rootDisks,
                NodePointer.read(bytes, POOL_TREE.offset()),
                new RootRecord.ChunkMap(
                        bytes.getInt(CHUNK_MAP_BYTES.offset()),
                        Digest.read(bytes, CHUNK_MAP_DIGEST.offset()),
                        copies(bytes, CHUNK_MAP_COPY_COUNT, CHUNK_MAP_COPIES)),
                new RootRecord.Log(
                        copies(bytes, LOG_COPY_COUNT, LOG_COPIES),
                        bytes.getInt(LOG_BLOCKS.offset()),
                        bytes.getLong(LOG_START_BLOCK.offset()),
                        bytes.getLong(LOG_START_SEQUENCE.offset())),
                bytes.getLong(OPERATION_SEQUENCE.offset()),
                bytes.getLong(NEXT_EXTENT_ID.offset()),
                bytes.getLong(NEXT_VOLUME_ID.offset()));
    }

    private static void putCopies(ByteBuffer bytes, Field field, List<BlockAddress> copies) {
        for (int i = 0; i < copies.size(); i++) {
            bytes.putLong(field.offset() + BlockAddress.BYTES * i, copies.get(i).pack());
        }
    }

    private static List<BlockAddress> copies(ByteBuffer bytes, Field countField, Field field) {
        List<BlockAddress> copies = new ArrayList<>();
        for (int i = 0; i < unsignedByte(bytes, countField); i++) {
            copies.add(BlockAddress.unpack(bytes.getLong(field.offset() + BlockAddress.BYTES * i)));
        }
        return copies;
    }

    private static int rootDisk(ByteBuffer bytes, int i) {
        return Short.toUnsignedInt(bytes.getShort(ROOT_DISKS.offset() + 2 * i));
    }

    private static int unsignedByte(ByteBuffer bytes, Field field) {
        return Byte.toUnsignedInt(bytes.get(field.offset()));
    }

    private static String unsignedInt(ByteBuffer bytes, Field field) {
        return Integer.toUnsignedString(bytes.getInt(field.offset()));
    }
}
