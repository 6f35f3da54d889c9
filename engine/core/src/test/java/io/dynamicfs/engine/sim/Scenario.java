package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.PosixVolume.Owner;
import io.dynamicfs.engine.sim.SimDisk.Loss;
import io.dynamicfs.engine.sim.Subject.Refused;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A small pool with a few files in it, made once and forked for every small workload that runs on it: directory "d" with file
 * "x", empty directory "e", and files "a" and "b".
 */
final class Scenario {
    static final String VOLUME = "volume";
    private static final Owner OWNER = new Owner(0, 0);

    /** What a workload consists of. */
    record Action(String name, Doing doing) {
        @Override
        public String toString() {
            return name;
        }
    }

    interface Doing {
        void on(Stage stage) throws Refused;
    }

    private final Subject.Factory factory;
    private final Machine machine;
    private final Client client;

    /** The files of the scenario, as inodes of the model. */
    private final long a;

    private final long b;
    private final long d;

    private Scenario(Subject.Factory factory, Machine machine, MemorySegment buffer, Redundancy redundancy)
            throws Refused {
        this.factory = factory;
        this.machine = machine;
        Subject subject = factory.create(machine.surroundings(machine.disks), redundancy);
        subject.createVolume(VOLUME, 0, 0, null);
        client = new Client(VOLUME, subject.volume(VOLUME), machine.clock, new Trace(), new Strict(), buffer);
        a = made(client.make(1, "a", ModelState.REGULAR | 0644, 0, OWNER));
        client.write(a, 0, bytes(10, 5000));
        b = made(client.make(1, "b", ModelState.REGULAR | 0644, 0, OWNER));
        client.write(b, 0, bytes(11, 70_000));
        d = made(client.make(1, "d", ModelState.DIRECTORY | 0755, 0, OWNER));
        client.write(made(client.make(d, "x", ModelState.REGULAR | 0600, 0, OWNER)), 0, bytes(12, 10));
        client.make(1, "e", ModelState.DIRECTORY | 0755, 0, OWNER);
        subject.commit();
        subject.close();
        machine.disks.forEach(SimDisk::reopen);
    }

    static Scenario on(Subject.Factory factory, Arena arena, List<Long> diskBytes, Redundancy redundancy)
            throws Refused {
        Machine machine = new Machine(arena, diskBytes, 8 * Plan.MIB, 1);
        return new Scenario(factory, machine, Client.newBuffer(arena), redundancy);
    }

    /** The operations that small workloads are made of. */
    List<Action> alphabet() {
        return List.of(
                new Action("create", stage -> stage.client.make(1, "c", ModelState.REGULAR | 0644, 0, OWNER)),
                new Action("createAndWrite", stage -> stage.createAndWrite("f")),
                new Action("writeSmall", stage -> stage.on(a, client -> client.write(a, 100, bytes(1, 300)))),
                new Action("writeAcross", stage -> stage.on(b, client -> client.write(b, 60_000, bytes(2, 20_000)))),
                new Action("append", stage -> stage.on(a, client -> client.write(a, stage.sizeOf(a), bytes(3, 4096)))),
                new Action("truncateDown", stage -> stage.on(b, client -> client.setAttributes(b, size(1000)))),
                new Action("truncateUp", stage -> stage.on(a, client -> client.setAttributes(a, size(9000)))),
                new Action("punch", stage -> stage.on(b, client -> client.zero(b, 5000, 30_000, false))),
                new Action("zeroAndGrow", stage -> stage.on(a, client -> client.zero(a, 1000, 90_000, true))),
                new Action("unnamed", stage -> stage.unnamed("u")),
                new Action("renameNew", stage -> stage.client.rename(1, "a", d, "c", 0)),
                new Action("renameOver", stage -> stage.client.rename(1, "a", 1, "b", 0)),
                new Action("renameDirectory", stage -> stage.client.rename(1, "d", 1, "e", 0)),
                new Action("exchange", stage -> stage.client.rename(1, "b", d, "x", 2)),
                new Action("unlink", stage -> stage.client.unlink(1, "a")),
                new Action("link", stage -> stage.on(b, client -> client.link(b, d, "h"))),
                new Action("symlink", stage -> stage.client.symlink(1, "s", "target", OWNER)),
                new Action("mkdir", stage -> stage.client.make(d, "m", ModelState.DIRECTORY | 0700, 0, OWNER)),
                new Action("rmdir", stage -> stage.client.removeDirectory(1, "e")),
                new Action("chmod", stage -> stage.on(a, client -> client.setAttributes(a, mode(0600)))),
                new Action(
                        "setxattr",
                        stage -> stage.on(a, client -> client.setXattr(a, "user.one", "v".repeat(5000), 0))),
                new Action("fsync", stage -> stage.sync(a)),
                new Action("commit", Stage::commit));
    }

