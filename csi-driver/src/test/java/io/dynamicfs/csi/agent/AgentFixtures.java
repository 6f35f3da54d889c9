package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.DiskHealth;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberSpec;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.disk.DiskContent;
import io.dynamicfs.engine.syscall.DeviceNumber;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/** Pools and disks as the engine and the node show them. */
final class AgentFixtures {
    static final Instant NOW = Instant.parse("2026-03-01T10:00:00Z");
    static final String POOL_ID = "6f9c1a52-7a3e-4b1c-9d10-5a4d3c2b1a00";
    static final long GIB = 1L << 30;

    private AgentFixtures() {}

    static BlockDisk free(String id) {
        return disk(id, new DiskContent.Empty());
    }

    static BlockDisk labelled(String id, int index) {
        return disk(id, new DiskContent.Member(UUID.fromString(POOL_ID), "tank", new UUID(1, index), index));
    }

    static BlockDisk foreign(String id, String signature) {
        return disk(id, new DiskContent.Foreign(List.of(signature)));
    }

    static BlockDisk unreadable(String id) {
        return disk(id, new DiskContent.Unreadable("cannot be read: Input/output error"));
    }

    private static BlockDisk disk(String id, DiskContent content) {
        return new BlockDisk(
                id,
                new DeviceNumber(8, 0),
                Path.of("/dev", id),
                List.of(Path.of("/dev/disk/by-id", id)),
                "S-" + id,
                null,
                null,
                GIB,
                false,
                false,
                false,
                false,
                List.of(),
                content);
    }

    /** Pool tank of {@code disks} healthy disks, the last {@code failed} of them failed. */
    static Pool.Builder pool(int disks, int failed) {
        Pool.Builder pool = Pool.newBuilder()
                .setName("tank")
                .setId(POOL_ID)
                .setRedundancy("4+2")
                .setGeneration(7)
                .setRedundancyMargin(2 - failed)
                .setState(failed == 0 ? PoolState.POOL_STATE_HEALTHY : PoolState.POOL_STATE_DEGRADED)
                .setReason(failed == 0 ? "" : failed + " disks failed");
        for (int i = 0; i < disks; i++) {
            boolean broken = i >= disks - failed;
            pool.addDisks(Disk.newBuilder()
                    .setIndex(i)
                    .setName("/dev/d" + i)
                    .setPresent(true)
                    .setSizeBytes(GIB)
                    .setHealth(broken ? DiskHealth.DISK_HEALTH_FAILED : DiskHealth.DISK_HEALTH_HEALTHY)
                    .setReason(broken ? "a write failed: Input/output error" : ""));
        }
        return pool;
    }

    static EngineView engine(Pool.Builder... pools) {
        return new EngineView(
                "",
                "1.2.3",
                java.util.Arrays.stream(pools)
                        .map(pool -> new OpenPool(
                                pool.build(),
                                Capacity.newBuilder()
                                        .setRawBytes(6 * GIB)
                                        .setUsableBytes(4 * GIB)
                                        .setReservedBytes(GIB)
                                        .setAvailableBytes(3 * GIB)
                                        .build()))
                        .toList(),
                List.of());
    }

    static StoragePoolMember member(String... disks) {
        StoragePoolMember member = new StoragePoolMember();
        member.setMetadata(new ObjectMetaBuilder()
                .withName("tank-node-1")
                .withGeneration(3L)
                .build());
        member.setSpec(new StoragePoolMemberSpec()
                .setStoragePool("tank")
                .setNodeName("node-1")
                .setRedundancy("4+2")
                .setDisks(List.of(disks)));
        return member;
    }
}
