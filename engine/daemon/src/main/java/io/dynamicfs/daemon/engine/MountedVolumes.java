package io.dynamicfs.daemon.engine;

import io.dynamicfs.daemon.engine.EngineException.Reason;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountOption;
import io.dynamicfs.engine.mount.VolumeMount;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The volumes that this engine has mounted. */
public final class MountedVolumes {
    /** How long an unmount waits for requests that are being answered. */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(MountedVolumes.class);

    private record Entry(OpenPool pool, MountedVolume mounted, VolumeMount mount) {}

    private final int threads;
    private final InstantSource clock = InstantSource.system();
    private final SecureRandom random = new SecureRandom();
    private final List<Entry> entries = new CopyOnWriteArrayList<>();

    MountedVolumes(int threads) {
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

    synchronized MountedVolume mount(OpenPool pool, String volume, Path target, boolean readOnly)
            throws EngineException, PoolException, MountException {
        Optional<MountedVolume> already = of(pool, volume);
        if (already.isPresent()) {
            Path path = already.get().path();
            throw new EngineException(
                    Reason.VOLUME_MOUNTED,
                    "expected an unmounted volume, found " + pool.name() + "/" + volume + " mounted at " + path
                            + ". Use it there, or show it in two places: mount --bind " + path + " " + target);
        }
        VolumeMount.Spec spec = new VolumeMount.Spec(
                pool.name() + "/" + volume,
                target,
                readOnly ? Set.of(MountOption.READ_ONLY) : Set.of(),
                random.nextLong(),
                threads);
        VolumeMount mount = VolumeMount.mount(
                pool.pool().volume(volume),
                spec,
                Thread.ofPlatform().name("mount-" + volume + "-", 0).factory(),
                this::forgetEnded);
        MountedVolume mounted = new MountedVolume(pool.name(), volume, mount.directory(), readOnly, clock.millis());
        entries.add(new Entry(pool, mounted, mount));
        return mounted;
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
        end(entry, force);
    }

    /** Unmounts everything, gently first; what is still in use is detached, as the engine ends now. */
    synchronized void unmountAll() {
        for (Entry entry : live()) {
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
