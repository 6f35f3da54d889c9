package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.sim.Machine.Death;
import io.dynamicfs.engine.sim.Scenario.Action;
import io.dynamicfs.engine.sim.Scenario.Stage;
import io.dynamicfs.engine.sim.SimDisk.Loss;
import io.dynamicfs.engine.sim.Subject.Refused;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * Runs a small workload again and again, and the i-th I/O of the i-th run fails. One failure is within every promise: all
 * answers must be right, and so must be what is there after the machine died.
 */
final class IoFailures {
    private final Subject.Factory factory;
    private final Scenario scenario;
    private long runs;

    IoFailures(Subject.Factory factory, Scenario scenario) {
        this.factory = factory;
        this.scenario = scenario;
    }

    /** Runs so far. */
    long runs() {
        return runs;
    }

    void run(List<Action> workload) throws Refused {
        long ios = Long.MAX_VALUE;
        for (long failing = 0; failing < ios; failing++) {
            ios = runWith(workload, failing);
        }
    }

    /** Returns how many I/Os there were. */
    private long runWith(List<Action> workload, long failing) throws Refused {
        runs++;
        try (Arena arena = Arena.ofConfined()) {
            Machine machine = scenario.forkMachine(arena, failing);
            machine.trigger.failAt(failing);
            Stage stage = scenario.stage(machine);
            stage.perform(workload);
            stage.client.verify();
            long ios = machine.trigger.count();
            machine.die(Death.MACHINE, Loss.EVERYTHING);
            Subject again = factory.open(machine.surroundings(machine.disks), false);
            stage.client.disconnected();
            stage.client.reconnected(again.volume(Scenario.VOLUME), false);
            return ios;
        } catch (Refused | RuntimeException | AssertionError failure) {
            throw new SimulationFailure(
                    "workload " + workload + " with a failure of I/O " + failing + ": " + failure.getMessage(),
                    failure);
        }
    }
}
