package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.sim.Machine.Death;
import io.dynamicfs.engine.sim.ModelState.Node;
import io.dynamicfs.engine.sim.Plan.Harm;
import io.dynamicfs.engine.sim.SimDisk.Loss;
import io.dynamicfs.engine.sim.Subject.Refused;
import io.dynamicfs.engine.sim.Workload.Profile;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One run: an engine on a simulated machine under a scheduler with one seed. The next action is a client operation, a step of
 * a commit, a round of syncs, time, a fault, or a death with everything that follows. Run by one thread.
 */
final class Simulation {
    /** What a run did. */
    record Result(
            long operations,
            long machineDeaths,
            long processDeaths,
            long commits,
            long syncs,
            long faults,
            long refusedOpens,
            long ios) {
        static final Result NOTHING = new Result(0, 0, 0, 0, 0, 0, 0, 0);

        Result plus(Result other) {
            return new Result(
                    operations + other.operations,
                    machineDeaths + other.machineDeaths,
                    processDeaths + other.processDeaths,
                    commits + other.commits,
                    syncs + other.syncs,
                    faults + other.faults,
                    refusedOpens + other.refusedOpens,
                    ios + other.ios);
        }

        long deaths() {
            return machineDeaths + processDeaths;
        }
    }

    private static final int VOLUMES_MAX = 3;

    /** Commits in which everything that was removed must have gone. */
    private static final int COMMITS_UNTIL_EMPTY_MAX = 500;

    /** Actions after which an armed death happens even if the engine does no I/O. */
    private static final int ARMED_ACTIONS_MAX = 40;

    private final Plan plan;
    private final Subject.Factory factory;
    private final SplittableRandom random;
    private final Trace trace = new Trace();
    private final TreeMap<String, Client> clients = new TreeMap<>();
    private final TreeMap<String, Workload> workloads = new TreeMap<>();
    private final Tolerances tolerances = new Tolerances();
    private final Machine machine;
    private final MemorySegment buffer;
    private final List<SimDisk> faulty = new ArrayList<>();
    private List<SimDisk> present;
    private @Nullable Subject subject;
    private Subject.@Nullable Steps steps;
    private final TreeMap<String, Long> commitPositions = new TreeMap<>();
    private Death armed = Death.MACHINE;
    private int actionsSinceArmed;
    private boolean isDamaged;

    /** A volume whose creation or deletion was not answered. */
    private @Nullable String uncertainVolume;

    private int volumesMade;
    private long finishedOperations;
    private long finishedSyncs;
    private long machineDeaths;
    private long processDeaths;
    private long commits;
    private long faults;
    private long refusedOpens;

    private Simulation(Plan plan, Subject.Factory factory, Arena arena) {
        this.plan = plan;
        this.factory = factory;
        this.random = new SplittableRandom(plan.seed());
        this.machine = new Machine(arena, plan.diskBytes(), plan.survivorBytes(), random.nextLong());
        this.buffer = Client.newBuffer(arena);
        this.present = machine.disks;
        List<SimDisk> candidates = new ArrayList<>(machine.disks);
        while (faulty.size() < plan.faultyDisks()) {
            faulty.add(candidates.remove(random.nextInt(candidates.size())));
        }
        machine.disks.forEach(disk -> disk.faults().ignoresDiscard = random.nextInt(4) == 0);
    }

    /** Runs a plan to its end. A failure tells the plan and the last things that happened. */
    static Result run(Plan plan, Subject.Factory factory) {
        try (Arena arena = Arena.ofConfined()) {
            Simulation simulation = new Simulation(plan, factory, arena);
            try {
                simulation.run();
                return simulation.result();
            } catch (Refused | RuntimeException | Error failure) {
                throw new SimulationFailure(simulation.report(failure), failure);
            }
        }
    }

    private String report(Throwable failure) {
        return failure.getMessage() + "\nplan: " + plan + "\nfaulty: " + faulty + "\nthe last actions:\n" + trace
                + "\nrepeat with: mvn -q -pl engine/core test -Dtest=SimulationTest -Dsim.seed=" + plan.seed()
                + " -Dsim.operations=" + plan.operations() + (plan.isNearFull() ? " -Dsim.full=true" : "");
    }

