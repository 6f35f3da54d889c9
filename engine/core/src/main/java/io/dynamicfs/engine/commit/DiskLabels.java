package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskGeometry.Ring;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.IdentityLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The four identity blocks of a disk. Invariants: the first copy is durable before the others are written, so that it is the
 * newest where valid copies of one disk differ; a disk that is being formatted has no valid copy of an older pool left.
 */
public final class DiskLabels {
    private DiskLabels() {}

    /**
     * Makes the disk a member: nothing of older labels and of foreign signatures survives, the rings are empty, all copies are
     * on the disk and read back equal. What else was on the disk is lost. It must have {@code identity.sizeBytes()}.
     */
    public static void format(BlockDevice device, Identity identity) throws DeviceException {
        Objects.checkFromIndexSize(0, identity.sizeBytes(), device.sizeBytes());
        clearLabelAreas(device, new DiskGeometry(device.sizeBytes()));
        clearLabelAreas(device, identity.geometry());
        device.flush();
        write(device, identity);
        verifyEmptyRings(device, identity.geometry());
    }

    /** Takes the disk out of whatever pool it says it is in, and forgets its roots. Its data stays where it is, unreachable. */
    public static void erase(BlockDevice device) throws DeviceException {
        DiskLabelReading reading = read(device);
        clearLabelAreas(device, new DiskGeometry(device.sizeBytes()));
        if (reading instanceof DiskLabelReading.Labelled(Identity identity, List<DiskLabelReading.Copy> ignored)) {
            clearLabelAreas(device, identity.geometry());
        }
        device.flush();
    }

    /** Replaces all copies, first copy first, and reads them back. */
    public static void write(BlockDevice device, Identity identity) throws DeviceException {
        List<Long> offsets = identity.geometry().identityOffsets();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(IdentityLayout.BYTES, BlockDevice.BLOCK_BYTES);
            IdentityLayout.encode(identity, block);
            device.write(offsets.getFirst(), block);
            device.flush();
            for (long offset : offsets.subList(1, offsets.size())) {
                device.write(offset, block);
            }
            device.flush();
            for (long offset : offsets) {
                verify(device, offset, block, arena);
            }
        }
    }

    /** Reads all copies. Copies that cannot be read are findings, not errors. */
    public static DiskLabelReading read(BlockDevice device) {
        List<DiskLabelReading.Copy> copies = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(IdentityLayout.BYTES, BlockDevice.BLOCK_BYTES);
            List<Long> offsets = new DiskGeometry(device.sizeBytes()).identityOffsets();
            copies.add(copy(device, offsets.get(0), block));
            copies.add(copy(device, offsets.get(1), block));
            for (long offset : tailOffsets(copies, offsets)) {
                copies.add(copy(device, offset, block));
            }
        }
        return DiskLabelReading.of(device, copies);
    }

    /** Rewrites the copies that {@code reading} found damaged or outdated; says how many there were. */
    public static int heal(BlockDevice device, DiskLabelReading.Labelled reading) throws DeviceException {
        if (reading.damaged().isEmpty()) {
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(IdentityLayout.BYTES, BlockDevice.BLOCK_BYTES);
            IdentityLayout.encode(reading.identity(), block);
            for (DiskLabelReading.Copy copy : reading.damaged()) {
                device.write(copy.offset(), block);
            }
            device.flush();
            for (DiskLabelReading.Copy copy : reading.damaged()) {
                verify(device, copy.offset(), block, arena);
            }
        }
        return reading.damaged().size();
    }

    /** A disk that has grown has its last label area where it was, which the copies at its start know. */
    private static List<Long> tailOffsets(List<DiskLabelReading.Copy> heads, List<Long> ofDevice) {
        for (DiskLabelReading.Copy head : heads) {
            if (head.content() instanceof Decoded.Valid<Identity>(Identity identity)) {
                return identity.geometry().identityOffsets().subList(2, 4);
            }
        }
        return ofDevice.subList(2, 4);
    }

    private static DiskLabelReading.Copy copy(BlockDevice device, long offset, MemorySegment block) {
        if (offset > device.sizeBytes() - block.byteSize()) {
            return new DiskLabelReading.Copy(
                    offset,
                    new Decoded.Corrupt<>(
                            "size of the disk", "more than " + offset, Long.toString(device.sizeBytes())));
        }
        try {
            device.read(offset, block);
            return new DiskLabelReading.Copy(offset, IdentityLayout.decode(block));
        } catch (DeviceException e) {
            return new DiskLabelReading.Copy(
                    offset, new Decoded.Corrupt<>("block", "readable", String.valueOf(e.getMessage())));
        }
    }

    private static void clearLabelAreas(BlockDevice device, DiskGeometry geometry) throws DeviceException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(2L * DiskGeometry.LABEL_AREA_BYTES, BlockDevice.BLOCK_BYTES);
            device.write(0, zeros.asSlice(0, geometry.dataStart()));
            device.write(geometry.tail(), zeros.asSlice(0, geometry.sizeBytes() - geometry.tail()));
        }
    }

    private static void verifyEmptyRings(BlockDevice device, DiskGeometry geometry) throws DeviceException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(DiskGeometry.RING_BYTES, BlockDevice.BLOCK_BYTES);
            for (Ring ring : Ring.values()) {
                verify(device, geometry.ringOffset(ring), zeros, arena);
            }
        }
    }

    private static void verify(BlockDevice device, long offset, MemorySegment written, Arena arena)
            throws DeviceException {
        MemorySegment found = arena.allocate(written.byteSize(), BlockDevice.BLOCK_BYTES);
        device.read(offset, found);
        long mismatch = written.mismatch(found);
        if (mismatch >= 0) {
            throw new DeviceException(
                    device.name(),
                    "verify",
                    offset,
                    "what was written reads back differently from byte " + mismatch + " on: replace this disk");
        }
    }
}
