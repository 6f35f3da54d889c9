package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.sim.ModelOperation.Data;
import io.dynamicfs.engine.syscall.Errno;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A stand-in for the storage engine that is right by being simple, and wrong in one chosen way: it shows that the simulator
 * accepts the one and catches the other. The whole state and a journal of operations are mirrored on every disk.
 *
 * <p>A disk: two header blocks, used in turn; then two areas, used in turn, each with a snapshot of the state and the
 * journal of the operations that followed it.
 */
final class ToyEngine implements Subject {
    /** What it does wrong. */
    enum Bug {
        NONE,
        /** Answers syncs before the disks have flushed. */
        ACKNOWLEDGES_UNFLUSHED,
        /** Publishes a commit whose content is not flushed yet. */
        PUBLISHES_UNFLUSHED,
        /** Ignores the survivor memory. */
        FORGETS_SURVIVOR,
        /** A sync carries all names, and the data of its own file only: wrong where a rename exposes other data. */
        RENAMES_WITHOUT_DATA,
        /** A sync carries the last write of its file and not those before. */
        SKIPS_WRITES,
        /** Recovery forgets that names were removed. */
        RESURRECTS_NAMES,
        /** Believes what a disk answers. */
        TRUSTS_DISKS,
        /** Reads answer one wrong byte at times. */
        TURNS_BYTES,
        /** Refuses with the wrong error. */
        WRONG_ERROR,
        /** Never gives space back. */
        LEAKS_SPACE,
        /** Gives the inode number of a living file to a new one. */
        REUSES_INODES,
        /** Opens on any disk there is, however old. */
        OPENS_OLDEST
    }

    static Factory factory(Bug bug) {
        return new Factory() {
            @Override
            public Subject create(Surroundings surroundings, Redundancy redundancy) throws Refused {
                ToyEngine engine = new ToyEngine(surroundings, bug);
                engine.commit();
                return engine;
            }

            @Override
            public Subject open(Surroundings surroundings, boolean degraded) throws Refused {
                ToyEngine engine = new ToyEngine(surroundings, bug);
                engine.recover();
                engine.commit();
                return engine;
            }
        };
    }

    private record Logged(long sequence, String volume, ModelOperation operation) implements Serializable {}

    /** Everything after the operations up to {@code sequence}. */
    private record State(long sequence, TreeMap<String, ModelState> volumes) implements Serializable {}

    private record Waiting(String volume, long inode, PosixVolume.SyncListener listener) {}

    private record Header(long generation, long snapshotBytes, int snapshotCrc) {}

    private static final int BLOCK = BlockDevice.BLOCK_BYTES;
    private static final long MAGIC = 0x544f59454e47494eL;
    private static final int RECORD_HEADER_BYTES = 32;
    private static final int SURVIVOR_HEADER_BYTES = 8;

    private final Surroundings surroundings;
    private final Bug bug;
    private final Arena arena = Arena.ofAuto();
    private final Set<BlockDevice> failed = new HashSet<>();
    private final TreeMap<String, Volume> volumes = new TreeMap<>();
    private final List<Logged> unjournaled = new ArrayList<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private long generation;
    private long journalOffset;
    private long journalSequence;
    private long sequence;
    private @Nullable Commit running;

    private ToyEngine(Surroundings surroundings, Bug bug) {
        this.surroundings = surroundings;
        this.bug = bug;
    }

    // ---- the pool

    @Override
    public void createVolume(String name, long quotaBytes, long quotaInodes, @Nullable Redundancy redundancy)
            throws Refused {
        volumes.put(name, new Volume(name, ModelState.fresh(surroundings.clock().nanos())));
        commit();
    }

    @Override
    public void deleteVolume(String name) throws Refused {
        volumes.remove(name);
        unjournaled.removeIf(logged -> logged.volume.equals(name));
        commit();
    }

    @Override
    public Set<String> volumes() {
        return volumes.keySet();
    }

    @Override
    public PosixVolume volume(String name) throws Refused {
        Volume volume = volumes.get(name);
        if (volume == null) {
            throw new Refused("no volume " + name);
        }
        return volume;
    }

    @Override
    public boolean needsCommit() {
        return survivorUsed() > surroundings.survivor().byteSize() / 2;
    }

    @Override
    public boolean hasWaitingSyncs() {
        return !waiting.isEmpty();
    }

    @Override
    public List<String> check() {
        return List.of();
    }

    @Override
    public void close() throws Refused {
        commit();
    }

    @Override
    public void commit() throws Refused {
        if (running != null) {
            finish(running);
        }
        finish(beginCommit());
    }

