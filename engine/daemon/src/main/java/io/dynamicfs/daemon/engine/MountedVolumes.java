package io.dynamicfs.daemon.engine;

import io.dynamicfs.daemon.engine.EngineException.Reason;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.fuse.Negotiated;
import io.dynamicfs.engine.mount.Mount;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountOption;
import io.dynamicfs.engine.mount.Transport;
import io.dynamicfs.engine.mount.VolumeMount;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The volumes that this engine has mounted. */
public final class MountedVolumes {
    /** How long an unmount waits for requests that are being answered. */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(30);

    /** How long a new connection waits for the end of the one before it. */
    private static final Duration OLD_CONNECTION_TIMEOUT = Duration.ofSeconds(3);

    private static final Logger LOG = LoggerFactory.getLogger(MountedVolumes.class);

    /** {@code kept} is the mount when it is the keeper's, null for one of our own. */
    private record Entry(
            OpenPool pool,
            MountedVolume mounted,
            Mount mount,
            @Nullable VolumeMount kept) {}

    private final Transport transport;
    private final int threads;
    private final InstantSource clock = InstantSource.system();
    private final SecureRandom random = new SecureRandom();
    private final List<Entry> entries = new CopyOnWriteArrayList<>();

    MountedVolumes(Transport transport, int threads) {
        this.transport = transport;
        this.threads = threads;
    }

    /** What is mounted; mounts that somebody took away with umount(8) are not in it. */
    public List<MountedVolume> list() {
        return live().stream().map(Entry::mounted).toList();
    }

    public List<MountedVolume> of(OpenPool pool) {
        return live().stream()
                .filter(entry -> entry.pool == pool)
                .map(Entry::mounted)
                .toList();
    }

    public Optional<MountedVolume> of(OpenPool pool, String volume) {
        return of(pool).stream()
                .filter(mounted -> mounted.volume().equals(volume))
                .findFirst();
    }

    synchronized MountedVolume mount(OpenPool pool, String volume, Path target, Set<MountOption> options)
            throws EngineException, PoolException, MountException {
        Optional<MountedVolume> already = of(pool, volume);
        if (already.isPresent()) {
            Path path = already.get().path();
            throw new EngineException(
                    Reason.VOLUME_MOUNTED,
                    "expected an unmounted volume, found " + pool.name() + "/" + volume + " mounted at " + path
                            + ". Use it there, or show it in two places: mount --bind " + path + " " + target);
        }
        VolumeMount.Spec spec =
                new VolumeMount.Spec(pool.name() + "/" + volume, target, options, random.nextLong(), threads);
        Mount mount = transport.mount(
                pool.pool().volume(volume),
                spec,
                Thread.ofPlatform().name("mount-" + volume + "-", 0).factory(),
                this::forgetEnded);
        MountedVolume mounted = new MountedVolume(pool.name(), volume, mount.directory(), options, clock.millis(), "");
        entries.add(new Entry(pool, mounted, mount, null));
        return mounted;
    }

    /** What the keeper has mounted and this engine shall serve; {@code resumed} is null for a new connection. */
    public record Kept(
            String volume,
            long connection,
            Path mountPoint,
            Set<MountOption> options,
            @Nullable Negotiated resumed) {}

    /** Serves a connection of the keeper and returns what it has agreed on; one that is served already stays as it is. */
    synchronized Negotiated serve(OpenPool pool, Kept kept, Keeper keeper)
            throws EngineException, PoolException, MountException {
        String connection = Long.toUnsignedString(kept.connection());
        Entry already = live().stream()
                .filter(entry -> entry.pool == pool && entry.mounted.volume().equals(kept.volume()))
                .findFirst()
                .orElse(null);
        if (already != null) {
            if (already.kept != null && already.mounted.connection().equals(connection)) {
                return already.kept.negotiated();
            }
            awaitEnd(already, connection);
        }
        VolumeMount.Spec spec = new VolumeMount.Spec(
                pool.name() + "/" + kept.volume(), kept.mountPoint(), kept.options(), kept.connection(), threads);
        VolumeMount mount = VolumeMount.serve(
                pool.pool().volume(kept.volume()),
                spec,
                keeper.takeConnection(kept.connection()),
                kept.resumed(),
                Thread.ofPlatform().name("mount-" + kept.volume() + "-", 0).factory(),
                this::forgetEnded);
        MountedVolume mounted = new MountedVolume(
                pool.name(), kept.volume(), kept.mountPoint(), kept.options(), clock.millis(), connection);
        entries.add(new Entry(pool, mounted, mount, mount));
        return mount.negotiated();
    }

