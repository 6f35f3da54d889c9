package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.sim.Workload.Profile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** What one run simulates; a seed decides all of it. */
record Plan(
        long seed,
        List<Long> diskBytes,
        Redundancy redundancy,
        Harm harm,
        Profile profile,
        int faultyDisks,
        int operations,
        long survivorBytes) {

    /** What happens to the disks besides power cuts. */
    enum Harm {
        /** Nothing. */
        NONE,
        /** Faults on as many disks as the redundancy covers: nothing may be lost. */
        COVERED,
        /** More than the redundancy covers, at the end of the run: nothing may be wrong. */
        BEYOND
    }

    static final long MIB = 1 << 20;

    static Plan of(long seed, int operations) {
        SplittableRandom random = new SplittableRandom(seed);
        Shape shape = pickShape(random);
        Profile profile = pickProfile(random);
        int harmChoice = random.nextInt(100);
        Harm harm = harmChoice < 45 || shape.redundancy.losses() == 0
                ? Harm.NONE
                : harmChoice < 88 ? Harm.COVERED : Harm.BEYOND;
        if (shape.redundancy.losses() == 0 && harmChoice >= 88) {
            harm = Harm.BEYOND;
        }
        int faulty = switch (harm) {
            case NONE -> 0;
            case COVERED -> random.nextInt(1, shape.redundancy.losses() + 1);
            case BEYOND -> random.nextInt(shape.redundancy.losses() + 1, shape.diskBytes.size() + 1);
        };
        return new Plan(seed, shape.diskBytes, shape.redundancy, harm, profile, faulty, operations, 8 * MIB);
    }

    /** A pool of disks so small that it is nearly full most of the time, and its free space in pieces. */
    static Plan nearFull(long seed, int operations) {
        SplittableRandom random = new SplittableRandom(~seed);
        Shape shape = pickSmallShape(random);
        boolean harmed = random.nextInt(4) == 0 && shape.redundancy.losses() > 0;
        int faulty = harmed ? random.nextInt(1, shape.redundancy.losses() + 1) : 0;
        return new Plan(
                seed,
                shape.diskBytes,
                shape.redundancy,
                harmed ? Harm.COVERED : Harm.NONE,
                Profile.FRAGMENTED,
                faulty,
                operations,
                8 * MIB);
    }

    boolean isNearFull() {
        return profile == Profile.FRAGMENTED;
    }

    private record Shape(List<Long> diskBytes, Redundancy redundancy) {}

    private static Shape pickSmallShape(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0 -> new Shape(sizes(random, 1, 20, 32), Redundancy.parse("1x"));
            case 1 -> new Shape(sizes(random, 2, 18, 28), Redundancy.parse("2x"));
            case 2 -> new Shape(sizes(random, 3, 18, 28), Redundancy.parse("2x"));
            case 3 -> new Shape(sizes(random, 3, 18, 28), Redundancy.parse("3x"));
            case 4 -> new Shape(sizes(random, 4, 16, 24), Redundancy.parse("2+1"));
            case 5 -> new Shape(sizes(random, 5, 16, 24), Redundancy.parse("3x"));
            default -> new Shape(sizes(random, 6, 16, 24), Redundancy.parse("4+2"));
        };
    }

    private static Shape pickShape(SplittableRandom random) {
        return switch (random.nextInt(10)) {
            case 0 -> new Shape(sizes(random, 1, 64, 64), Redundancy.parse("1x"));
            case 1 -> new Shape(sizes(random, 2, 48, 64), Redundancy.parse("2x"));
            case 2, 3 -> new Shape(sizes(random, 3, 48, 64), Redundancy.parse("3x"));
            case 4 -> new Shape(sizes(random, 4, 32, 64), Redundancy.parse("2+1"));
            case 5 -> new Shape(sizes(random, 5, 24, 64), Redundancy.parse("3x"));
            default -> new Shape(sizes(random, 6, 32, 64), Redundancy.parse("4+2"));
        };
    }

    private static List<Long> sizes(SplittableRandom random, int disks, int minMib, int maxMib) {
        List<Long> sizes = new ArrayList<>(Collections.nCopies(disks, random.nextInt(minMib, maxMib + 1) * MIB));
        if (random.nextInt(3) == 0) {
            sizes.replaceAll(size -> random.nextInt(minMib, maxMib + 1) * MIB);
        }
        return List.copyOf(sizes);
    }

    private static Profile pickProfile(SplittableRandom random) {
        return switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> Profile.MIXED;
            case 4, 5 -> Profile.NAMES;
            case 6, 7 -> Profile.DATA;
            case 8, 9, 10 -> Profile.SYNCS;
            default -> Profile.FULL;
        };
    }

    long rawBytes() {
        return diskBytes.stream().mapToLong(Long::longValue).sum();
    }

    /** Raw bytes taken by each byte of a file under the pool's policy. */
    double overhead() {
        return (double) redundancy.fragments() / redundancy.dataFragments();
    }

    /** With fewer members than this a minority cannot prove that the missing ones are not newer. */
    boolean hasFullQuorum() {
        return diskBytes.size() >= 2 * redundancy.losses() + 1;
    }

    /** Policies that files may ask for without needing more than the pool promises, or less than the faults to come. */
    List<String> fileRedundancies() {
        int lossesMin = harm == Harm.COVERED ? faultyDisks : 0;
        List<String> found = new ArrayList<>();
        for (String text : List.of("1x", "2x", "3x", "2+1", "3+1", "2+2", "4+1", "4+2")) {
            Redundancy candidate = Redundancy.parse(text);
            boolean fits = candidate.fragments() <= diskBytes.size()
                    && candidate.losses() >= lossesMin
                    && candidate.losses() <= redundancy.losses();
            if (fits) {
                found.add(text);
            }
        }
        return found;
    }
}