    private static void finish(Steps steps) throws Refused {
        boolean more = true;
        while (more) {
            more = steps.step();
        }
    }

    @Override
    public Steps beginCommit() {
        Commit commit = new Commit();
        running = commit;
        return commit;
    }

    private final class Commit implements Steps {
        private int at;
        private byte[] snapshot = new byte[0];
        private List<Waiting> served = List.of();
        private List<Logged> since = List.of();

        @Override
        public boolean step() throws Refused {
            switch (at++) {
                case 0 -> {
                    snapshot = snapshot();
                    served = List.copyOf(waiting);
                    since = new ArrayList<>(unjournaled);
                    everywhere(disk -> writeBytes(disk, areaOffset(disk, generation + 1), snapshot));
                }
                case 1 -> {
                    if (bug != Bug.PUBLISHES_UNFLUSHED) {
                        everywhere(BlockDevice::flush);
                    }
                }
                case 2 -> {
                    Header header = new Header(generation + 1, snapshot.length, crc(snapshot));
                    everywhere(disk -> writeBytes(disk, (generation + 1) % 2 * BLOCK, encode(header)));
                }
                case 3 -> {
                    if (bug != Bug.PUBLISHES_UNFLUSHED) {
                        everywhere(BlockDevice::flush);
                    }
                    publish();
                }
                default -> {
                    return false;
                }
            }
            return true;
        }

        private void publish() {
            running = null;
            generation++;
            journalOffset = roundUp(snapshot.length);
            journalSequence = 0;
            unjournaled.removeAll(since);
            resetSurvivor();
            waiting.removeAll(served);
            served.forEach(sync -> sync.listener.done(null));
        }
    }

    @Override
    public void serveSyncs() throws Refused {
        List<Logged> carried = new ArrayList<>();
        Set<Long> synced = new HashSet<>();
        waiting.forEach(sync -> synced.add(sync.inode));
        for (int i = 0; i < unjournaled.size(); i++) {
            if (isCarried(i, synced)) {
                carried.add(unjournaled.get(i));
            }
        }
        if (!carried.isEmpty()) {
            byte[] record = record(serialize(new ArrayList<>(carried)));
            if (journalOffset + record.length > areaBytes() / 2) {
                commit();
                return;
            }
            everywhere(disk -> {
                writeBytes(disk, areaOffset(disk, generation) + journalOffset, record);
                if (bug != Bug.ACKNOWLEDGES_UNFLUSHED) {
                    disk.flush();
                }
            });
            journalOffset += roundUp(record.length);
            journalSequence++;
            unjournaled.removeAll(carried);
        }
        List<Waiting> served = List.copyOf(waiting);
        waiting.clear();
        served.forEach(sync -> sync.listener.done(null));
    }

    private boolean isCarried(int index, Set<Long> synced) {
        Logged logged = unjournaled.get(index);
        if (logged.operation instanceof Data data) {
            boolean last = unjournaled.subList(index + 1, unjournaled.size()).stream()
                    .noneMatch(later -> later.operation instanceof Data laterData && laterData.inode() == data.inode());
            return switch (bug) {
                case RENAMES_WITHOUT_DATA -> synced.contains(data.inode());
                case SKIPS_WRITES -> last;
                default -> true;
            };
        }
        return true;
    }

    // ---- recovery

    private void recover() throws Refused {
        Header best = null;
        byte[] found = null;
        for (BlockDevice disk : surroundings.disks()) {
            for (int slot = 0; slot < 2; slot++) {
                Header header = readHeader(disk, slot);
                if (header == null || header.snapshotBytes > areaBytes()) {
                    continue;
                }
                boolean better = best == null
                        || (bug == Bug.OPENS_OLDEST && slot == 0
                                ? header.generation < best.generation
                                : header.generation > best.generation);
                byte[] bytes =
                        better ? readBytes(disk, areaOffset(disk, header.generation), header.snapshotBytes) : null;
                if (bytes != null && (bug == Bug.TRUSTS_DISKS || crc(bytes) == header.snapshotCrc)) {
                    best = header;
                    found = bytes;
                }
            }
        }
        if (best == null || found == null) {
            throw new Refused("no disk holds a valid state");
        }
        restore(best, found);
        TreeMap<Long, Logged> operations = new TreeMap<>();
        journal().forEach(logged -> operations.put(logged.sequence, logged));
        if (bug != Bug.FORGETS_SURVIVOR) {
            survivors().forEach(logged -> operations.put(logged.sequence, logged));
        }
        operations.tailMap(sequence, false).values().forEach(this::replay);
        sequence = operations.isEmpty() ? sequence : Math.max(sequence, operations.lastKey());
        volumes.values().forEach(volume -> volume.reset(volume.state(), false));
    }

