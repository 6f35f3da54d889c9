package io.dynamicfs.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dynamicfs.engine.sim.ToyEngine.Bug;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulator itself: it accepts a right engine, and finds each kind of wrong one. */
final class SimulatorTest {
    private static final int SEEDS = 300;
    private static final int OPERATIONS = 400;

    @Test
    void aRightEnginePasses() {
        for (long seed = 1; seed <= 40; seed++) {
            Simulation.run(Plan.of(seed, OPERATIONS), ToyEngine.factory(Bug.NONE));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void everyBugIsFound(Bug bug) {
        @Nullable Throwable found = null;
        for (long seed = 1; seed <= SEEDS && found == null; seed++) {
            long current = seed;
            found = catchThrowable(() -> Simulation.run(Plan.of(current, OPERATIONS), ToyEngine.factory(bug)));
        }
        assertThat(found).as(bug + " within " + SEEDS + " seeds").isInstanceOf(SimulationFailure.class);
    }
}
