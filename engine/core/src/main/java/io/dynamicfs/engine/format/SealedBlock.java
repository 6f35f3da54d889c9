package io.dynamicfs.engine.format;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.dynamicfs.engine.format.Structure.Field;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What every self-describing 4 KiB block has in every version of the format: magic, version and feature words in its first
 * 40 bytes, and in its last 32 the BLAKE3 of all bytes before them.
 */
final class SealedBlock {
    static final int VERSION_OLDEST = 1;
    static final int VERSION_NEWEST = 1;

    static final int MAGIC = 0;
    static final int MAGIC_BYTES = 8;
    static final int VERSION = 8;
    static final int COMPATIBLE = 16;
    static final int READ_ONLY_COMPATIBLE = 24;
    static final int INCOMPATIBLE = 32;
    static final int BODY = 40;
    static final int DIGEST = DiskGeometry.BLOCK_BYTES - Digest.BYTES;

    private SealedBlock() {}

    /** A structure that has the header's fields already. */
    static Structure structure(String name) {
        Structure structure = new Structure(name);
        structure.field("magic", MAGIC_BYTES);
        structure.field("version", 4);
        structure.reserve(4);
        structure.field("compatible features", 8);
        structure.field("read-only compatible features", 8);
        structure.field("incompatible features", 8);
        return structure;
    }

    /** Reserves what is left and adds the digest at the end. */
    static void complete(Structure structure) {
        structure.reserveUntil(DIGEST).field("digest", Digest.BYTES);
    }

    /** The zeroed block with its header; {@link #seal} completes it. */
    static ByteBuffer begin(MemorySegment block, String magic, FeatureWords features) {
        block.fill((byte) 0);
        ByteBuffer bytes = littleEndian(block);
        bytes.put(MAGIC, magic.getBytes(US_ASCII));
        bytes.putInt(VERSION, VERSION_NEWEST);
        bytes.putLong(COMPATIBLE, features.compatible());
        bytes.putLong(READ_ONLY_COMPATIBLE, features.readOnlyCompatible());
        bytes.putLong(INCOMPATIBLE, features.incompatible());
        return bytes;
    }

    static void seal(MemorySegment block) {
        Blake3.hash(block.asSlice(0, DIGEST)).write(littleEndian(block), DIGEST);
    }

    /**
     * Why the block cannot be read as {@code structure}, or null. The digest comes before the version, so that a damaged
     * version is never taken for a later one.
     */
    static <T> @Nullable Decoded<T> refuse(MemorySegment block, String magic, Structure structure) {
        if (block.byteSize() != DiskGeometry.BLOCK_BYTES) {
            return corrupt("size", DiskGeometry.BLOCK_BYTES + " bytes", block.byteSize() + " bytes");
        }
        ByteBuffer bytes = littleEndian(block);
        byte[] found = new byte[MAGIC_BYTES];
        bytes.get(MAGIC, found);
        if (!magic.equals(new String(found, US_ASCII))) {
            return isZero(block) ? new Decoded.Blank<>() : corrupt("magic", hex(magic.getBytes(US_ASCII)), hex(found));
        }
        Digest expected = Digest.read(bytes, DIGEST);
        Digest actual = Blake3.hash(block.asSlice(0, DIGEST));
        if (!expected.equals(actual)) {
            return corrupt("BLAKE3", expected.toString(), actual.toString());
        }
        int version = bytes.getInt(VERSION);
        if (Integer.compareUnsigned(version, VERSION_OLDEST) < 0) {
            return new Decoded.TooOld<>(version, VERSION_OLDEST);
        }
        if (Integer.compareUnsigned(version, VERSION_NEWEST) > 0) {
            return new Decoded.TooNew<>(version, VERSION_NEWEST);
        }
        long unknown = features(bytes).unknownIncompatible();
        if (unknown != 0) {
            return new Decoded.UnknownFeatures<>(unknown);
        }
        int set = structure.firstReservedByteSet(bytes);
        if (set >= 0) {
            return corrupt("reserved byte " + set, "0", Integer.toString(Byte.toUnsignedInt(bytes.get(set))));
        }
        return null;
    }

    static FeatureWords features(ByteBuffer bytes) {
        return new FeatureWords(
                bytes.getLong(COMPATIBLE), bytes.getLong(READ_ONLY_COMPATIBLE), bytes.getLong(INCOMPATIBLE));
    }

    static ByteBuffer littleEndian(MemorySegment block) {
        return block.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    static <T> Decoded<T> corrupt(String field, String expected, String actual) {
        return new Decoded.Corrupt<>(field, expected, actual);
    }

    static void putUuid(ByteBuffer bytes, Field field, UUID uuid) {
        ByteBuffer big = bytes.duplicate().order(ByteOrder.BIG_ENDIAN);
        big.putLong(field.offset(), uuid.getMostSignificantBits());
        big.putLong(field.offset() + 8, uuid.getLeastSignificantBits());
    }

    static UUID uuid(ByteBuffer bytes, Field field) {
        ByteBuffer big = bytes.duplicate().order(ByteOrder.BIG_ENDIAN);
        return new UUID(big.getLong(field.offset()), big.getLong(field.offset() + 8));
    }

    private static boolean isZero(MemorySegment block) {
        for (long i = 0; i < block.byteSize(); i++) {
            if (block.get(JAVA_BYTE, i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
