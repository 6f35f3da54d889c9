package io.dynamicfs.engine.device;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs I/O on several disks side by side. The engine starts no thread of its own: it is given one of these. */
public interface IoRunner {
    /** The lane of tasks that only compute, beside those of the disks. */
    int COMPUTING = -1;

    /** One or more calls on one disk. */
    interface Action {
        void run() throws DeviceException;
    }

    /** {@code lane} chooses the disk's queue: tasks of one lane may share threads, tasks of different lanes run in parallel. */
    record Task(int lane, Action action) {}

    /** Runs all tasks and waits for all. Element i of the result is null when task i succeeded. */
    List<@Nullable DeviceException> runAll(List<Task> tasks);
}
