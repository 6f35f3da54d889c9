package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.Identity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Takes a destroyed pool's identity and roots off its disks. */
final class DiskEraser {
    private DiskEraser() {}

    /** Erases the disks of {@code paths} that carry the identity of {@code pool}; others are left alone. */
    static List<Path> erase(Disks disks, List<Path> paths, UUID pool) throws PoolException {
        List<Path> erased = new ArrayList<>();
        for (Path path : paths) {
            for (BlockDevice device : disks.openForPool(List.of(path))) {
                try (device) {
                    Optional<Identity> identity = Disks.identity(device);
                    if (identity.isPresent() && identity.get().poolId().equals(pool)) {
                        erase(device, identity.get().geometry());
                        erased.add(path);
                    }
                } catch (DeviceException e) {
                    throw new PoolException(
                            Reason.DISK_FAILED,
                            e.getMessage() + ". The pool is closed; erased so far: " + erased
                                    + ". Erase the rest by hand.",
                            e);
                }
            }
        }
        return erased;
    }

    private static void erase(BlockDevice device, DiskGeometry geometry) throws DeviceException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(DiskGeometry.LABEL_AREA_BYTES, BlockDevice.BLOCK_BYTES);
            device.write(0, zeros);
            device.write(geometry.tail(), zeros);
            device.flush();
            device.discard(geometry.dataStart(), geometry.tail() - geometry.dataStart());
        }
    }
}