    private Result result() {
        long operations = finishedOperations;
        long syncs = finishedSyncs;
        for (Client client : clients.values()) {
            operations += client.operations();
            syncs += client.acknowledgedSyncs();
        }
        return new Result(
                operations,
                machineDeaths,
                processDeaths,
                commits,
                syncs,
                faults,
                refusedOpens,
                machine.trigger.count());
    }

    private void run() throws Refused {
        subject = factory.create(machine.surroundings(machine.disks), plan.redundancy());
        createVolume();
        long availableAtStart = clients.firstEntry().getValue().statistics().availableBytes();
        while (result().operations() < plan.operations()) {
            try {
                act();
            } catch (PowerCut cut) {
                trace.add("machine", String.valueOf(cut.getMessage()));
                recover(armed);
            }
        }
        machine.trigger.revive();
        if (plan.harm() == Harm.BEYOND) {
            endInDamage();
        } else {
            endInPeace(availableAtStart);
        }
    }

    // ---- actions

    private void act() throws Refused {
        machine.clock.advance(Duration.ofNanos(random.nextInt(1, 2_000_000)));
        clients.values().forEach(Client::rethrow);
        if (machine.trigger.isArmed() && ++actionsSinceArmed > ARMED_ACTIONS_MAX) {
            trace.add("machine", "dies while idle");
            recover(armed);
            return;
        }
        int choice = random.nextInt(1000);
        if (choice < 14) {
            arm(random.nextInt(1, random.nextInt(4) == 0 ? 400 : 40));
        } else if (choice < 16) {
            recover(random.nextBoolean() ? Death.MACHINE : Death.PROCESS);
        } else if (choice < 60) {
            advanceCommit();
        } else if (choice < 70) {
            commit();
        } else if (choice < 110) {
            serveSyncs();
        } else if (choice < 116) {
            machine.clock.advance(Duration.ofMillis(random.nextInt(1, 6000)));
        } else if (choice < 126 && plan.harm() == Harm.COVERED) {
            harm(faulty.get(random.nextInt(faulty.size())));
        } else if (choice < 128) {
            clients.values().forEach(Client::verify);
        } else if (choice < 130 && steps == null) {
            createVolume();
        } else if (choice < 131 && steps == null) {
            deleteVolume();
        } else if (choice < 132 && steps == null) {
            closeAndOpen();
        } else {
            work();
        }
        pace();
    }

    private void work() {
        List<String> names = List.copyOf(clients.keySet());
        String name = names.get(random.nextInt(names.size()));
        Client client = client(name);
        Workload workload = workloads.get(name);
        if (workload != null) {
            workload.next(client);
        }
    }

    /** What a daemon does when the engine asks for it; late at times, never forgotten. */
    private void pace() throws Refused {
        if (steps != null && random.nextInt(4) == 0) {
            advanceCommit();
        } else if (steps == null && open().needsCommit() && random.nextInt(3) == 0) {
            commit();
        } else if (steps == null && open().hasWaitingSyncs() && random.nextInt(4) == 0) {
            serveSyncs();
        }
    }

    private void advanceCommit() throws Refused {
        if (steps == null) {
            trace.add("commit", "begins");
            notePositions();
            steps = open().beginCommit();
        }
        for (int i = random.nextInt(1, 4); i > 0 && steps != null; i--) {
            if (!steps.step()) {
                steps = null;
                committed();
            }
        }
    }

    private void commit() throws Refused {
        if (steps != null) {
            advanceCommit();
            return;
        }
        trace.add("commit", "whole");
        notePositions();
        open().commit();
        committed();
    }

    private void notePositions() {
        commitPositions.clear();
        clients.forEach(
                (name, client) -> commitPositions.put(name, client.oracle().position()));
    }

    private void committed() {
        trace.add("commit", "done");
        commits++;
        long left = open().filesNotStored();
        if (left > 0) {
            trace.add("commit", "left out " + left + " files");
            if (plan.harm() == Harm.NONE) {
                throw new SimulationFailure("a commit had no room for " + left + " files that were taken");
            }
            return;
        }
        commitPositions.forEach((name, position) -> {
            Client client = clients.get(name);
            if (client != null) {
                client.committed(position);
            }
        });
        if (random.nextInt(3) == 0 && !isDamaged) {
            requireClean();
        }
    }

