package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.StoppedException;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.CheckOptions;
import io.dynamicfs.engine.fs.CheckReport;
import io.dynamicfs.engine.fs.CommitSteps;
import io.dynamicfs.engine.fs.PoolSpec;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.StoragePool;
import io.dynamicfs.engine.fs.VolumeSpec;
import io.dynamicfs.engine.fs.VolumeStatus;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The storage engine itself, as the simulation sees it. */
final class EngineSubject implements Subject {
    static final Factory FACTORY = new Factory() {
        @Override
        public Subject create(Surroundings surroundings, Redundancy redundancy) throws Refused {
            return refusing(() -> new EngineSubject(StoragePool.create(
                    context(surroundings),
                    surroundings.disks(),
                    new PoolSpec("pool", redundancy, true),
                    new SurvivorMemory(surroundings.survivor()))));
        }

        @Override
        public Subject open(Surroundings surroundings, boolean degraded) throws Refused {
            return refusing(() -> new EngineSubject(StoragePool.open(
                    context(surroundings),
                    surroundings.disks(),
                    new OpenOptions(null, degraded, null, false),
                    new SurvivorMemory(surroundings.survivor()))));
        }
    };

    private final StoragePool pool;

    private EngineSubject(StoragePool pool) {
        this.pool = pool;
    }

    private static EngineContext context(Surroundings surroundings) {
        return new EngineContext(surroundings.clock(), surroundings.random(), surroundings.io());
    }

    private interface Call<T> {
        T run() throws PoolException;
    }

    private interface Change {
        void run() throws PoolException;
    }

    private static <T> T refusing(Call<T> call) throws Refused {
        try {
            return call.run();
        } catch (PoolException | StoppedException e) {
            // A death unwinds as whatever the engine made of it.
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof PowerCut cut) {
                    throw cut;
                }
            }
            throw new Refused(String.valueOf(e.getMessage()), e);
        }
    }

    private static void changing(Change change) throws Refused {
        refusing(() -> {
            change.run();
            return true;
        });
    }

    @Override
    public void createVolume(String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy)
            throws Refused {
        changing(() -> pool.createVolume(new VolumeSpec(name, quotaBytes, quotaInodes, redundancy)));
    }

    @Override
    public void deleteVolume(String name) throws Refused {
        changing(() -> pool.deleteVolume(name));
    }

    @Override
    public Set<String> volumes() {
        Set<String> names = new TreeSet<>();
        for (VolumeStatus volume : pool.volumes()) {
            names.add(volume.name());
        }
        return names;
    }

    @Override
    public PosixVolume volume(String name) throws Refused {
        return refusing(() -> pool.volume(name));
    }

    @Override
    public void commit() throws Refused {
        changing(pool::commit);
    }

    @Override
    public Steps beginCommit() throws Refused {
        CommitSteps steps = refusing(pool::beginCommit);
        return () -> refusing(steps::step);
    }

    @Override
    public boolean needsCommit() {
        return pool.needsCommit();
    }

    @Override
    public long filesNotStored() {
        return pool.filesNotStored();
    }

    @Override
    public void serveSyncs() throws Refused {
        changing(pool::serveSyncs);
    }

    @Override
    public boolean hasWaitingSyncs() {
        return pool.hasWaitingSyncs();
    }

    @Override
    public List<String> check() {
        return pool.check(new CheckOptions(true), (step, done, total) -> {}).findings().stream()
                .filter(EngineSubject::isWrong)
                .map(CheckReport.Finding::toString)
                .toList();
    }

    /** One bad or missing copy on a disk is what redundancy is for; records that disagree are wrong on any disk. */
    private static boolean isWrong(CheckReport.Finding finding) {
        return finding.severity() == CheckReport.Severity.LOST || finding.disk().isEmpty();
    }

    @Override
    public void close() throws Refused {
        changing(pool::close);
    }
}