    private void restore(Header header, byte[] snapshot) {
        generation = header.generation;
        journalOffset = roundUp(snapshot.length);
        State state = (State) deserialize(snapshot);
        sequence = state.sequence;
        state.volumes.forEach((name, volume) -> volumes.put(name, new Volume(name, volume)));
    }

    private void replay(Logged logged) {
        Volume volume = volumes.get(logged.volume);
        boolean isRemoval = logged.operation instanceof ModelOperation.Unlink;
        if (volume != null && !(bug == Bug.RESURRECTS_NAMES && isRemoval)) {
            volume.state().apply(logged.operation);
        }
    }

    private List<Logged> survivors() {
        MemorySegment survivor = surroundings.survivor();
        List<Logged> found = new ArrayList<>();
        long at = SURVIVOR_HEADER_BYTES;
        while (at < SURVIVOR_HEADER_BYTES + survivorUsed()) {
            int length = survivor.get(ValueLayout.JAVA_INT_UNALIGNED, at);
            found.add((Logged) deserialize(survivor.asSlice(at + 4, length).toArray(ValueLayout.JAVA_BYTE)));
            at += 4 + length;
        }
        return found;
    }

    @SuppressWarnings("unchecked")
    private List<Logged> journal() {
        List<Logged> found = new ArrayList<>();
        byte[] payload = nextRecord();
        while (payload != null) {
            found.addAll((List<Logged>) deserialize(payload));
            journalOffset += roundUp(RECORD_HEADER_BYTES + payload.length);
            journalSequence++;
            payload = nextRecord();
        }
        return found;
    }

    private byte @Nullable [] nextRecord() {
        for (BlockDevice disk : surroundings.disks()) {
            long offset = areaOffset(disk, generation) + journalOffset;
            byte[] header = readBytes(disk, offset, RECORD_HEADER_BYTES);
            if (header == null) {
                continue;
            }
            ByteBuffer buffer = ByteBuffer.wrap(header);
            boolean right =
                    buffer.getLong() == MAGIC && buffer.getLong() == generation && buffer.getLong() == journalSequence;
            int length = buffer.getInt();
            int crc = buffer.getInt();
            if (!right || length < 0 || length > areaBytes()) {
                continue;
            }
            byte[] whole = readBytes(disk, offset, RECORD_HEADER_BYTES + length);
            if (whole == null) {
                continue;
            }
            byte[] payload = Arrays.copyOfRange(whole, RECORD_HEADER_BYTES, whole.length);
            if (crc(payload) == crc || bug == Bug.TRUSTS_DISKS) {
                return payload;
            }
        }
        return null;
    }

    // ---- one volume

    private final class Volume extends Model {
        private final String name;

        Volume(String name, ModelState state) {
            super(surroundings.clock(), state, (operation, content) -> log(new Logged(++sequence, name, operation)));
            this.name = name;
        }

        @Override
        long newInode() {
            return bug == Bug.REUSES_INODES && state().count() % 8 == 7 ? state().maxInode() : super.newInode();
        }

        @Override
        public void sync(long inode, boolean dataOnly, SyncListener listener) {
            waiting.add(new Waiting(name, inode, listener));
        }

        @Override
        public int read(long inode, long offset, MemorySegment target) throws FsException {
            int count = super.read(inode, offset, target);
            if (bug == Bug.TURNS_BYTES && count > 100_000) {
                target.set(ValueLayout.JAVA_BYTE, 99_999, (byte) ~target.get(ValueLayout.JAVA_BYTE, 99_999));
            }
            return count;
        }

        @Override
        public void removeDirectory(long directory, byte[] entry) throws FsException {
            try {
                super.removeDirectory(directory, entry);
            } catch (FsException refusal) {
                boolean wrong = bug == Bug.WRONG_ERROR && refusal.errno() == Errno.ENOTEMPTY;
                throw wrong ? new FsException(Errno.EEXIST) : refusal;
            }
        }

        @Override
        public VolumeStatistics statistics() {
            long leaked = bug == Bug.LEAKS_SPACE ? sequence << 16 : 0;
            long total = areaBytes();
            return new VolumeStatistics(total, Math.max(0, total - leaked), 1_000_000, 1_000_000);
        }
    }

