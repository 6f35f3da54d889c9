package io.dynamicfs.engine.format;

import static io.dynamicfs.engine.format.SealedBlock.corrupt;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.dynamicfs.engine.format.Structure.Field;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The bytes of the identity block, 4 KiB, four times on each disk. */
public final class IdentityLayout {
    public static final int BYTES = DiskGeometry.BLOCK_BYTES;
    public static final String MAGIC = "DFSIDENT";

    public static final Structure STRUCTURE = SealedBlock.structure("Identity block");
    private static final Field POOL_ID = STRUCTURE.field("pool id", 16);
    private static final Field DISK_ID = STRUCTURE.field("disk id", 16);
    private static final Field DISK_INDEX = STRUCTURE.field("disk index", 2);
    private static final Field POOL_NAME_LENGTH = STRUCTURE.reserve(4).field("pool name length", 2);
    private static final Field SIZE = STRUCTURE.field("size", 8);
    private static final Field CREATED = STRUCTURE.field("created", 8);
    private static final Field POOL_NAME = STRUCTURE.field("pool name", Identity.POOL_NAME_BYTES_MAX);

    static {
        SealedBlock.complete(STRUCTURE);
    }

    private IdentityLayout() {}

    /** Fills the whole block, {@link #BYTES} long. */
    public static void encode(Identity identity, MemorySegment block) {
        ByteBuffer bytes = SealedBlock.begin(block, MAGIC, identity.features());
        SealedBlock.putUuid(bytes, POOL_ID, identity.poolId());
        SealedBlock.putUuid(bytes, DISK_ID, identity.diskId());
        bytes.putShort(DISK_INDEX.offset(), (short) identity.diskIndex());
        byte[] name = identity.poolName().getBytes(UTF_8);
        bytes.putShort(POOL_NAME_LENGTH.offset(), (short) name.length);
        bytes.putLong(SIZE.offset(), identity.sizeBytes());
        bytes.putLong(CREATED.offset(), identity.createdMillis());
        bytes.put(POOL_NAME.offset(), name);
        SealedBlock.seal(block);
    }

    /** Answers any bytes; what is valid is exactly what {@link #encode} would write. */
    public static Decoded<Identity> decode(MemorySegment block) {
        Decoded<Identity> refusal = SealedBlock.refuse(block, MAGIC, STRUCTURE);
        if (refusal != null) {
            return refusal;
        }
        ByteBuffer bytes = SealedBlock.littleEndian(block);
        long size = bytes.getLong(SIZE.offset());
        if (!Identity.sizeIsValid(size)) {
            return corrupt(
                    "size",
                    "a multiple of " + DiskGeometry.BLOCK_BYTES + ", at least " + DiskGeometry.DISK_BYTES_MIN,
                    Long.toString(size));
        }
        int nameLength = Short.toUnsignedInt(bytes.getShort(POOL_NAME_LENGTH.offset()));
        if (nameLength < 1 || nameLength > Identity.POOL_NAME_BYTES_MAX) {
            return corrupt("pool name length", "1.." + Identity.POOL_NAME_BYTES_MAX, Integer.toString(nameLength));
        }
        byte[] nameField = new byte[Identity.POOL_NAME_BYTES_MAX];
        bytes.get(POOL_NAME.offset(), nameField);
        String name = name(nameField, nameLength);
        if (name == null) {
            return corrupt(
                    "pool name", "UTF-8 padded with zeros", HexFormat.of().formatHex(nameField));
        }
        return new Decoded.Valid<>(new Identity(
                SealedBlock.features(bytes),
                SealedBlock.uuid(bytes, POOL_ID),
                SealedBlock.uuid(bytes, DISK_ID),
                Short.toUnsignedInt(bytes.getShort(DISK_INDEX.offset())),
                size,
                bytes.getLong(CREATED.offset()),
                name));
    }

    private static @Nullable String name(byte[] field, int length) {
        for (int i = length; i < field.length; i++) {
            if (field[i] != 0) {
                return null;
            }
        }
        try {
            return UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Arrays.copyOf(field, length)))
                    .toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}
