package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToLongFunction;

/**
 * Chooses distinct disks for the fragments of an extent, the ones with the most free space first, so that disks of different
 * sizes fill up to what {@link io.dynamicfs.engine.alloc.StripeSpace} promises. For the committer's thread.
 */
public final class ExtentPlacement {
    private final DiskSet disks;
    private final Map<Integer, DiskSpace> spaces;

    public ExtentPlacement(DiskSet disks, Map<Integer, DiskSpace> spaces) {
        this.disks = disks;
        this.spaces = spaces;
    }

    /**
     * The redundancy that new extents get while {@code writable} disks take data: the wanted one, else the widest narrower k that
     * keeps m, else replicas that keep m, else as many copies as there are disks.
     */
    public static Redundancy achievable(Redundancy wanted, int writable) {
        if (writable >= wanted.fragments()) {
            return wanted;
        }
        int k = writable - wanted.parityFragments();
        if (!wanted.isReplicas() && k >= 2) {
            return new Redundancy(k, wanted.parityFragments());
        }
        return Redundancy.replicas(Math.max(1, Math.min(wanted.losses() + 1, writable)));
    }

    /**
     * Space for every stored fragment of an extent, or empty when the disks have no room for it; nothing is taken then.
     * {@code reserveBlocks} says how many blocks of a disk are not for data.
     */
    public Optional<List<BlockAddress>> place(long extent, ExtentGeometry geometry, IntToLongFunction reserveBlocks) {
        int fragments = geometry.redundancy().fragments();
        List<BlockAddress> places = new ArrayList<>(fragments);
        List<PoolDisk> candidates = byFreeSpace(List.of());
        if (candidates.size() < fragments) {
            return Optional.empty();
        }
        // The roomiest disks are rotated over the fragments, so that no disk is the parity disk.
        int rotation = (int) (extent % fragments);
        List<PoolDisk> chosen = candidates.subList(0, fragments);
        for (int i = 0; i < fragments; i++) {
            places.add(ExtentRecord.NOT_STORED);
        }
        List<PoolDisk> spare = new ArrayList<>(candidates.subList(fragments, candidates.size()));
        for (int i = 0; i < fragments; i++) {
            int blocks = geometry.storedBlocks(i);
            if (blocks == 0) {
                continue;
            }
            PoolDisk disk = chosen.get((i + rotation) % fragments);
            long block = take(disk.index(), blocks, reserveBlocks);
            while (block < 0 && !spare.isEmpty()) {
                disk = spare.removeFirst();
                block = take(disk.index(), blocks, reserveBlocks);
            }
            if (block < 0) {
                release(geometry, places);
                return Optional.empty();
            }
            places.set(i, new BlockAddress(disk.index(), block));
        }
        return Optional.of(places);
    }

    /** Another place for one fragment, on a disk that holds none of {@code places}; -1 block means that there is none. */
    public Optional<BlockAddress> placeOne(ExtentGeometry geometry, int fragment, List<BlockAddress> places) {
        for (PoolDisk disk : byFreeSpace(places)) {
            long block = space(disk.index()).allocateFromKept(geometry.storedBlocks(fragment));
            if (block >= 0) {
                return Optional.of(new BlockAddress(disk.index(), block));
            }
        }
        return Optional.empty();
    }

    /**
     * {@code copies} places of {@code blocks} blocks on distinct disks, fewer when there are fewer disks with room. They may be in
     * the runs that are kept for metadata.
     */
    public List<BlockAddress> placeCopies(int copies, int blocks) {
        List<BlockAddress> places = new ArrayList<>(copies);
        for (PoolDisk disk : byFreeSpace(List.of())) {
            if (places.size() < copies) {
                long block = space(disk.index()).allocateFromKept(blocks);
                if (block >= 0) {
                    places.add(new BlockAddress(disk.index(), block));
                }
            }
        }
        return places;
    }

    /** Gives the space of an extent that no root ever referred to back at once. */
    public void release(ExtentGeometry geometry, List<BlockAddress> places) {
        for (int i = 0; i < places.size(); i++) {
            if (!places.get(i).equals(ExtentRecord.NOT_STORED)) {
                space(places.get(i).disk()).free(places.get(i).block(), geometry.storedBlocks(i));
            }
        }
    }

    private List<PoolDisk> byFreeSpace(List<BlockAddress> except) {
        List<PoolDisk> candidates = disks.writable();
        candidates.removeIf(disk -> except.stream().anyMatch(place -> place.disk() == disk.index()));
        candidates.sort(
                Comparator.comparingLong((PoolDisk disk) -> space(disk.index()).freeBlocks())
                        .reversed()
                        .thenComparingInt(PoolDisk::index));
        return candidates;
    }

    private long take(int disk, int blocks, IntToLongFunction reserveBlocks) {
        DiskSpace space = space(disk);
        return space.freeBlocks() - blocks < reserveBlocks.applyAsLong(disk) ? -1 : space.allocate(blocks);
    }

    private DiskSpace space(int disk) {
        DiskSpace space = spaces.get(disk);
        if (space == null) {
            throw new IllegalStateException("disk " + disk + " has no space map");
        }
        return space;
    }
}
