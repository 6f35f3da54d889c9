package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.fs.CommitSteps;
import io.dynamicfs.engine.fs.StoragePool;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes durable what a pool has answered: at once for those who wait for it, every {@link #INTERVAL_MILLIS} for everybody,
 * and under pressure before memory runs out. One thread per pool.
 */
final class Committer implements AutoCloseable {
    static final long INTERVAL_MILLIS = 5_000;

    /** How long the thread sleeps at most before it sees that it shall stop. */
    private static final long WAKE_MILLIS = 200;

    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);

    private final StoragePool pool;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile String failure = "";

    Committer(StoragePool pool) {
        this.pool = pool;
        this.thread = Thread.ofPlatform().name("commit-" + pool.name()).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Why nothing is committed any more; empty while all is well. */
    String failure() {
        return failure;
    }

    /** Ends the thread after the commit that it may be in. Does not commit the rest: closing the pool does. */
    @Override
    public void close() {
        stopping = true;
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            long due = now() + INTERVAL_MILLIS;
            while (!stopping) {
                pool.awaitWork(Math.clamp(due - now(), 1, WAKE_MILLIS));
                if (pool.hasWaitingSyncs()) {
                    pool.serveSyncs();
                }
                if (pool.needsCommit() || now() >= due) {
                    commit();
                    due = now() + INTERVAL_MILLIS;
                }
            }
        } catch (Error e) {
            // Memory is exhausted or the engine is broken: the next process has everything that was answered.
            LOG.error("event=process-stops pool={}", pool.name(), e);
            Runtime.getRuntime().halt(1);
        } catch (Exception e) {
            // Whatever it was: a pool that cannot commit must not go on as if it could.
            failure = "commits stopped: " + (e.getMessage() == null ? e.toString() : e.getMessage());
            LOG.error("event=commits-stopped pool={}", pool.name(), e);
        }
    }

    /** Syncs do not wait for the end of a commit: the intent log takes them between its steps. */
    private void commit() {
        CommitSteps commit = pool.beginCommit();
        while (commit.step()) {
            if (pool.hasWaitingSyncs()) {
                pool.serveSyncs();
            }
        }
    }

    private static long now() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
