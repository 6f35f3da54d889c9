package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.ThreadedIoRunner;
import io.dynamicfs.engine.fs.CheckOptions;
import io.dynamicfs.engine.fs.CheckProgress;
import io.dynamicfs.engine.fs.CheckReport;
import io.dynamicfs.engine.fs.StoragePool;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;

/** Checks a pool that no engine has open, straight from its disks. */
public final class OfflineCheck {
    private static final int THREADS_PER_DISK = 4;

    private OfflineCheck() {}

    /** Verifies the pool of that name or id; with {@code data} every fragment too. Writes nothing. */
    public static CheckReport run(String nameOrId, List<Path> disks, boolean data, CheckProgress progress)
            throws PoolException {
        Disks host = Disks.ofHost();
        List<Path> paths = disks.isEmpty() ? PoolRegistry.disksOf(host, nameOrId) : disks;
        List<BlockDevice> devices = host.openForPool(paths);
        try (ThreadedIoRunner io = new ThreadedIoRunner(
                THREADS_PER_DISK, Thread.ofPlatform().name("disk-", 0).factory())) {
            EngineContext context = new EngineContext(InstantSource.system(), new SecureRandom(), io);
            OpenOptions options = new OpenOptions(PoolRegistry.choose(nameOrId, devices), true, null, true);
            return StoragePool.checkOffline(context, devices, options, new CheckOptions(data), progress);
        } finally {
            Disks.closeAll(devices);
        }
    }
}
