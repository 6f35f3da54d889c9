package io.dynamicfs.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.sim.Scenario.Action;
import io.dynamicfs.engine.sim.Subject.Refused;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every point at which small workloads can be cut off by a death: all sequences of one and of two operations. */
final class CrashPointTest {
    private static final List<Long> THREE_DISKS = Collections.nCopies(3, 32 * Plan.MIB);

    @Test
    void oneOperationSurvivesEveryDeathAtEveryPoint() throws Refused {
        try (Arena arena = Arena.ofConfined()) {
            Scenario scenario = Scenario.on(EngineSubject.FACTORY, arena, THREE_DISKS, Redundancy.parse("3x"));
            CrashPoints points = new CrashPoints(EngineSubject.FACTORY, scenario, true, arena);
            for (Action action : scenario.alphabet()) {
                points.run(List.of(action));
            }
            System.out.println("crash points of one operation: " + points.points());
            assertThat(points.points()).isGreaterThan(scenario.alphabet().size() * 20L);
        }
    }

    @Test
    void twoOperationsSurviveADeathAtEveryPoint() throws Refused {
        try (Arena arena = Arena.ofConfined()) {
            Scenario scenario = Scenario.on(EngineSubject.FACTORY, arena, THREE_DISKS, Redundancy.parse("3x"));
            CrashPoints points = new CrashPoints(EngineSubject.FACTORY, scenario, false, arena);
            for (Action first : scenario.alphabet()) {
                for (Action second : scenario.alphabet()) {
                    points.run(List.of(first, second));
                }
            }
            System.out.println("crash points of two operations: " + points.points());
            assertThat(points.points())
                    .isGreaterThan(20L
                            * scenario.alphabet().size()
                            * scenario.alphabet().size());
        }
    }
}