    private static AttributeChange size(long size) {
        return new AttributeChange(null, null, null, size, null, null);
    }

    private static AttributeChange mode(int mode) {
        return new AttributeChange(mode, null, null, null, null, null);
    }

    /** A fork of the scenario with its pool open. */
    Stage stage(Arena arena, long seed) throws Refused {
        return stage(forkMachine(arena, seed));
    }

    /** The scenario with its pool opened on a fork of its machine. */
    Stage stage(Machine fork) throws Refused {
        return new Stage(this, fork);
    }

    /** A fork of the scenario whose pool is not open yet. */
    Machine forkMachine(Arena arena, long seed) {
        return machine.forkAfterPowerCut(arena, Loss.NOTHING, seed);
    }

    /** Memory of the size that forks have as survivor memory. */
    MemorySegment newSurvivor(Arena arena) {
        return arena.allocate(machine.survivor.byteSize(), 4096);
    }

    /** A running fork. */
    static final class Stage {
        final Scenario scenario;
        final Machine machine;
        final Subject subject;
        final Client client;
        final Trace trace = new Trace();
        private Runnable afterEach = () -> {};

        Stage(Scenario scenario, Machine machine) throws Refused {
            this.scenario = scenario;
            this.machine = machine;
            this.subject = scenario.factory.open(machine.surroundings(machine.disks), false);
            this.client = new Client(scenario.client, subject.volume(VOLUME), machine.clock, trace, new Strict());
        }

        /** Runs when an action is done and the model knows what it did, before a commit becomes the verified state. */
        void afterEach(Runnable judging) {
            afterEach = judging;
        }

        /** The kernel never asks for an inode that has neither a name nor an opener. */
        void on(long inode, Consumer<Client> operation) {
            if (client.state().find(inode) != null) {
                operation.accept(client);
            }
        }

        void createAndWrite(String name) {
            Long inode = client.make(1, name, ModelState.REGULAR | 0644, 0, OWNER);
            if (inode != null) {
                client.write(inode, 0, bytes(4, 100_000));
            }
        }

        void unnamed(String name) {
            Long inode = client.makeUnnamed(1, 0600, OWNER);
            if (inode != null) {
                client.write(inode, 0, bytes(5, 10_000));
                client.link(inode, 1, name);
            }
        }

        long sizeOf(long inode) {
            ModelState.Node node = client.state().find(inode);
            return node == null ? 0 : node.content.size();
        }

        void sync(long inode) throws Refused {
            if (client.state().find(inode) == null) {
                return;
            }
            client.sync(inode, false);
            subject.serveSyncs();
            client.rethrow();
            if (client.waitingSyncs() > 0) {
                throw new SimulationFailure("a sync waits after serveSyncs");
            }
        }

        void commit() throws Refused {
            long position = client.oracle().position();
            subject.commit();
            client.rethrow();
            afterEach.run();
            client.committed(position);
        }

        /** Runs a workload and makes it durable: first by a sync, then by a commit. */
        void perform(List<Action> workload) throws Refused {
            for (Action action : workload) {
                action.doing.on(this);
                afterEach.run();
            }
            sync(scenario.b);
            afterEach.run();
            commit();
        }
    }

    static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        RandomGenerator random = new SplittableRandom(seed);
        random.nextBytes(bytes);
        return bytes;
    }

    private static long made(@Nullable Long inode) {
        if (inode == null) {
            throw new IllegalStateException("the scenario cannot be made");
        }
        return inode;
    }

    private static final class Strict implements Client.Tolerance {
        @Override
        public void outOfSpace(Client client, Errno errno, String operation) {
            throw new SimulationFailure(operation + " answers " + errno + " on a nearly empty pool");
        }

        @Override
        public boolean mayBeDamaged() {
            return false;
        }
    }
}