    private void log(Logged logged) {
        byte[] bytes = serialize(logged);
        MemorySegment survivor = surroundings.survivor();
        long at = SURVIVOR_HEADER_BYTES + survivorUsed();
        unjournaled.add(logged);
        if (at + 4 + bytes.length > survivor.byteSize()) {
            try {
                commit();
            } catch (Refused refusal) {
                throw new IllegalStateException(refusal);
            }
            return;
        }
        survivor.set(ValueLayout.JAVA_INT_UNALIGNED, at, bytes.length);
        MemorySegment.copy(bytes, 0, survivor, ValueLayout.JAVA_BYTE, at + 4, bytes.length);
        survivor.set(ValueLayout.JAVA_LONG, 0, survivorUsed() + 4 + bytes.length);
    }

    private long survivorUsed() {
        return surroundings.survivor().get(ValueLayout.JAVA_LONG, 0);
    }

    /** The memory holds what the new generation does not. */
    private void resetSurvivor() {
        MemorySegment survivor = surroundings.survivor();
        survivor.set(ValueLayout.JAVA_LONG, 0, 0);
        List<Logged> kept = List.copyOf(unjournaled);
        unjournaled.clear();
        kept.forEach(this::log);
    }

    // ---- bytes

    private interface DiskAction {
        void run(BlockDevice disk) throws DeviceException;
    }

    private void everywhere(DiskAction action) throws Refused {
        List<BlockDevice> disks = surroundings.disks().stream()
                .filter(disk -> !failed.contains(disk))
                .toList();
        List<IoRunner.Task> tasks = new ArrayList<>();
        disks.forEach(disk -> tasks.add(new IoRunner.Task(0, () -> action.run(disk))));
        List<@Nullable DeviceException> results = surroundings.io().runAll(tasks);
        for (int i = 0; i < disks.size(); i++) {
            if (results.get(i) != null) {
                failed.add(disks.get(i));
            }
        }
        if (failed.size() == surroundings.disks().size()) {
            throw new Refused("no disk is left");
        }
    }

    private long areaBytes() {
        long smallest = surroundings.disks().stream()
                .mapToLong(BlockDevice::sizeBytes)
                .min()
                .orElse(0);
        return (smallest - 2L * BLOCK) / 2 / BLOCK * BLOCK;
    }

    private static long areaOffset(BlockDevice disk, long generation) {
        long area = (disk.sizeBytes() - 2L * BLOCK) / 2 / BLOCK * BLOCK;
        return 2L * BLOCK + generation % 2 * area;
    }

    private byte[] snapshot() {
        TreeMap<String, ModelState> states = new TreeMap<>();
        volumes.forEach((name, volume) -> states.put(name, volume.state()));
        return serialize(new State(sequence, states));
    }

    private byte[] record(byte[] payload) {
        return ByteBuffer.allocate(RECORD_HEADER_BYTES + payload.length)
                .putLong(MAGIC)
                .putLong(generation)
                .putLong(journalSequence)
                .putInt(payload.length)
                .putInt(crc(payload))
                .put(payload)
                .array();
    }

    private static byte[] encode(Header header) {
        ByteBuffer buffer = ByteBuffer.allocate(BLOCK)
                .putLong(MAGIC)
                .putLong(header.generation)
                .putLong(header.snapshotBytes)
                .putInt(header.snapshotCrc);
        buffer.putInt(28, crc(Arrays.copyOf(buffer.array(), 28)));
        return buffer.array();
    }

    private @Nullable Header readHeader(BlockDevice disk, int slot) {
        byte[] block = readBytes(disk, (long) slot * BLOCK, BLOCK);
        if (block == null) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(block);
        boolean valid = buffer.getLong(0) == MAGIC && crc(Arrays.copyOf(block, 28)) == buffer.getInt(28);
        return valid ? new Header(buffer.getLong(8), buffer.getLong(16), buffer.getInt(24)) : null;
    }

    private void writeBytes(BlockDevice disk, long offset, byte[] bytes) throws DeviceException {
        MemorySegment memory = arena.allocate(roundUp(bytes.length), BLOCK);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        disk.write(offset, memory);
    }

    private byte @Nullable [] readBytes(BlockDevice disk, long offset, long length) {
        MemorySegment memory = arena.allocate(Math.max(BLOCK, roundUp(length)), BLOCK);
        if (offset + memory.byteSize() > disk.sizeBytes()) {
            return null;
        }
        try {
            disk.read(offset, memory);
            return memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        } catch (DeviceException failure) {
            return null;
        }
    }

    private static long roundUp(long length) {
        return (length + BLOCK - 1) / BLOCK * BLOCK;
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static byte[] serialize(Object value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static Object deserialize(byte[] bytes) {
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
            return in.readObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }
}
