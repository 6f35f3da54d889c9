package io.dynamicfs.engine.hash;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C (Castagnoli, as in iSCSI) of memory ranges, whole or by groups of {@link Blake3#GROUP_BYTES}. */
public final class Crc32c {
    private static final ThreadLocal<CRC32C> CRC = ThreadLocal.withInitial(CRC32C::new);

    private Crc32c() {}

    /** The CRC of {@code length} bytes at {@code offset}, at most 2 GiB. */
    public static int of(MemorySegment data, long offset, long length) {
        return next(data.asSlice(offset, length).asByteBuffer());
    }

    /** One CRC for each group of the first {@code length} bytes; the last group may be short. */
    public static void groupValues(MemorySegment data, long length, int[] target) {
        int groups = Blake3.groups(length);
        if (target.length < groups) {
            throw new IllegalArgumentException("expected room for " + groups + " groups, found " + target.length);
        }
        ByteBuffer bytes = data.asSlice(0, length).asByteBuffer();
        for (int group = 0; group < groups; group++) {
            bytes.limit((int) Math.min(length, (group + 1L) * Blake3.GROUP_BYTES));
            target[group] = next(bytes);
        }
    }

    private static int next(ByteBuffer bytes) {
        CRC32C crc = CRC.get();
        crc.reset();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
