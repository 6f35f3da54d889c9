package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.RootRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The rule of the root disks W. With 2m+1 of them a root is durable on m+1; with fewer disks all members that are left must
 * hold it. A change of W is durable under the rule of the old and of the new one.
 */
final class RootQuorum {
    private RootQuorum() {}

    /** The root disks that the disks at hand allow: 2m+1 healthy ones, the present root disks first, else all healthy ones. */
    static List<Integer> choose(DiskSet disks, List<Integer> present, int losses) {
        List<Integer> chosen = new ArrayList<>();
        for (PoolDisk disk : disks.writable()) {
            if (present.contains(disk.index())) {
                chosen.add(disk.index());
            }
        }
        for (PoolDisk disk : disks.writable()) {
            if (!chosen.contains(disk.index())) {
                chosen.add(disk.index());
            }
        }
        int wanted = Math.min(2 * losses + 1, RootRecord.ROOT_DISKS_MAX);
        return chosen.size() <= wanted ? chosen : List.copyOf(chosen.subList(0, wanted));
    }

    /** How many of {@code rootDisks} must hold a root; {@code alive} are those that take writes. */
    static int needed(List<Integer> rootDisks, int losses, Set<Integer> alive) {
        if (rootDisks.size() == 2 * losses + 1) {
            return losses + 1;
        }
        return Math.max(1, (int) rootDisks.stream().filter(alive::contains).count());
    }

    /** How many of {@code rootDisks} an opener must see to know that nothing newer exists. */
    static int majority(List<Integer> rootDisks) {
        return rootDisks.size() / 2 + 1;
    }
}
