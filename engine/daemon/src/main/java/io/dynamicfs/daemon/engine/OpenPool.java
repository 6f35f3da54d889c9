package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.ThreadedIoRunner;
import io.dynamicfs.engine.fs.StoragePool;
import io.dynamicfs.engine.syscall.SharedMemory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A pool that is served, with everything that it needs to live: its disks, their threads, its memory and its committer. */
public final class OpenPool {
    private final StoragePool pool;
    private final List<BlockDevice> devices;
    private final List<Path> paths;
    private final ThreadedIoRunner io;
    private final SharedMemory memory;
    private final Committer committer;
    private final boolean degraded;
    private final boolean readOnly;

    OpenPool(
            StoragePool pool,
            List<BlockDevice> devices,
            List<Path> paths,
            ThreadedIoRunner io,
            SharedMemory memory,
            boolean degraded,
            boolean readOnly) {
        this.pool = pool;
        this.devices = new ArrayList<>(devices);
        this.paths = new ArrayList<>(paths);
        this.io = io;
        this.memory = memory;
        this.committer = new Committer(pool);
        this.degraded = degraded;
        this.readOnly = readOnly;
        if (!readOnly) {
            committer.start();
        }
    }

    public StoragePool pool() {
        return pool;
    }

    public UUID id() {
        return pool.id();
    }

    public String name() {
        return pool.name();
    }

    /** Why the pool has stopped committing; empty while it works. */
    public String stoppedReason() {
        return committer.failure();
    }

    boolean isReadOnly() {
        return readOnly;
    }

    boolean isCalled(String nameOrId) {
        return name().equals(nameOrId) || id().toString().equals(nameOrId);
    }

    List<Path> paths() {
        return List.copyOf(paths);
    }

    void added(BlockDevice device, Path path) {
        devices.add(device);
        paths.add(path);
    }

    EngineState.PoolEntry entry() {
        List<String> disks = paths.stream().map(Path::toString).toList();
        return new EngineState.PoolEntry(id().toString(), name(), disks, degraded, readOnly);
    }

    /** Commits, writes a clean root and lets go of disks and memory. The memory file stays. */
    void close() {
        committer.close();
        try {
            pool.close();
        } finally {
            io.close();
            Disks.closeAll(devices);
            memory.close();
        }
    }
}
