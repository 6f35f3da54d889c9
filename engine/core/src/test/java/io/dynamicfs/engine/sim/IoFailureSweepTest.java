package io.dynamicfs.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.sim.Scenario.Action;
import io.dynamicfs.engine.sim.Subject.Refused;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The i-th I/O fails, for every i of small workloads. */
final class IoFailureSweepTest {

    @Test
    void anyOneFailedIoIsCoveredByReplicas() throws Refused {
        sweep(3, "3x");
    }

    @Test
    void anyOneFailedIoIsCoveredByAnErasureCode() throws Refused {
        sweep(6, "4+2");
    }

    private static void sweep(int disks, String redundancy) throws Refused {
        try (Arena arena = Arena.ofConfined()) {
            Scenario scenario = Scenario.on(
                    EngineSubject.FACTORY,
                    arena,
                    Collections.nCopies(disks, 32 * Plan.MIB),
                    Redundancy.parse(redundancy));
            IoFailures failures = new IoFailures(EngineSubject.FACTORY, scenario);
            for (Action action : scenario.alphabet()) {
                failures.run(List.of(action));
            }
            System.out.println("runs with one failed I/O under " + redundancy + ": " + failures.runs());
            assertThat(failures.runs()).isGreaterThan(scenario.alphabet().size() * 20L);
        }
    }
}
