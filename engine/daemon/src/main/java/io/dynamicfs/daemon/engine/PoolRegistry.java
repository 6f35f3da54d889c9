package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.commit.AddOptions;
import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.ThreadedIoRunner;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.PoolSpec;
import io.dynamicfs.engine.fs.StoragePool;
import io.dynamicfs.engine.syscall.SharedMemory;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pools that this engine serves. Opening, closing and the like happen one after the other; looking never waits. */
public final class PoolRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(PoolRegistry.class);

    private final SurvivorFiles survivors;
    private final int ioThreads;
    private final Disks disks;
    private final List<OpenPool> pools = new CopyOnWriteArrayList<>();
    private final InstantSource clock = InstantSource.system();
    private final SecureRandom random = new SecureRandom();

    PoolRegistry(Disks disks, SurvivorFiles survivors, int ioThreads) {
        this.disks = disks;
        this.survivors = survivors;
        this.ioThreads = ioThreads;
    }

    public List<OpenPool> pools() {
        return List.copyOf(pools);
    }

    /** The open pool of that name or id. */
    public OpenPool find(String nameOrId) throws PoolException {
        return search(nameOrId)
                .orElseThrow(() -> new PoolException(
                        Reason.POOL_NOT_FOUND,
                        "expected an open pool called \"" + nameOrId + "\", found "
                                + (pools.isEmpty() ? "none" : "only " + names())
                                + ". Open it with: dynamicfs pool open " + nameOrId + " DISK..."));
    }

    public synchronized OpenPool create(
            String name,
            Redundancy redundancy,
            boolean verifyWrites,
            List<Path> paths,
            List<String> overwriteSignatures)
            throws PoolException, EngineException {
        if (search(name).isPresent()) {
            throw new PoolException(
                    Reason.POOL_EXISTS,
                    "expected an unused name, found an open pool \"" + name + "\". Take another name.");
        }
        List<BlockDevice> devices = disks.openForNewPool(paths);
        ThreadedIoRunner io = ioRunner();
        @Nullable SharedMemory memory = null;
        try {
            memory = survivors.unnamed();
            PoolSpec spec = new PoolSpec(name, redundancy, verifyWrites);
            StoragePool pool = StoragePool.create(
                    context(io),
                    devices,
                    spec,
                    AddOptions.overwriting(overwriteSignatures),
                    new SurvivorMemory(memory.memory()));
            survivors.adopt(pool.id());
            OpenPool open = new OpenPool(pool, devices, paths, io, memory, false, false);
            pools.add(open);
            LOG.info(
                    "event=pool-created pool={} id={} redundancy={} disks={}",
                    name,
                    pool.id(),
                    redundancy,
                    paths.size());
            return open;
        } catch (PoolException | EngineException | RuntimeException e) {
            release(devices, io, memory);
            survivors.removeUnnamed();
            throw e;
        }
    }

    /** Opens the pool of that name or id, or the only one that the disks hold when {@code nameOrId} is empty. */
    public synchronized OpenPool open(String nameOrId, List<Path> paths, OpenOptions words)
            throws PoolException, EngineException {
        Optional<OpenPool> already = nameOrId.isEmpty() ? Optional.empty() : search(nameOrId);
        if (already.isPresent()) {
            throw new PoolException(
                    Reason.POOL_EXISTS,
                    "the pool \"" + already.get().name() + "\" is open already. Nothing is to be done.");
        }
        List<Path> named = paths.isEmpty() ? disksOf(disks, nameOrId) : paths;
        List<BlockDevice> devices = disks.openForPool(named);
        ThreadedIoRunner io = ioRunner();
        @Nullable SharedMemory memory = null;
        try {
            UUID id = choose(nameOrId, devices);
            memory = survivors.of(id);
            OpenOptions options = new OpenOptions(
                    id, words.degraded(), words.acceptRollback(), words.readOnly(), words.mountsOutlive());
            StoragePool pool = StoragePool.open(context(io), devices, options, new SurvivorMemory(memory.memory()));
            OpenPool open = new OpenPool(pool, devices, named, io, memory, words.degraded(), words.readOnly());
            pools.add(open);
            LOG.info(
                    "event=pool-opened pool={} id={} generation={} healthy={}",
                    pool.name(),
                    id,
                    pool.status().generation(),
                    pool.status().healthy());
            return open;
        } catch (PoolException | EngineException | RuntimeException e) {
            release(devices, io, memory);
            throw e;
        }
    }

    public synchronized int addDisk(String nameOrId, Path path, List<String> overwriteSignatures) throws PoolException {
        OpenPool open = find(nameOrId);
        BlockDevice device = disks.open(path);
        try {
            int index = open.pool().addDisk(device, AddOptions.overwriting(overwriteSignatures));
            open.added(device, path);
            LOG.info("event=disk-added pool={} disk={} index={}", open.name(), path, index);
            return index;
        } catch (PoolException | RuntimeException e) {
            device.close();
            throw e;
        }
    }

    /** What disks hold; the disks of open pools are answered from the pools. No path means every block device. */
    public List<DiskProbe> probe(List<Path> paths) throws PoolException {
        return disks.probe(paths);
    }

    /** Commits and closes. The caller has unmounted the pool's volumes. */
    synchronized void close(OpenPool open) throws PoolException {
        pools.remove(open);
        open.close();
        if (open.pool().closedCleanly()) {
            survivors.remove(open.id());
        } else if (!open.isReadOnly()) {
            throw new PoolException(
                    Reason.STOPPED,
                    "the pool \"" + open.name()
                            + "\" was closed, but its last commit failed. What was answered is kept in "
                            + "memory: opening the pool again, before this machine restarts, recovers it.");
        }
        LOG.info("event=pool-closed pool={} id={}", open.name(), open.id());
    }

    /** Closes the pool and erases what makes its disks its disks. Returns the disks that were erased. */
    synchronized List<Path> destroy(OpenPool open) throws PoolException {
        pools.remove(open);
        open.close();
        List<Path> erased = DiskEraser.erase(disks, open.paths(), open.id());
        survivors.remove(open.id());
        LOG.info("event=pool-destroyed pool={} id={} disks={}", open.name(), open.id(), erased.size());
        return erased;
    }

    private Optional<OpenPool> search(String nameOrId) {
        return pools.stream().filter(pool -> pool.isCalled(nameOrId)).findFirst();
    }

    private String names() {
        return String.join(", ", pools.stream().map(OpenPool::name).toList());
    }

    private ThreadedIoRunner ioRunner() {
        return new ThreadedIoRunner(
                ioThreads, Thread.ofPlatform().name("disk-", 0).factory());
    }

    private EngineContext context(ThreadedIoRunner io) {
        return new EngineContext(clock, random, io);
    }

    static List<Path> disksOf(Disks disks, String nameOrId) throws PoolException {
        List<Path> members = disks.probe(List.of()).stream()
                .filter(probe -> probe.content() instanceof DiskProbe.Member member && isCalled(member, nameOrId))
                .map(DiskProbe::path)
                .toList();
        if (members.isEmpty()) {
            throw new PoolException(
                    Reason.POOL_NOT_FOUND,
                    "no block device of this machine holds "
                            + (nameOrId.isEmpty() ? "a pool" : "the pool \"" + nameOrId + "\"")
                            + ". Name its disks: dynamicfs pool open POOL DISK...");
        }
        return members;
    }

    private static boolean isCalled(DiskProbe.Member member, String nameOrId) {
        return nameOrId.isEmpty()
                || member.poolName().equals(nameOrId)
                || member.poolId().toString().equals(nameOrId);
    }

    /** Which of the pools on {@code devices} is meant. */
    static UUID choose(String nameOrId, List<BlockDevice> devices) throws PoolException {
        Map<UUID, String> found = new LinkedHashMap<>();
        for (BlockDevice device : devices) {
            Optional<Identity> identity = Disks.identity(device);
            identity.ifPresent(present -> found.put(present.poolId(), present.poolName()));
        }
        List<UUID> matching = found.entrySet().stream()
                .filter(pool -> nameOrId.isEmpty()
                        || pool.getValue().equals(nameOrId)
                        || pool.getKey().toString().equals(nameOrId))
                .map(Map.Entry::getKey)
                .toList();
        if (matching.isEmpty()) {
            throw new PoolException(
                    Reason.POOL_NOT_FOUND,
                    "expected disks of " + (nameOrId.isEmpty() ? "a pool" : "the pool \"" + nameOrId + "\"")
                            + ", found "
                            + (found.isEmpty() ? "none that carries an identity" : "only disks of " + found)
                            + ". See what they hold with: dynamicfs disk list DISK...");
        }
        if (matching.size() > 1) {
            throw new PoolException(
                    Reason.POOL_AMBIGUOUS,
                    "expected disks of one pool, found " + found + ". Name one of them, by its id if names are equal.");
        }
        return matching.getFirst();
    }

    private static void release(List<BlockDevice> devices, ThreadedIoRunner io, @Nullable SharedMemory memory) {
        io.close();
        Disks.closeAll(devices);
        if (memory != null) {
            memory.close();
        }
    }
}
