package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Writes pieces to their disks side by side, makes them durable, and proves it by reading them back. */
public final class FragmentWriter {
    private static final int READ_BACK_BYTES = 1 << 20;

    /** Where a piece goes and its bytes, whole blocks. */
    public record Piece(BlockAddress place, MemorySegment bytes) {}

    /** What went wrong on a disk: it failed, or it gave back something else than was written. */
    public record Failure(int disk, boolean mismatch, String reason) {}

    private final DiskSet disks;
    private final IoRunner io;

    /** Each I/O thread reads back into memory of its own. */
    private final ThreadLocal<MemorySegment> readBack =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(READ_BACK_BYTES, 4096));

    public FragmentWriter(DiskSet disks, IoRunner io) {
        this.disks = disks;
        this.io = io;
    }

    /** Writes, flushes and (with {@code verify}) compares; returns the first failure of each disk that had one. */
    public List<Failure> write(List<Piece> pieces, boolean verify) {
        return write(pieces, verify, List.of());
    }

    /** As above; {@code beside} is done while the disks write and read. */
    public List<Failure> write(List<Piece> pieces, boolean verify, List<IoRunner.Task> beside) {
        Map<Integer, Failure> failures = new HashMap<>();
        int besideWriting = verify ? beside.size() / 2 : beside.size();
        runOnPieces(
                pieces,
                failures,
                beside.subList(0, besideWriting),
                (disk, piece) -> disk.write(piece.place().offsetBytes(), piece.bytes()));
        Set<Integer> touched = new TreeSet<>();
        pieces.forEach(piece -> touched.add(piece.place().disk()));
        flush(touched, failures);
        if (verify) {
            runOnPieces(pieces, failures, beside.subList(besideWriting, beside.size()), this::compare);
        }
        return List.copyOf(failures.values());
    }

    /** Flushes the disks; returns the failures. */
    public List<Failure> flush(Set<Integer> diskIndexes) {
        Map<Integer, Failure> failures = new HashMap<>();
        flush(diskIndexes, failures);
        return List.copyOf(failures.values());
    }

    private void flush(Set<Integer> diskIndexes, Map<Integer, Failure> failures) {
        List<PoolDisk> targets = new ArrayList<>();
        List<IoRunner.Task> tasks = new ArrayList<>();
        for (int index : diskIndexes) {
            if (!failures.containsKey(index)) {
                PoolDisk disk = disks.get(index);
                targets.add(disk);
                tasks.add(new IoRunner.Task(index, disk::flush));
            }
        }
        List<@Nullable DeviceException> results = io.runAll(tasks);
        for (int i = 0; i < results.size(); i++) {
            DeviceException failure = results.get(i);
            if (failure != null) {
                failures.put(
                        targets.get(i).index(),
                        new Failure(targets.get(i).index(), false, String.valueOf(failure.getMessage())));
            }
        }
    }

    private interface PieceAction {
        void run(PoolDisk disk, Piece piece) throws DeviceException;
    }

    private void runOnPieces(
            List<Piece> pieces, Map<Integer, Failure> failures, List<IoRunner.Task> beside, PieceAction action) {
        List<Piece> targets = new ArrayList<>(pieces.size());
        List<IoRunner.Task> tasks = new ArrayList<>(pieces.size() + beside.size());
        for (Piece piece : pieces) {
            if (!failures.containsKey(piece.place().disk())) {
                PoolDisk disk = disks.get(piece.place().disk());
                targets.add(piece);
                tasks.add(new IoRunner.Task(disk.index(), () -> action.run(disk, piece)));
            }
        }
        tasks.addAll(beside);
        List<@Nullable DeviceException> results = io.runAll(tasks);
        for (int i = 0; i < targets.size(); i++) {
            DeviceException failure = results.get(i);
            if (failure != null) {
                int index = targets.get(i).place().disk();
                failures.putIfAbsent(
                        index,
                        new Failure(index, failure instanceof ReadBackMismatch, String.valueOf(failure.getMessage())));
            }
        }
    }

    private void compare(PoolDisk disk, Piece piece) throws DeviceException {
        MemorySegment scratch = readBack.get();
        for (long at = 0; at < piece.bytes().byteSize(); at += READ_BACK_BYTES) {
            long length = Math.min(READ_BACK_BYTES, piece.bytes().byteSize() - at);
            MemorySegment found = scratch.asSlice(0, length);
            long offset = piece.place().offsetBytes() + at;
            disk.read(offset, found);
            long mismatch = found.mismatch(piece.bytes().asSlice(at, length));
            if (mismatch >= 0) {
                disk.countChecksumError();
                throw new ReadBackMismatch(disk.name(), offset + mismatch);
            }
        }
    }

    private static final class ReadBackMismatch extends DeviceException {
        private static final long serialVersionUID = 1L;

        ReadBackMismatch(String device, long offset) {
            super(device, "read-back", offset, "it gave back other bytes than were written");
        }
    }
}
