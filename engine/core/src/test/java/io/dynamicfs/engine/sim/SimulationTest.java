package io.dynamicfs.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The whole engine on simulated disks. {@code -Dsim.seed=N} runs one seed again ({@code -Dsim.full=true}: in a pool that is
 * nearly full), {@code -Dsim.minutes=N} runs fresh seeds for so long, beyond the fixed ones that every run has.
 */
final class SimulationTest {
    private static final long OPERATIONS_MIN = 100_000;
    private static final long DEATHS_MIN = 1_000;
    private static final int OPERATIONS_PER_RUN = 600;
    private static final long FIRST_SEED = 1;
    private static final int NEAR_FULL_RUNS = 20;
    private static final int NEAR_FULL_OPERATIONS = 1500;

    @Test
    @DisabledIfSystemProperty(named = "sim.seed", matches = ".+", disabledReason = "one seed was asked for")
    void aHundredThousandOperationsAndAThousandDeathsLoseNothing() {
        Simulation.Result total = Simulation.Result.NOTHING;
        long seed = FIRST_SEED;
        while (total.operations() < OPERATIONS_MIN || total.deaths() < DEATHS_MIN) {
            total = total.plus(Simulation.run(Plan.of(seed, OPERATIONS_PER_RUN), EngineSubject.FACTORY));
            seed++;
        }
        System.out.println("simulated seeds " + FIRST_SEED + " to " + (seed - 1) + ": " + total);
        assertThat(total.machineDeaths()).isPositive();
        assertThat(total.processDeaths()).isPositive();
        assertThat(total.faults()).isPositive();
    }

    @Test
    void seedsThatOnceFailedPass() throws IOException {
        for (String line : corpus()) {
            String[] words = line.split(" ", 3);
            long seed = Long.parseLong(words[0]);
            int operations = Integer.parseInt(words[1]);
            boolean nearFull = words.length > 2 && words[2].equals("full");
            Simulation.run(
                    nearFull ? Plan.nearFull(seed, operations) : Plan.of(seed, operations), EngineSubject.FACTORY);
        }
    }

    @Test
    @DisabledIfSystemProperty(named = "sim.seed", matches = ".+", disabledReason = "one seed was asked for")
    void poolsThatAreNearlyFullRefuseInTimeAndLoseNothing() {
        Simulation.Result total = Simulation.Result.NOTHING;
        for (long seed = FIRST_SEED; seed < FIRST_SEED + NEAR_FULL_RUNS; seed++) {
            total = total.plus(Simulation.run(Plan.nearFull(seed, NEAR_FULL_OPERATIONS), EngineSubject.FACTORY));
        }
        System.out.println("simulated pools that are nearly full: " + total);
        assertThat(total.deaths()).isPositive();
    }

    private static List<String> corpus() throws IOException {
        try (InputStream stream = Objects.requireNonNull(
                SimulationTest.class.getResourceAsStream("/sim/corpus.txt"), "the corpus is missing")) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList();
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sim.seed", matches = "-?\\d+", disabledReason = "no -Dsim.seed")
    void theSeedThatWasAskedForPasses() {
        long seed = Long.getLong("sim.seed");
        int operations = Integer.getInteger("sim.operations", OPERATIONS_PER_RUN);
        Plan plan = Boolean.getBoolean("sim.full") ? Plan.nearFull(seed, operations) : Plan.of(seed, operations);
        System.out.println("seed " + seed + ": " + Simulation.run(plan, EngineSubject.FACTORY));
    }

    @Test
    @EnabledIfSystemProperty(named = "sim.minutes", matches = "\\d+", disabledReason = "no -Dsim.minutes")
    void freshSeedsPassForAsLongAsWasAskedFor() {
        long end = System.nanoTime()
                + Duration.ofMinutes(Long.getLong("sim.minutes")).toNanos();
        long seed = new Random().nextLong() >>> 8;
        System.out.println("fresh seeds from " + seed);
        Simulation.Result total = Simulation.Result.NOTHING;
        long reported = System.nanoTime();
        while (System.nanoTime() < end) {
            // Every eighth pool is nearly full.
            Plan plan = seed % 8 == 0 ? Plan.nearFull(seed, NEAR_FULL_OPERATIONS) : Plan.of(seed, OPERATIONS_PER_RUN);
            total = total.plus(Simulation.run(plan, EngineSubject.FACTORY));
            seed++;
            if (System.nanoTime() - reported > TimeUnit.MINUTES.toNanos(1)) {
                reported = System.nanoTime();
                System.out.println("up to seed " + seed + ": " + total);
            }
        }
    }

    @Test
    void aSeedRepeatsBitForBit() {
        Plan plan = Plan.of(11, 300);
        assertThat(Simulation.run(plan, EngineSubject.FACTORY)).isEqualTo(Simulation.run(plan, EngineSubject.FACTORY));
    }
}