    private void requireClean() {
        List<String> problems = open().check();
        if (!problems.isEmpty()) {
            throw new SimulationFailure("check after a commit: " + String.join("; ", problems));
        }
    }

    private void serveSyncs() throws Refused {
        if (steps != null) {
            return;
        }
        trace.add("syncs", "served");
        open().serveSyncs();
        for (Client client : clients.values()) {
            client.rethrow();
            if (client.waitingSyncs() > 0) {
                throw new SimulationFailure(
                        client.waitingSyncs() + " syncs of " + client.name() + " wait after serveSyncs");
            }
        }
    }

    // ---- volumes

    private void createVolume() throws Refused {
        if (clients.size() >= VOLUMES_MAX) {
            return;
        }
        String name = "volume" + volumesMade++;
        long quota = volumesMade > 1 && random.nextInt(3) == 0 ? random.nextInt(4, 16) * Plan.MIB : 0;
        trace.add(name, "create with quota " + quota);
        uncertainVolume = name;
        tolerances.quotas.put(name, quota);
        open().createVolume(name, quota, 0, null);
        uncertainVolume = null;
        attach(name);
    }

    private void attach(String name) throws Refused {
        clients.put(name, new Client(name, open().volume(name), machine.clock, trace, tolerances, buffer));
        long share = (long) (plan.rawBytes() / plan.overhead() / VOLUMES_MAX);
        long wanted = plan.profile() == Profile.FULL || plan.isNearFull()
                ? Long.MAX_VALUE
                : Math.min(share / 4, 6 * Plan.MIB);
        workloads.put(name, new Workload(random.split(), plan.profile(), plan.fileRedundancies(), wanted));
    }

    private void deleteVolume() throws Refused {
        if (clients.size() < 2) {
            return;
        }
        String name = clients.lastKey();
        trace.add(name, "delete");
        uncertainVolume = name;
        open().deleteVolume(name);
        uncertainVolume = null;
        forgetVolume(name);
    }

    private void forgetVolume(String name) {
        Client gone = clients.remove(name);
        if (gone != null) {
            finishedOperations += gone.operations();
            finishedSyncs += gone.acknowledgedSyncs();
        }
        workloads.remove(name);
    }

    // ---- death and life

    private void arm(long ios) {
        if (!machine.trigger.isArmed()) {
            armed = random.nextInt(5) < 3 ? Death.MACHINE : Death.PROCESS;
            actionsSinceArmed = 0;
            machine.trigger.cutAt(machine.trigger.count() + ios);
            trace.add("machine", "will die (" + armed + ") in " + ios + " I/Os");
        }
    }

    private void closeAndOpen() throws Refused {
        trace.add("pool", "close");
        notePositions();
        open().close();
        committed(clients.values());
        clients.values().forEach(Client::disconnected);
        machine.disks.forEach(SimDisk::reopen);
        recoverFrom(true);
    }

    private static void committed(Iterable<Client> closed) {
        for (Client client : closed) {
            client.committed(client.oracle().position());
        }
    }

    private void recover(Death first) throws Refused {
        die(first);
        recoverFrom(first == Death.PROCESS);
    }

    /** Opens until it lives, dying again in between at times. {@code exact}: only processes have died since. */
    private void recoverFrom(boolean exactSoFar) throws Refused {
        boolean exact = exactSoFar;
        while (true) {
            try {
                if (random.nextInt(5) == 0) {
                    arm(random.nextInt(1, 60));
                }
                present = pickPresent();
                subject = openPool();
                reconnect(exact);
                return;
            } catch (PowerCut cut) {
                trace.add("machine", cut.getMessage() + " while it opens");
                exact &= armed == Death.PROCESS;
                die(armed);
            }
        }
    }

    private void die(Death death) {
        trace.add("machine", "death of the " + death);
        if (death == Death.MACHINE) {
            machineDeaths++;
        } else {
            processDeaths++;
        }
        clients.values().forEach(Client::disconnected);
        subject = null;
        steps = null;
        machine.die(death, Loss.RANDOM);
    }

