package io.dynamicfs.engine.device;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Platform threads, a bounded number for each lane. The caller's thread runs the last task itself, and any task whose lane
 * has no room left, which is the back-pressure. Actions must not call {@link #runAll} again.
 */
public final class ThreadedIoRunner implements IoRunner, AutoCloseable {
    /** Enough for every caller to have a few tasks waiting on each disk; more would only add latency. */
    private static final int LANE_QUEUE_MAX = 256;

    private final int threadsPerLane;
    private final ThreadFactory threads;
    private final ConcurrentHashMap<Integer, ThreadPoolExecutor> lanes = new ConcurrentHashMap<>();

    /** A worker never ends by an exception, so that there are no more than lanes times threads of them. */
    private final Set<Thread> started = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    public ThreadedIoRunner(int threadsPerLane, ThreadFactory threads) {
        if (threadsPerLane < 1) {
            throw new IllegalArgumentException("a lane needs at least one thread, not " + threadsPerLane);
        }
        this.threadsPerLane = threadsPerLane;
        this.threads = threads;
    }

    /** An exception that is not a {@link DeviceException} is thrown when all tasks have ended: the memory is in use until then. */
    @Override
    public List<@Nullable DeviceException> runAll(List<Task> tasks) {
        Batch batch = new Batch(tasks);
        int last = tasks.size() - 1;
        for (int i = 0; i < last; i++) {
            int index = i;
            submit(tasks.get(i).lane(), () -> batch.run(index));
        }
        if (last >= 0) {
            batch.run(last);
        }
        return batch.await();
    }

    /** Runs the task here when its lane is full, closed, or cannot start a thread. */
    private void submit(int lane, Runnable task) {
        try {
            executor(lane).execute(task);
        } catch (OutOfMemoryError e) {
            task.run();
        }
    }

    private ThreadPoolExecutor executor(int lane) {
        ThreadPoolExecutor executor = lanes.computeIfAbsent(
                lane,
                ignored -> new ThreadPoolExecutor(
                        threadsPerLane,
                        threadsPerLane,
                        0,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(LANE_QUEUE_MAX),
                        this::start,
                        (task, full) -> task.run()));
        if (closed) {
            executor.shutdown();
        }
        return executor;
    }

    private Thread start(Runnable worker) {
        Thread thread = threads.newThread(worker);
        started.add(thread);
        return thread;
    }

    /** Ends and joins all threads; tasks that were given before still run. */
    @Override
    public void close() {
        closed = true;
        lanes.values().forEach(ThreadPoolExecutor::shutdown);
        boolean interrupted = false;
        for (Thread thread : started) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class Batch {
        private final List<Task> tasks;
        private final @Nullable DeviceException[] results;
        private final CountDownLatch pending;
        private final AtomicReference<@Nullable Throwable> bug = new AtomicReference<>();

        Batch(List<Task> tasks) {
            this.tasks = tasks;
            this.results = new @Nullable DeviceException[tasks.size()];
            this.pending = new CountDownLatch(tasks.size());
        }

        void run(int index) {
            try {
                tasks.get(index).action().run();
            } catch (DeviceException e) {
                results[index] = e;
            } catch (RuntimeException | Error e) {
                bug.compareAndSet(null, e);
            } finally {
                pending.countDown();
            }
        }

        List<@Nullable DeviceException> await() {
            boolean interrupted = false;
            while (pending.getCount() > 0) {
                try {
                    pending.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            Throwable thrown = bug.get();
            if (thrown != null) {
                throw new IllegalStateException("an I/O task failed for a reason other than its disk", thrown);
            }
            return Collections.unmodifiableList(Arrays.asList(results));
        }
    }
}
