package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.sim.SimDisk.Loss;
import io.dynamicfs.engine.sim.Subject.Surroundings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** What an engine runs on and what outlives it: disks, a clock, and the survivor memory. */
final class Machine {
    /** The two deaths. A machine takes caches and survivor memory with it, a process neither. */
    enum Death {
        MACHINE,
        PROCESS
    }

    final SimClock clock = new SimClock();
    final IoTrigger trigger = new IoTrigger();
    final List<SimDisk> disks = new ArrayList<>();
    final MemorySegment survivor;
    private final Arena arena;
    private @Nullable MemorySegment frozen;
    private final SplittableRandom random;
    private boolean isFrozen;

    /** Memory is taken from {@code arena}. */
    Machine(Arena arena, List<Long> diskBytes, long survivorBytes, long seed) {
        this.random = new SplittableRandom(seed);
        this.arena = arena;
        this.survivor = ZeroMemory.allocate(arena, survivorBytes);
        for (int i = 0; i < diskBytes.size(); i++) {
            disks.add(new SimDisk("disk" + i, diskBytes.get(i), trigger, random.nextLong()));
        }
        trigger.onCut(this::freeze);
    }

    private Machine(Machine other, Arena arena, MemorySegment survivor, long seed) {
        this.random = new SplittableRandom(seed);
        this.arena = arena;
        this.survivor = survivor;
        for (SimDisk disk : other.disks) {
            disks.add(disk.fork(trigger, random.nextLong()));
        }
        clock.set(other.clock);
        trigger.onCut(this::freeze);
    }

    /** What is left of this machine when it dies at this moment, while it goes on living. */
    Machine forkAfterPowerCut(Arena target, Loss loss, long seed) {
        Machine fork = new Machine(this, target, ZeroMemory.allocate(target, survivor.byteSize()), seed);
        fork.disks.forEach(disk -> disk.powerCut(loss));
        return fork;
    }

    /** What a process leaves that dies at this moment. The fork's survivor memory is {@code memory}. */
    Machine forkAfterKill(Arena target, MemorySegment memory, long seed) {
        memory.copyFrom(survivor);
        return new Machine(this, target, memory, seed);
    }

    /** Surroundings for a new engine on the disks that are there. */
    Surroundings surroundings(List<SimDisk> present) {
        List<BlockDevice> devices = new ArrayList<>();
        for (int i = 0; i < present.size(); i++) {
            devices.add(random.nextInt(i + 1), present.get(i));
        }
        return new Surroundings(clock, random.split(), new SimIoRunner(random.split()), devices, survivor);
    }

    /** The engine, wherever it is, never does anything again. What is left is ready for the next one. */
    void die(Death death, Loss loss) {
        trigger.kill();
        if (death == Death.MACHINE) {
            disks.forEach(disk -> disk.powerCut(loss));
            survivor.fill((byte) 0);
        } else if (frozen != null && isFrozen) {
            survivor.copyFrom(frozen);
        }
        isFrozen = false;
        disks.forEach(SimDisk::reopen);
        trigger.revive();
    }

    /** What a dying engine does to the memory while its exceptions unwind did not happen. */
    private void freeze() {
        MemorySegment copy = frozen == null ? ZeroMemory.allocate(arena, survivor.byteSize()) : frozen;
        copy.copyFrom(survivor);
        frozen = copy;
        isFrozen = true;
    }
}
