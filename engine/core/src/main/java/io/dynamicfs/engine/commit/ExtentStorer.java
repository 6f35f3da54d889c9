package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.extent.BatchArena;
import io.dynamicfs.engine.extent.EncodedExtent;
import io.dynamicfs.engine.extent.ExtentGeometry;
import io.dynamicfs.engine.extent.ExtentPlacement;
import io.dynamicfs.engine.extent.FragmentWriter;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes extents of file bytes, a batch at a time: reserve, hash and encode, write, flush, read back. While the disks write a batch
 * the next one is hashed and encoded. What met a failing disk is done again on the others.
 */
final class ExtentStorer {
    /** User bytes that are written, flushed and read back at once. */
    private static final long BATCH_BYTES = 16L << 20;

    /** Takes an extent that is durable and verified, with its whole checksum area. */
    interface Sink {
        void stored(EncodedExtent extent, CommitContent.Piece piece, long id, List<BlockAddress> places);
    }

    private final PoolStore store;
    private final Sink sink;
    private final Deque<CommitContent.Piece> waiting = new ArrayDeque<>();
    private @Nullable Batch encoded;
    private boolean incomplete;

    ExtentStorer(PoolStore store, Sink sink) {
        this.store = store;
        this.sink = sink;
    }

    void add(Collection<? extends CommitContent.Piece> pieces) {
        waiting.addAll(pieces);
    }

    /** Whether a piece was left out because no disk had room for it. */
    boolean isIncomplete() {
        return incomplete;
    }

    /** Stores the next batch; false when there is no other. */
    boolean step() {
        Batch batch = encoded;
        if (batch == null) {
            batch = new Batch(store.dataArenas().getFirst());
            batch.place(nextPieces());
            batch.encode();
        }
        Batch following = null;
        if (!waiting.isEmpty()) {
            following = new Batch(store.dataArenas().get(1 - store.dataArenas().indexOf(batch.arena)));
            following.place(nextPieces());
        }
        batch.write(following == null ? List.of() : following.encoding());
        encoded = following;
        return encoded != null;
    }

    private List<CommitContent.Piece> nextPieces() {
        List<CommitContent.Piece> pieces = new ArrayList<>();
        long bytes = 0;
        while (!waiting.isEmpty() && (bytes == 0 || bytes + waiting.getFirst().length() <= BATCH_BYTES)) {
            bytes += waiting.getFirst().length();
            pieces.add(waiting.removeFirst());
        }
        return pieces;
    }

    /** A piece with its place, and its bytes before and after they are encoded. */
    private static final class Placed {
        private final CommitContent.Piece piece;
        private final long id;
        private final ExtentGeometry geometry;
        private final List<BlockAddress> places;
        private final MemorySegment buffer;
        private @Nullable EncodedExtent extent;

        Placed(
                CommitContent.Piece piece,
                long id,
                ExtentGeometry geometry,
                List<BlockAddress> places,
                MemorySegment buffer) {
            this.piece = piece;
            this.id = id;
            this.geometry = geometry;
            this.places = places;
            this.buffer = buffer;
        }

        void encode() {
            extent = EncodedExtent.encode(buffer, geometry.length(), geometry.redundancy());
        }

        EncodedExtent extent() {
            if (extent == null) {
                throw new IllegalStateException("extent " + id + " is not encoded");
            }
            return extent;
        }

        boolean isOnOneOf(Set<Integer> disks) {
            return places.stream().anyMatch(place -> disks.contains(place.disk()));
        }

        void addFragments(List<FragmentWriter.Piece> fragments) {
            for (int i = 0; i < places.size(); i++) {
                if (!places.get(i).equals(ExtentRecord.NOT_STORED)) {
                    fragments.add(new FragmentWriter.Piece(
                            places.get(i), extent().fragments().get(i)));
                }
            }
        }
    }

    private final class Batch {
        private final BatchArena arena;
        private final List<Placed> members = new ArrayList<>();

        Batch(BatchArena arena) {
            this.arena = arena;
            arena.reset();
        }

        void place(List<? extends CommitContent.Piece> pieces) {
            pieces.forEach(this::place);
        }

        private void place(CommitContent.Piece piece) {
            if (!piece.isWanted()) {
                return;
            }
            Redundancy wanted = store.extentRedundancy(piece.redundancy(), piece.length());
            Redundancy redundancy =
                    ExtentPlacement.achievable(wanted, store.disks().writable().size());
            ExtentGeometry geometry = new ExtentGeometry(piece.length(), redundancy);
            long id = store.takeExtentId();
            List<BlockAddress> places = geometry.storedBlocks(0) > store.pieceBlocksMax(redundancy.fragments())
                    ? null
                    : store.placement()
                            .place(id, geometry, store::dataReserveBlocks)
                            .orElse(null);
            if (places == null) {
                replace(piece, piece.halves(), "the disks have no room for it as " + redundancy);
                return;
            }
            MemorySegment buffer = arena.allocate(EncodedExtent.bufferBytes(piece.length(), redundancy));
            try {
                piece.copyTo(buffer.asSlice(0, piece.length()));
            } catch (LostDataException e) {
                store.placement().release(geometry, places);
                replace(piece, piece.withoutOlderBytes(), String.valueOf(e.getMessage()));
                return;
            }
            members.add(new Placed(piece, id, geometry, places, buffer));
        }

        private void replace(CommitContent.Piece piece, List<? extends CommitContent.Piece> others, String reason) {
            if (others.isEmpty()) {
                leaveOut(piece, reason);
            }
            place(others);
        }

        List<IoRunner.Task> encoding() {
            return members.stream()
                    .map(member -> new IoRunner.Task(IoRunner.COMPUTING, member::encode))
                    .toList();
        }

        void encode() {
            store.context().io().runAll(encoding());
        }

        /** Writes and records the members; {@code beside} is done while the disks write. */
        void write(List<IoRunner.Task> beside) {
            List<IoRunner.Task> others = beside;
            do {
                List<FragmentWriter.Piece> fragments = new ArrayList<>();
                members.forEach(member -> member.addFragments(fragments));
                Set<Integer> failed = store.markFailures(store.writer().write(fragments, store.verifyWrites(), others));
                others = List.of();
                List<CommitContent.Piece> left = new ArrayList<>();
                for (Placed member : members) {
                    if (member.isOnOneOf(failed)) {
                        store.placement().release(member.geometry, member.places);
                        left.add(member.piece);
                    } else {
                        store.countWritten(member.geometry.length());
                        sink.stored(member.extent(), member.piece, member.id, member.places);
                        member.piece.stored(member.id);
                    }
                }
                members.clear();
                arena.reset();
                place(left);
                encode();
            } while (!members.isEmpty());
        }
    }

    private void leaveOut(CommitContent.Piece piece, String reason) {
        store.logger()
                .warn(
                        "commit left a file out: volume={} inode={} reason=\"{}\"",
                        piece.volume(),
                        piece.inode(),
                        reason);
        incomplete = true;
        piece.notStored();
    }
}
