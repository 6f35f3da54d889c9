package io.dynamicfs.engine.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.commit.EngineContext;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.SurvivorMemory;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.Redundancy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Disks and a survivor memory for pools of one test, with the two deaths: of the process and of the machine. */
final class PoolBed {
    static final PosixVolume.Owner ROOT = new PosixVolume.Owner(0, 0);
    private static final long SURVIVOR_BYTES = 32L << 20;

    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private SurvivorMemory survivor = newSurvivor();
    private final long seed;
    private final EngineContext context;

    PoolBed(int disks, long diskBytes) {
        this(1);
        for (int i = 0; i < disks; i++) {
            this.disks.add(new MemoryBlockDevice("disk" + i, diskBytes));
        }
    }

    private PoolBed(long seed) {
        this.seed = seed;
        this.context =
                new EngineContext(() -> Instant.ofEpochSecond(1_700_000_000), new Random(seed), PoolBed::runInline);
    }

    private PoolBed(PoolBed before) {
        this(before.seed + 1);
        for (MemoryBlockDevice original : before.disks) {
            MemoryBlockDevice copy = new MemoryBlockDevice(original.name(), original.sizeBytes());
            copy.bytes().copyFrom(original.bytes());
            disks.add(copy);
        }
    }

    private static SurvivorMemory newSurvivor() {
        return new SurvivorMemory(Arena.ofAuto().allocate(SURVIVOR_BYTES, 4096));
    }

    static List<@Nullable DeviceException> runInline(List<IoRunner.Task> tasks) {
        List<@Nullable DeviceException> results = new ArrayList<>();
        for (IoRunner.Task task : tasks) {
            try {
                task.action().run();
                results.add(null);
            } catch (DeviceException e) {
                results.add(e);
            }
        }
        return results;
    }

    EngineContext context() {
        return context;
    }

    List<MemoryBlockDevice> disks() {
        return disks;
    }

    SurvivorMemory survivor() {
        return survivor;
    }

    StoragePool create(String redundancy) throws PoolException {
        return create(redundancy, disks);
    }

    StoragePool create(String redundancy, List<? extends BlockDevice> devices) throws PoolException {
        return StoragePool.create(context, devices, new PoolSpec("tank", Redundancy.parse(redundancy), true), survivor);
    }

    /** What a successor finds: the same disks and the same memory. */
    StoragePool reopen() throws PoolException {
        return StoragePool.open(context, disks, OpenOptions.DEFAULT, survivor);
    }

    /** The machine's power is cut now: copies of the disks as they are, and an empty survivor memory. */
    PoolBed afterPowerCut() {
        return new PoolBed(this);
    }

    /** Damages every block that holds these bytes, whole blocks of them; returns how many there are. */
    int damage(byte[] blocks) {
        int found = 0;
        MemorySegment wanted = MemorySegment.ofArray(blocks);
        for (MemoryBlockDevice disk : disks) {
            for (long at = 0; at + blocks.length <= disk.sizeBytes(); at += BlockDevice.BLOCK_BYTES) {
                MemorySegment place = disk.bytes().asSlice(at, blocks.length);
                if (place.mismatch(wanted) < 0) {
                    place.fill((byte) 0x55);
                    found++;
                }
            }
        }
        return found;
    }

    static byte[] name(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static long makeFile(Volume volume, String name) throws FsException {
        return volume.make(PosixVolume.ROOT_INODE, name(name), Inode.REGULAR | 0644, 0, ROOT)
                .inode();
    }

    static byte[] random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    static void write(Volume volume, long inode, long offset, byte[] data) throws FsException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(data.length, 8);
            MemorySegment.copy(data, 0, source, ValueLayout.JAVA_BYTE, 0, data.length);
            volume.write(inode, offset, source);
        }
    }

    static byte[] read(Volume volume, long inode, long offset, int length) throws FsException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(Math.max(length, 1), 8);
            int count = volume.read(inode, offset, target.asSlice(0, length));
            return target.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    static byte[] read(Volume volume, String name) throws FsException {
        Attributes file = volume.lookup(PosixVolume.ROOT_INODE, name(name));
        volume.forget(file.inode(), 1);
        return read(volume, file.inode(), 0, (int) file.size());
    }

    static void truncate(Volume volume, long inode, long size) throws FsException {
        volume.setAttributes(inode, new AttributeChange(null, null, null, size, null, null));
    }

    /** Asks for a sync, has it served, and returns why it failed, or null. */
    static @Nullable FsException sync(StoragePool pool, Volume volume, long inode) {
        List<@Nullable FsException> answers = new ArrayList<>();
        volume.sync(inode, false, answers::add);
        pool.serveSyncs();
        assertThat(answers).hasSize(1);
        return answers.getFirst();
    }

    static List<String> findings(StoragePool pool) {
        return pool.check(new CheckOptions(true), (step, done, total) -> {}).findings().stream()
                .map(CheckReport.Finding::toString)
                .toList();
    }
}
