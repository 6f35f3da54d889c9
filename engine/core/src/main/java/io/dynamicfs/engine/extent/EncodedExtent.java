package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Crc32c;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** An extent in memory with its fragments and checksums, ready to be written. Fragment i has its stored bytes only. */
public record EncodedExtent(ExtentGeometry geometry, Digest digest, byte[] checksums, List<MemorySegment> fragments) {

    /** Bytes of the buffer that {@link #encode} needs for an extent: whole fragments, those of the parity too. */
    public static long bufferBytes(int length, Redundancy redundancy) {
        ExtentGeometry geometry = new ExtentGeometry(length, redundancy);
        int parity = redundancy.isReplicas() ? 0 : redundancy.parityFragments();
        return (long) geometry.fragmentBytes() * (redundancy.dataFragments() + parity);
    }

    /**
     * Hashes the first {@code length} bytes of {@code buffer}, pads them with zeros, and computes the parity behind them. Block
     * aligned, {@link #bufferBytes} long, and in use as long as the result.
     */
    public static EncodedExtent encode(MemorySegment buffer, int length, Redundancy redundancy) {
        ExtentGeometry geometry = new ExtentGeometry(length, redundancy);
        int k = redundancy.dataFragments();
        int m = redundancy.parityFragments();
        int fragmentBytes = geometry.fragmentBytes();
        buffer.asSlice(length, (long) k * fragmentBytes - length).fill((byte) 0);
        byte[] values = new byte[geometry.groups() * Digest.BYTES];
        Blake3.groupValues(buffer, length, values);
        Digest digest = Blake3.root(values, length);

        List<MemorySegment> fragments = new ArrayList<>(k + m);
        if (redundancy.isReplicas()) {
            for (int i = 0; i < redundancy.fragments(); i++) {
                fragments.add(buffer.asSlice(0, fragmentBytes));
            }
            return new EncodedExtent(geometry, digest, geometry.checksumBytes() == 0 ? new byte[0] : values, fragments);
        }
        MemorySegment[] whole = new MemorySegment[k];
        for (int i = 0; i < k; i++) {
            whole[i] = buffer.asSlice((long) i * fragmentBytes, fragmentBytes);
            fragments.add(whole[i].asSlice(0, geometry.storedBytes(i)));
        }
        MemorySegment[] parity = new MemorySegment[m];
        for (int i = 0; i < m; i++) {
            parity[i] = buffer.asSlice((long) (k + i) * fragmentBytes, fragmentBytes);
            fragments.add(parity[i]);
        }
        Codes.of(redundancy).encode(whole, parity, fragmentBytes);
        return new EncodedExtent(geometry, digest, withParityChecksums(values, parity, geometry), fragments);
    }

    private static byte[] withParityChecksums(byte[] values, MemorySegment[] parity, ExtentGeometry geometry) {
        ByteBuffer checksums = ByteBuffer.allocate(geometry.checksumBytes())
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(values);
        for (MemorySegment fragment : parity) {
            for (int group = 0; group < geometry.parityGroups(); group++) {
                long offset = (long) group * ExtentGeometry.GROUP_BYTES;
                checksums.putInt(Crc32c.of(fragment, offset, ExtentGeometry.GROUP_BYTES));
            }
        }
        return checksums.array();
    }
}
