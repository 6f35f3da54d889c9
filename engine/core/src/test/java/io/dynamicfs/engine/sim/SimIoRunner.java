package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Runs the tasks of a batch one after the other, in an order that the seed chooses. */
public final class SimIoRunner implements IoRunner {
    private final RandomGenerator random;

    public SimIoRunner(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public List<@Nullable DeviceException> runAll(List<Task> tasks) {
        List<Integer> order = new ArrayList<>();
        List<@Nullable DeviceException> results = new ArrayList<>(Collections.nCopies(tasks.size(), null));
        for (int i = 0; i < tasks.size(); i++) {
            order.add(random.nextInt(i + 1), i);
        }
        for (int i : order) {
            try {
                tasks.get(i).action().run();
            } catch (DeviceException failure) {
                results.set(i, failure);
            }
        }
        return results;
    }
}
