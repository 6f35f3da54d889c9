package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.sim.Machine.Death;
import io.dynamicfs.engine.sim.Scenario.Action;
import io.dynamicfs.engine.sim.Scenario.Stage;
import io.dynamicfs.engine.sim.SimDisk.Loss;
import io.dynamicfs.engine.sim.Subject.Refused;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a small workload once and lets a fork of the machine die at every I/O of it, in every way. Each fork is opened again and
 * what it shows is judged.
 */
final class CrashPoints {
    /** A way to die. */
    record Fate(Death death, Loss loss) {}

    /** All of them. */
    static final List<Fate> FATES = List.of(
            new Fate(Death.MACHINE, Loss.EVERYTHING),
            new Fate(Death.MACHINE, Loss.NOTHING),
            new Fate(Death.MACHINE, Loss.RANDOM),
            new Fate(Death.PROCESS, Loss.NOTHING));

    /** What a fork showed; judged when the operation in which it died is known to the model. */
    private record Seen(long io, Fate fate, Observation observation, Oracle.Bounds bounds, List<String> problems) {}

    private final Subject.Factory factory;
    private final Scenario scenario;
    private final boolean everyFate;
    private final MemorySegment scratch;
    private final List<Seen> unjudged = new ArrayList<>();
    private long points;

    /** With {@code everyFate} each point dies in all ways, otherwise the ways take turns. Memory is from {@code arena}. */
    CrashPoints(Subject.Factory factory, Scenario scenario, boolean everyFate, Arena arena) {
        this.factory = factory;
        this.scenario = scenario;
        this.everyFate = everyFate;
        this.scratch = scenario.newSurvivor(arena);
    }

    /** Deaths so far. */
    long points() {
        return points;
    }

    void run(List<Action> workload) throws Refused {
        try (Arena arena = Arena.ofConfined()) {
            Stage stage = scenario.stage(arena, workload.toString().hashCode());
            stage.afterEach(() -> judge(workload, stage));
            stage.machine.trigger.observe((disk, kind, offset, length) -> dieHere(stage));
            stage.perform(workload);
            stage.machine.trigger.observe(null);
        }
    }

    private void dieHere(Stage stage) {
        long io = stage.machine.trigger.count();
        if (everyFate) {
            FATES.forEach(fate -> die(stage, io, fate));
        } else {
            die(stage, io, FATES.get((int) (points % FATES.size())));
        }
    }

    private void die(Stage stage, long io, Fate fate) {
        points++;
        try (Arena arena = Arena.ofConfined()) {
            Machine machine = fate.death == Death.MACHINE
                    ? stage.machine.forkAfterPowerCut(arena, fate.loss, io)
                    : stage.machine.forkAfterKill(arena, scratch, io);
            Subject subject = factory.open(machine.surroundings(machine.disks), false);
            Observation seen = Observation.of(subject.volume(Scenario.VOLUME), false);
            Oracle.Bounds bounds = fate.death == Death.PROCESS
                    ? Oracle.exact(stage.client.answered())
                    : stage.client.oracle().afterCrash();
            unjudged.add(new Seen(io, fate, seen, bounds, subject.check()));
        } catch (Refused | RuntimeException failure) {
            throw new SimulationFailure("after " + fate + " at I/O " + io + ": " + failure.getMessage(), failure);
        }
    }

    private void judge(List<Action> workload, Stage stage) {
        for (Seen seen : unjudged) {
            Oracle.Verdict verdict = stage.client.oracle().judge(seen.observation, stage.client.pairs(), seen.bounds);
            if (verdict.match() == null || !seen.problems.isEmpty()) {
                throw new SimulationFailure("workload " + workload + ", " + seen.fate + " at I/O " + seen.io + ": "
                        + verdict.explanation() + " " + seen.problems + "\n" + stage.trace);
            }
        }
        unjudged.clear();
    }
}