    private List<SimDisk> pickPresent() {
        if (plan.harm() != Harm.COVERED || random.nextInt(3) > 0) {
            return machine.disks;
        }
        List<SimDisk> there = new ArrayList<>(machine.disks);
        there.removeIf(disk -> faulty.contains(disk) && random.nextBoolean());
        return there;
    }

    private Subject openPool() throws Refused {
        trace.add("pool", "open on " + present);
        try {
            return factory.open(machine.surroundings(present), false);
        } catch (Refused refusal) {
            boolean minority = plan.harm() == Harm.COVERED && !plan.hasFullQuorum();
            if (!minority) {
                throw new SimulationFailure("the pool must open on " + present + ": " + refusal.getMessage(), refusal);
            }
            refusedOpens++;
            trace.add("pool", "refused: " + refusal.getMessage());
        }
        return factory.open(machine.surroundings(present), true);
    }

    private void reconnect(boolean exact) throws Refused {
        Set<String> found = new TreeSet<>(open().volumes());
        String uncertain = uncertainVolume;
        if (uncertain != null) {
            if (!found.contains(uncertain)) {
                forgetVolume(uncertain);
            } else if (!clients.containsKey(uncertain)) {
                attach(uncertain);
            }
            uncertainVolume = null;
        }
        if (!found.equals(clients.keySet())) {
            throw new SimulationFailure("volumes: expected " + clients.keySet() + ", found " + found);
        }
        for (Client client : clients.values()) {
            client.reconnected(open().volume(client.name()), exact);
        }
        trace.add("pool", "verified");
    }

    // ---- faults

    private void harm(SimDisk disk) {
        faults++;
        int kind = random.nextInt(14);
        trace.add(disk.name(), "fault " + kind);
        DiskFaults knobs = disk.faults();
        switch (kind) {
            case 0 -> knobs.readErrors = random.nextInt(1, 100);
            case 1 -> knobs.writeErrors = random.nextInt(1, 30);
            case 2 -> knobs.flushErrors = random.nextInt(1, 30);
            case 3 -> knobs.lostWrites = random.nextInt(1, 100);
            case 4 -> knobs.misdirectedWrites = random.nextInt(1, 50);
            case 5 -> knobs.misdirectedReads = random.nextInt(1, 50);
            case 6 -> knobs.staleReads = random.nextInt(1, 200);
            case 7 -> knobs.flippedReads = random.nextInt(1, 50);
            case 8 -> knobs.lyingFlush = true;
            case 9 -> disk.flipBits(random.nextInt(1, 200));
            case 10 -> disk.loseSectors(random.nextInt(1, 100));
            case 11 -> {
                if (disk.isGone()) {
                    disk.comeBack();
                } else {
                    disk.vanish();
                }
            }
            case 12 -> {
                if (random.nextInt(4) == 0) {
                    disk.scribble();
                }
            }
            default -> {
                knobs.clear();
                disk.comeBack();
            }
        }
    }

    // ---- the end

    private void endInPeace(long availableAtStart) throws Refused {
        trace.add("run", "ends");
        while (steps != null) {
            advanceCommit();
        }
        serveSyncs();
        clients.values().forEach(Client::verify);
        closeAndOpen();
        machine.trigger.revive();
        requireClean();
        for (Client client : clients.values()) {
            Workload workload = workloads.get(client.name());
            if (workload != null) {
                workload.removeEverything(client);
            }
        }
        while (clients.size() > 1) {
            deleteVolume();
        }
        // What was deleted goes bit by bit; what went in one commit is free a few commits later.
        for (int i = 0, idle = 0; i < COMMITS_UNTIL_EMPTY_MAX && idle < 6; i++) {
            idle = open().needsCommit() ? 0 : idle + 1;
            machine.clock.advance(Duration.ofSeconds(6));
            commit();
        }
        requireClean();
        if (plan.harm() == Harm.NONE) {
            long available = clients.firstEntry().getValue().statistics().availableBytes();
            // The chunk of metadata that is given back last leaves as many free slots as one has: one chunk more than
            // at the
            // start, and the log may have moved to the same disk. 1 MiB each of the disk that has the least, and so of
            // each
            // disk of a stripe: on the smallest disks that is much. The check finds leaks.
            long spareRuns = plan.isNearFull() ? 2L * plan.redundancy().dataFragments() * Plan.MIB : 0;
            if (available < availableAtStart * 9 / 10 - spareRuns) {
                throw new SimulationFailure("after everything was removed " + available + " bytes are available, at"
                        + " the start there were " + availableAtStart);
            }
        }
        open().close();
    }

