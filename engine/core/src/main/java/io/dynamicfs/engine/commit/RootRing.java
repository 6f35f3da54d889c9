package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskGeometry.Ring;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.RootRecordLayout;
import io.dynamicfs.engine.format.RootSlot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last roots on one disk, in two rings. Invariants: the root of generation g is in slot g mod 32 of both rings and
 * nowhere else; a slot is only ever replaced whole, by one write of one block.
 */
public final class RootRing {
    private final BlockDevice device;
    private final Identity identity;
    private final DiskGeometry geometry;

    /** {@code identity} is what the disk's label says. */
    public RootRing(BlockDevice device, Identity identity) {
        this.device = device;
        this.identity = identity;
        this.geometry = identity.geometry();
    }

    /** Writes both rings; durable after the next flush. Tries both before it throws. */
    public void write(RootRecord root) throws DeviceException {
        DeviceException failure = null;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(RootRecordLayout.BYTES, BlockDevice.BLOCK_BYTES);
            for (Ring ring : Ring.values()) {
                int slot = DiskGeometry.slot(root.generation());
                long offset = geometry.slotOffset(ring, slot);
                RootRecordLayout.encode(slot(root, slot, offset), block);
                try {
                    device.write(offset, block);
                } catch (DeviceException e) {
                    failure = first(failure, e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Reads both rings. Slots that cannot be read are findings, not errors. */
    public RootRingReading read() {
        List<RootRingReading.Finding> findings = new ArrayList<>();
        List<RootRecord> roots = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slots = arena.allocate(DiskGeometry.RING_BYTES, BlockDevice.BLOCK_BYTES);
            for (Ring ring : Ring.values()) {
                boolean whole = readWhole(ring, slots);
                for (int slot = 0; slot < DiskGeometry.RING_SLOTS; slot++) {
                    MemorySegment block = slots.asSlice((long) slot * RootRecordLayout.BYTES, RootRecordLayout.BYTES);
                    readSlot(new Place(ring, slot, geometry.slotOffset(ring, slot)), block, whole, roots, findings);
                }
            }
        }
        roots.sort(RootRingReading.NEWEST_FIRST);
        return new RootRingReading(List.copyOf(roots), List.copyOf(findings));
    }

    private record Place(Ring ring, int slot, long offset) {
        RootRingReading.Finding finding(RootRingReading.Kind kind, String detail) {
            return new RootRingReading.Finding(kind, ring, slot, offset, detail);
        }
    }

    private boolean readWhole(Ring ring, MemorySegment slots) {
        try {
            device.read(geometry.ringOffset(ring), slots);
            return true;
        } catch (DeviceException e) {
            // One bad sector must not hide the others: each slot is then read by itself, and reported by itself.
            return false;
        }
    }

    private void readSlot(
            Place place,
            MemorySegment block,
            boolean present,
            List<RootRecord> roots,
            List<RootRingReading.Finding> findings) {
        if (!present) {
            try {
                device.read(place.offset(), block);
            } catch (DeviceException e) {
                findings.add(place.finding(RootRingReading.Kind.UNREADABLE, String.valueOf(e.getMessage())));
                return;
            }
        }
        Decoded<RootSlot> content = RootRecordLayout.decode(block);
        RootRingReading.Finding finding = switch (content) {
            case Decoded.Blank<RootSlot> blank -> null;
            case Decoded.Valid<RootSlot>(RootSlot found) -> admit(place, found, roots);
            case Decoded.Corrupt<RootSlot> c -> place.finding(RootRingReading.Kind.TORN, c.describe());
            case Decoded.TooOld<RootSlot> o -> place.finding(RootRingReading.Kind.TOO_OLD, o.describe());
            case Decoded.TooNew<RootSlot> n -> place.finding(RootRingReading.Kind.TOO_NEW, n.describe());
            case Decoded.UnknownFeatures<RootSlot> u ->
                place.finding(RootRingReading.Kind.UNKNOWN_FEATURES, u.describe());
        };
        if (finding != null) {
            findings.add(finding);
        }
    }

    private RootRingReading.@Nullable Finding admit(Place place, RootSlot found, List<RootRecord> roots) {
        if (!found.poolId().equals(identity.poolId())) {
            return place.finding(
                    RootRingReading.Kind.FOREIGN_POOL,
                    "expected pool " + identity.poolId() + ", found " + found.poolId());
        }
        RootSlot expected = slot(found.root(), place.slot(), place.offset());
        if (!expected.diskId().equals(found.diskId()) || expected.diskIndex() != found.diskIndex()) {
            return place.finding(
                    RootRingReading.Kind.MISDIRECTED,
                    "expected disk " + expected.diskIndex() + " (" + expected.diskId() + "), found disk "
                            + found.diskIndex() + " (" + found.diskId() + ")");
        }
        if (found.slot() != place.slot()
                || found.deviceOffset() != place.offset()
                || DiskGeometry.slot(found.root().generation()) != place.slot()) {
            return place.finding(
                    RootRingReading.Kind.MISDIRECTED,
                    "expected slot " + place.slot() + " at " + place.offset() + ", found generation "
                            + Long.toUnsignedString(found.root().generation()) + " for slot "
                            + Integer.toUnsignedString(found.slot()) + " at "
                            + Long.toUnsignedString(found.deviceOffset()));
        }
        for (RootRecord other : roots) {
            if (RootRingReading.NEWEST_FIRST.compare(other, found.root()) == 0 && !other.equals(found.root())) {
                return place.finding(
                        RootRingReading.Kind.CONTRADICTORY,
                        "expected the generation " + Long.toUnsignedString(other.generation())
                                + " of the other ring, found another root of the same generation");
            }
        }
        if (!roots.contains(found.root())) {
            roots.add(found.root());
        }
        return null;
    }

    private RootSlot slot(RootRecord root, int slot, long offset) {
        return new RootSlot(
                identity.features(), identity.poolId(), identity.diskId(), identity.diskIndex(), slot, offset, root);
    }

    private static DeviceException first(@Nullable DeviceException earlier, DeviceException later) {
        if (earlier == null) {
            return later;
        }
        earlier.addSuppressed(later);
        return earlier;
    }
}
