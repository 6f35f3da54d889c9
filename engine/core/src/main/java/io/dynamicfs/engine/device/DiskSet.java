package io.dynamicfs.engine.device;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The member disks of an open pool by their index, missing ones included. Replaced whole when a disk is added. */
public final class DiskSet {
    private volatile SortedMap<Integer, PoolDisk> disks;

    public DiskSet(Collection<PoolDisk> members) {
        SortedMap<Integer, PoolDisk> sorted = new TreeMap<>();
        members.forEach(disk -> sorted.put(disk.index(), disk));
        this.disks = sorted;
    }

    public @Nullable PoolDisk find(int index) {
        return disks.get(index);
    }

    /** The disk, which must be a member. */
    public PoolDisk get(int index) {
        PoolDisk disk = disks.get(index);
        if (disk == null) {
            throw new IllegalStateException("disk " + index + " is not a member of the pool");
        }
        return disk;
    }

    public Collection<PoolDisk> all() {
        return disks.values();
    }

    public List<PoolDisk> writable() {
        List<PoolDisk> writable = new ArrayList<>();
        for (PoolDisk disk : disks.values()) {
            if (disk.isWritable()) {
                writable.add(disk);
            }
        }
        return writable;
    }

    public void add(PoolDisk disk) {
        SortedMap<Integer, PoolDisk> next = new TreeMap<>(disks);
        next.put(disk.index(), disk);
        disks = next;
    }
}