    /** More disks are destroyed than the redundancy covers. What is still answered must be right. */
    private void endInDamage() throws Refused {
        while (steps != null) {
            advanceCommit();
        }
        commit();
        clients.values().forEach(Client::verify);
        isDamaged = true;
        boolean wholeDisks = random.nextBoolean();
        for (SimDisk disk : faulty) {
            faults++;
            if (wholeDisks) {
                disk.scribble();
            } else {
                disk.flipBits(500);
                disk.loseSectors(500);
            }
        }
        trace.add("run", "destroyed " + faulty + (wholeDisks ? " wholly" : " in many places"));
        boolean gaps = false;
        if (random.nextBoolean()) {
            for (Client client : clients.values()) {
                gaps |= client.verifyDamaged(open().volume(client.name()));
            }
            if (gaps && open().check().isEmpty()) {
                throw new SimulationFailure("reads answer EIO and check finds nothing wrong");
            }
        }
        die(Death.MACHINE);
        try {
            subject = factory.open(machine.surroundings(machine.disks), true);
        } catch (Refused refusal) {
            refusedOpens++;
            trace.add("pool", "refused: " + refusal.getMessage());
            return;
        }
        Set<String> found = open().volumes();
        for (Client client : clients.values()) {
            if (found.contains(client.name())) {
                client.verifyDamaged(open().volume(client.name()));
            }
        }
    }

    private Subject open() {
        Subject current = subject;
        if (current == null) {
            throw new IllegalStateException("the pool is not open");
        }
        return current;
    }

    private Client client(String name) {
        Client client = clients.get(name);
        if (client == null) {
            throw new IllegalStateException("no client for " + name);
        }
        return client;
    }

    private final class Tolerances implements Client.Tolerance {
        final TreeMap<String, Long> quotas = new TreeMap<>();

        /** Bytes below which a volume is as good as full: metadata, rounding and what waits to be freed. */
        private static final long SLACK_BYTES = 4 * Plan.MIB;

        @Override
        public void outOfSpace(Client client, Errno errno, String operation) {
            String verb = operation.substring(0, operation.indexOf(' '));
            if (!Set.of("make", "write", "allocate", "copy", "symlink", "link", "rename", "setxattr")
                    .contains(verb)) {
                throw new SimulationFailure(client.name() + ": " + operation + " answers " + errno
                        + "; what frees space must always succeed");
            }
            VolumeStatistics statistics = client.statistics();
            long quota = quotas.getOrDefault(client.name(), 0L);
            boolean nearQuota = quota > 0 && storedBytes(client) + SLACK_BYTES > quota;
            double rawUsed = 0;
            for (Client other : clients.values()) {
                rawUsed += storedBytes(other)
                        * Math.max(plan.overhead(), 1 + plan.redundancy().losses());
            }
            boolean nearFull = rawUsed > plan.rawBytes() * 0.4 || statistics.availableBytes() < SLACK_BYTES;
            boolean plausible = errno == Errno.EDQUOT ? nearQuota : nearQuota || nearFull;
            if (!plausible) {
                throw new SimulationFailure(client.name() + ": " + operation + " answers " + errno + " with "
                        + storedBytes(client) + " bytes stored, quota " + quota + ", " + statistics + " and "
                        + plan.rawBytes() + " raw bytes");
            }
        }

        @Override
        public boolean mayBeDamaged() {
            return isDamaged;
        }

        private static long storedBytes(Client client) {
            long bytes = 0;
            for (Node node : client.state().all()) {
                bytes += node.content.storedBytes();
            }
            return bytes;
        }
    }
}
