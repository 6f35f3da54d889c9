package io.dynamicfs.daemon.engine;

import io.dynamicfs.daemon.engine.EngineException.Reason;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.PoolChange;
import io.dynamicfs.engine.fs.VolumeChange;
import io.dynamicfs.engine.fs.VolumeSpec;
import io.dynamicfs.engine.fs.VolumeStatus;
import io.dynamicfs.engine.fuse.Negotiated;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountOption;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that one engine process serves, and what its successor has to know of it. Methods that change something run one
 * after the other.
 */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /** A pool that was open when the last engine ended and could not be opened again. */
    public record FailedPool(String name, String id, String reason, String message) {}

    private final EngineSettings settings;
    private final SocketLock lock;
    private final @Nullable Keeper keeper;
    private final PoolRegistry registry;
    private final MountedVolumes mounts;
    private final Path stateFile;
    private final List<EngineState.PoolEntry> failedEntries = new ArrayList<>();
    private volatile List<FailedPool> failedPools = List.of();

    /** Takes the socket's lock and opens and mounts again what an engine before it had open and mounted. */
    public static Engine start(EngineSettings settings) throws EngineException {
        Engine engine = start(settings, null);
        engine.restore();
        return engine;
    }

    /** Takes the socket's lock. The keeper's side says which pools to open and which connections to serve. */
    public static Engine start(EngineSettings settings, @Nullable Keeper keeper) throws EngineException {
        makeDirectory(settings.stateDirectory());
        makeDirectory(settings.memoryDirectory());
        makeDirectory(parent(settings.socket()));
        return new Engine(settings, SocketLock.take(settings.socket()), keeper);
    }

    private Engine(EngineSettings settings, SocketLock lock, @Nullable Keeper keeper) {
        this.keeper = keeper;
        this.settings = settings;
        this.lock = lock;
        this.registry = new PoolRegistry(
                keeper == null ? Disks.ofHost() : Disks.of(keeper),
                new SurvivorFiles(settings.memoryDirectory(), settings.memoryBytes()),
                settings.ioThreads());
        this.mounts = new MountedVolumes(settings.transport().transport(), settings.mountThreads());
        this.stateFile = settings.stateDirectory().resolve("open.json");
    }

    public EngineSettings settings() {
        return settings;
    }

    public PoolRegistry registry() {
        return registry;
    }

    public MountedVolumes mounts() {
        return mounts;
    }

    public List<FailedPool> failedPools() {
        return failedPools;
    }

    public synchronized OpenPool createPool(
            String name,
            Redundancy redundancy,
            boolean verifyWrites,
            List<Path> disks,
            List<String> overwriteSignatures)
            throws PoolException, EngineException {
        OpenPool pool = registry.create(name, redundancy, verifyWrites, disks, overwriteSignatures);
        save();
        return pool;
    }

    public synchronized OpenPool openPool(String nameOrId, List<Path> disks, OpenOptions options)
            throws PoolException, EngineException {
        // Mounts that the keeper holds may have outlived the engine that served them.
        OpenOptions words = new OpenOptions(
                options.poolId(), options.degraded(), options.acceptRollback(), options.readOnly(), keeper != null);
        OpenPool pool = registry.open(nameOrId, disks, words);
        failedEntries.removeIf(entry -> entry.id().equals(pool.id().toString()));
        failedPools = failedPools.stream()
                .filter(failed -> !failed.id().equals(pool.id().toString()))
                .toList();
        save();
        return pool;
    }

    public synchronized void closePool(String nameOrId) throws PoolException, EngineException {
        OpenPool pool = registry.find(nameOrId);
        refuseMounted(pool);
        registry.close(pool);
        save();
    }

    public synchronized List<Path> destroyPool(String nameOrId, String confirmName)
            throws PoolException, EngineException {
        OpenPool pool = registry.find(nameOrId);
        confirm("pool", pool.name(), confirmName);
        refuseMounted(pool);
        List<Path> erased = registry.destroy(pool);
        save();
        return erased;
    }

    public synchronized int addDisk(String nameOrId, Path disk, List<String> overwriteSignatures) throws PoolException {
        int index = registry.addDisk(nameOrId, disk, overwriteSignatures);
        save();
        return index;
    }

    public OpenPool setPool(String nameOrId, PoolChange change) throws PoolException {
        OpenPool pool = registry.find(nameOrId);
        pool.pool().change(change);
        LOG.info(
                "event=pool-set pool={} redundancy={} notes={}",
                pool.name(),
                change.redundancy(),
                change.notes().keySet());
        return pool;
    }

    public VolumeStatus createVolume(String nameOrId, VolumeSpec spec) throws PoolException {
        OpenPool pool = registry.find(nameOrId);
        pool.pool().createVolume(keeper == null ? spec.ownedBy(ProcessUser.owner()) : spec);
        LOG.info("event=volume-created pool={} volume={}", pool.name(), spec.name());
        return volume(pool, spec.name());
    }

    public VolumeStatus setVolume(String nameOrId, String volume, VolumeChange change) throws PoolException {
        OpenPool pool = registry.find(nameOrId);
        pool.pool().setVolume(volume, change);
        LOG.info("event=volume-set pool={} volume={} change={}", pool.name(), volume, change);
        return volume(pool, volume);
    }

    public synchronized void deleteVolume(String nameOrId, String volume, String confirmName)
            throws PoolException, EngineException {
        OpenPool pool = registry.find(nameOrId);
        volume(pool, volume);
        confirm("volume", volume, confirmName);
        Optional<MountedVolume> mounted = mounts.of(pool, volume);
        if (mounted.isPresent()) {
            throw new EngineException(
                    Reason.VOLUME_MOUNTED,
                    "expected an unmounted volume, found " + pool.name() + "/" + volume + " mounted at "
                            + mounted.get().path() + ". Unmount it first: dynamicfs umount "
                            + mounted.get().path());
        }
        pool.pool().deleteVolume(volume);
        LOG.info("event=volume-deleted pool={} volume={}", pool.name(), volume);
    }

    public synchronized MountedVolume mount(String nameOrId, String volume, Path target, Set<MountOption> options)
            throws PoolException, EngineException, MountException {
        OpenPool pool = registry.find(nameOrId);
        volume(pool, volume);
        MountedVolume mounted = mounts.mount(pool, volume, target, options);
        save();
        return mounted;
    }

    /** Serves what the keeper has mounted; returns what the kernel and the connection's first server agreed on. */
    public synchronized Negotiated serve(String nameOrId, MountedVolumes.Kept kept)
            throws PoolException, EngineException, MountException {
        OpenPool pool = registry.find(nameOrId);
        volume(pool, kept.volume());
        return mounts.serve(pool, kept, requireKeeper());
    }

    /** Gives a keeper that was restarted a copy of every connection; returns their numbers. */
    public List<String> keepConnections() throws EngineException, MountException {
        return mounts.keep(requireKeeper());
    }

    private Keeper requireKeeper() throws EngineException {
        if (keeper == null) {
            throw new EngineException(
                    Reason.NO_KEEPER,
                    "expected an engine with a keeper, found one that mounts by itself. Start it with --keeper SOCKET.");
        }
        return keeper;
    }

    public synchronized void unmount(Path target, boolean force) throws EngineException, MountException {
        mounts.unmount(target, force);
        save();
    }

    /** The volume's status; refused when the pool has no such volume. */
    public VolumeStatus volume(OpenPool pool, String name) throws PoolException {
        return pool.pool().volumes().stream()
                .filter(volume -> volume.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new PoolException(
                        PoolException.Reason.VOLUME_NOT_FOUND,
                        "expected a volume \"" + name + "\" in pool \"" + pool.name() + "\", found "
                                + pool.pool().volumes().stream()
                                        .map(VolumeStatus::name)
                                        .toList()
                                + ". Create it with: dynamicfs volume create " + pool.name() + "/" + name));
    }

    /** Unmounts, commits and closes everything. What was open and mounted is remembered for the next engine. */
    @Override
    public synchronized void close() {
        mounts.unmountAll();
        for (OpenPool pool : registry.pools()) {
            try {
                registry.close(pool);
            } catch (PoolException e) {
                LOG.error("event=close-failed pool={} message={}", pool.name(), e.getMessage(), e);
            }
        }
        lock.close();
    }

    private void restore() throws EngineException {
        EngineState state = loadState();
        for (EngineState.PoolEntry entry : state.pools()) {
            restore(entry);
        }
        for (EngineState.MountEntry entry : state.mounts()) {
            restore(entry);
        }
        save();
    }

    private void restore(EngineState.PoolEntry entry) {
        try {
            List<Path> disks = entry.disks().stream().map(Path::of).toList();
            registry.open(entry.id(), disks, new OpenOptions(null, entry.degraded(), null, entry.readOnly()));
        } catch (PoolException e) {
            remember(entry, e.reason().name(), e);
        } catch (EngineException e) {
            remember(entry, e.reason().name(), e);
        }
    }

    private void remember(EngineState.PoolEntry entry, String reason, Exception failure) {
        LOG.error("event=pool-not-restored pool={} reason={} message={}", entry.name(), reason, failure.getMessage());
        List<FailedPool> failed = new ArrayList<>(failedPools);
        failed.add(new FailedPool(entry.name(), entry.id(), reason, String.valueOf(failure.getMessage())));
        failedPools = List.copyOf(failed);
        failedEntries.add(entry);
    }

    private void restore(EngineState.MountEntry entry) {
        Path target = Path.of(entry.path());
        try {
            mounts.mount(registry.find(entry.poolId()), entry.volume(), target, entry.mountOptions());
        } catch (PoolException | EngineException | MountException e) {
            LOG.error("event=mount-not-restored path={} message={}", target, e.getMessage());
        }
    }

    private EngineState loadState() throws EngineException {
        try {
            return EngineState.load(stateFile);
        } catch (IOException e) {
            throw new EngineException(
                    Reason.DIRECTORY_UNUSABLE,
                    "cannot read " + stateFile + ": " + e.getMessage()
                            + ". Remove it if it is damaged, then open the pools by hand.",
                    e);
        }
    }

    private void save() {
        if (keeper != null) {
            return;
        }
        List<EngineState.PoolEntry> pools =
                new ArrayList<>(registry.pools().stream().map(OpenPool::entry).toList());
        pools.addAll(failedEntries);
        List<EngineState.MountEntry> mounted = new ArrayList<>();
        for (OpenPool pool : registry.pools()) {
            for (MountedVolume mount : mounts.of(pool)) {
                mounted.add(new EngineState.MountEntry(
                        pool.id().toString(),
                        mount.volume(),
                        mount.path().toString(),
                        mount.readOnly(),
                        mount.options().stream().map(MountOption::name).sorted().toList()));
            }
        }
        try {
            new EngineState(pools, mounted).save(stateFile);
        } catch (IOException e) {
            LOG.error("event=state-not-saved file={} message={}", stateFile, e.getMessage());
        }
    }

    private void refuseMounted(OpenPool pool) throws EngineException {
        List<MountedVolume> mounted = mounts.of(pool);
        if (!mounted.isEmpty()) {
            throw new EngineException(
                    Reason.POOL_MOUNTED,
                    "expected no mounted volume of pool \"" + pool.name() + "\", found "
                            + mounted.stream().map(MountedVolume::path).toList() + ". Unmount first: dynamicfs umount "
                            + mounted.getFirst().path());
        }
    }

    private static void confirm(String kind, String name, String confirmName) throws EngineException {
        if (!name.equals(confirmName)) {
            throw new EngineException(
                    Reason.NOT_CONFIRMED,
                    "expected the name of the " + kind + ", \"" + name + "\", as confirmation, found \"" + confirmName
                            + "\". Nothing was destroyed.");
        }
    }

    private static Path parent(Path socket) {
        Path parent = socket.toAbsolutePath().getParent();
        return parent == null ? Path.of("/") : parent;
    }

    private static void makeDirectory(Path directory) throws EngineException {
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(parent(directory));
                Files.createDirectory(
                        directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            if (!Files.isWritable(directory)) {
                throw new IOException("no write permission");
            }
        } catch (FileAlreadyExistsException e) {
            throw new EngineException(
                    Reason.DIRECTORY_UNUSABLE, "expected a directory at " + directory + ", found something else.", e);
        } catch (IOException e) {
            throw new EngineException(
                    Reason.DIRECTORY_UNUSABLE,
                    "expected a writable directory " + directory + ": " + e.getMessage()
                            + ". Run as root, or choose other places with --socket, --state-dir and --memory-dir.",
                    e);
        }
    }
}