    /** The kernel tells the end of a connection a moment after its mount has gone. */
    private static void awaitEnd(Entry entry, String wanted) throws EngineException {
        try {
            if (entry.mount.awaitEnd(OLD_CONNECTION_TIMEOUT)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new EngineException(
                Reason.VOLUME_MOUNTED,
                "expected an unmounted volume for connection " + wanted + ", found " + entry.mounted.pool() + "/"
                        + entry.mounted.volume() + " served at " + entry.mounted.path() + " over connection "
                        + (entry.mounted.connection().isEmpty() ? "of the engine's own" : entry.mounted.connection())
                        + ". Unmount it first.");
    }

    /** Gives the keeper a copy of every connection that it had; returns their numbers. */
    List<String> keep(Keeper keeper) throws EngineException, MountException {
        List<String> kept = new ArrayList<>();
        for (Entry entry : live()) {
            if (entry.kept != null && keep(entry, entry.kept, keeper)) {
                kept.add(entry.mounted.connection());
            }
        }
        return kept;
    }

    private static boolean keep(Entry entry, VolumeMount kept, Keeper keeper) throws EngineException, MountException {
        Keeper.Connection connection = new Keeper.Connection(
                kept.connectionId(), entry.pool.id().toString(), entry.mounted.volume(), kept.negotiated());
        return kept.lendDescriptor(descriptor -> keeper.keepConnection(connection, descriptor));
    }

    synchronized void unmount(Path target, boolean force) throws EngineException, MountException {
        Path directory = withoutLinks(target);
        Entry entry = live().stream()
                .filter(candidate -> candidate.mounted.path().equals(directory))
                .findFirst()
                .orElseThrow(() -> new EngineException(
                        Reason.NOT_MOUNTED,
                        "expected a volume mounted at " + target
                                + ", found none of this engine. See: dynamicfs status; "
                                + "what a dead engine left there goes with: umount -l " + target));
        if (entry.kept != null) {
            throw new EngineException(
                    Reason.VOLUME_MOUNTED,
                    "expected a mount of the engine's own, found one that the keeper has mounted at " + target
                            + ". Whoever mounted it unmounts it.");
        }
        end(entry, force);
    }

    /**
     * Unmounts everything, gently first; what is still in use is detached, as the engine ends now. What the keeper has mounted
     * stays and waits for the next engine.
     */
    synchronized void unmountAll() {
        for (Entry entry : live()) {
            if (entry.kept != null) {
                entry.kept.leave();
                entries.remove(entry);
                continue;
            }
            try {
                end(entry, true);
            } catch (MountException e) {
                LOG.warn("event=unmount-failed path={} message={}", entry.mounted.path(), e.getMessage());
            }
        }
    }

    private void end(Entry entry, boolean force) throws MountException {
        try {
            try {
                entry.mount.unmount(Unmount.WHEN_UNUSED, END_TIMEOUT);
            } catch (MountException e) {
                if (!force || e.reason() != MountException.Reason.BUSY) {
                    throw e;
                }
                entry.mount.unmount(Unmount.LAZILY, Duration.ZERO);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        entries.remove(entry);
    }

    private List<Entry> live() {
        return entries.stream().filter(entry -> !entry.mount.hasEnded()).toList();
    }

    private void forgetEnded() {
        entries.removeIf(entry -> entry.mount.hasEnded());
    }

    /** As mounts know themselves. */
    private static Path withoutLinks(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }
}
