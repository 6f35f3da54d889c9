package io.dynamicfs.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThreadedIoRunnerTest {
    private final Set<Thread> started = ConcurrentHashMap.newKeySet();
    private final ThreadedIoRunner runner = new ThreadedIoRunner(2, task -> {
        Thread thread = new Thread(task);
        started.add(thread);
        return thread;
    });

    @AfterEach
    void close() {
        runner.close();
    }

    @Test
    void tasksOfDifferentLanesRunSideBySide() {
        CyclicBarrier all = new CyclicBarrier(6);
        List<IoRunner.Task> tasks = new ArrayList<>();
        for (int lane = 0; lane < 6; lane++) {
            tasks.add(new IoRunner.Task(lane, () -> await(all)));
        }
        assertThat(runner.runAll(tasks)).hasSize(6).containsOnlyNulls();
        assertThat(started).hasSize(5);
    }

    @Test
    void resultsStandAtThePlacesOfTheirTasks() {
        DeviceException failure = new DeviceException("disk", "read", 0, "told to");
        List<@Nullable DeviceException> results = runner.runAll(List.of(
                new IoRunner.Task(0, () -> {}),
                new IoRunner.Task(1, () -> {
                    throw failure;
                }),
                new IoRunner.Task(0, () -> {})));
        assertThat(results).containsExactly(null, failure, null);
    }

    @Test
    void aLaneUsesNoMoreThanItsThreadsAndTheCallersAndLosesNoTask() {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger highest = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        List<IoRunner.Task> tasks = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            tasks.add(new IoRunner.Task(0, () -> {
                highest.accumulateAndGet(running.incrementAndGet(), Math::max);
                done.incrementAndGet();
                running.decrementAndGet();
            }));
        }
        assertThat(runner.runAll(tasks)).hasSize(2000).containsOnlyNulls();
        assertThat(done).hasValue(2000);
        assertThat(highest.get()).isLessThanOrEqualTo(3);
        assertThat(started).hasSize(2);
    }

    @Test
    void anExceptionThatIsNotOfADiskIsThrownAfterAllTasksHaveEnded() {
        AtomicInteger done = new AtomicInteger();
        List<IoRunner.Task> tasks = List.of(
                new IoRunner.Task(0, () -> {
                    throw new IllegalArgumentException("our own bug");
                }),
                new IoRunner.Task(1, done::incrementAndGet),
                new IoRunner.Task(2, done::incrementAndGet));
        assertThatThrownBy(() -> runner.runAll(tasks)).hasRootCauseMessage("our own bug");
        assertThat(done).hasValue(2);
    }

    @Test
    void closeJoinsTheThreadsAndLaterTasksRunInTheCaller() {
        runner.runAll(List.of(new IoRunner.Task(0, () -> {}), new IoRunner.Task(0, () -> {})));
        runner.close();
        assertThat(started).isNotEmpty().noneMatch(Thread::isAlive);

        List<Thread> used = new ArrayList<>();
        IoRunner.Task task = new IoRunner.Task(0, () -> used.add(Thread.currentThread()));
        runner.runAll(List.of(task, task, task));
        assertThat(used).hasSize(3).containsOnly(Thread.currentThread());
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
