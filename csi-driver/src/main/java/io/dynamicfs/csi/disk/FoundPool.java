package io.dynamicfs.csi.disk;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A pool by the labels of the disks that are here; {@code disks} in the order of their index. */
public record FoundPool(UUID id, String name, List<BlockDisk> disks) {
    public FoundPool {
        disks = List.copyOf(disks);
    }

    /** The pools whose disks are among {@code disks}, in the order of their names. */
    public static List<FoundPool> among(List<BlockDisk> disks) {
        Map<UUID, List<BlockDisk>> members = new LinkedHashMap<>();
        disks.stream()
                .filter(disk -> disk.content() instanceof DiskContent.Member)
                .sorted(Comparator.comparingInt(disk -> member(disk).index()))
                .forEach(disk -> members.computeIfAbsent(member(disk).poolId(), id -> new ArrayList<>())
                        .add(disk));
        return members.entrySet().stream()
                .map(entry -> new FoundPool(
                        entry.getKey(), member(entry.getValue().getFirst()).poolName(), entry.getValue()))
                .sorted(Comparator.comparing(FoundPool::name).thenComparing(FoundPool::id))
                .toList();
    }

    /** What to name the disks when the pool is opened. */
    public List<String> paths() {
        return disks.stream().map(disk -> disk.stablePath().toString()).toList();
    }

    private static DiskContent.Member member(BlockDisk disk) {
        return (DiskContent.Member) disk.content();
    }
}
