package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.Pool;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One moment of the node's engine: its open pools and those that it refused to open. {@code outage} says why there is none;
 * it is empty when the engine answered.
 */
record EngineView(String outage, String version, List<OpenPool> pools, List<RefusedPool> refused) {

    /** {@code capacity} is under the pool's own redundancy. */
    record OpenPool(Pool pool, Capacity capacity) {
        String name() {
            return pool.getName();
        }

        String id() {
            return pool.getId();
        }

        @Nullable
        Disk disk(int index) {
            return pool.getDisksList().stream()
                    .filter(disk -> disk.getIndex() == index)
                    .findFirst()
                    .orElse(null);
        }
    }

    /** A pool that is on the node's disks and that the engine could not open. */
    record RefusedPool(String name, String id, String message) {}

    EngineView {
        pools = List.copyOf(pools);
        refused = List.copyOf(refused);
    }

    static EngineView unavailable(String outage) {
        return new EngineView(outage, "", List.of(), List.of());
    }

    boolean answers() {
        return outage.isEmpty();
    }

    @Nullable
    OpenPool byName(String name) {
        return pools.stream()
                .filter(pool -> pool.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    @Nullable
    OpenPool byId(String id) {
        return pools.stream().filter(pool -> pool.id().equals(id)).findFirst().orElse(null);
    }

    @Nullable
    RefusedPool refusal(String name) {
        return refused.stream()
                .filter(pool -> pool.name().equals(name))
                .findFirst()
                .orElse(null);
    }
}
