package io.dynamicfs.engine.commit;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.BatchArena;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.Structure;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The intent log: what a sync promises before the next commit makes it part of a root. A fixed region on each of its disks, all
 * with the same content; one append is one write and one flush on each, side by side. Positions count blocks and are
 * monotonic; a record never wraps.
 *
 * <p>A record is its header, the payload, and zeros to a whole block. A record is acknowledged when every copy holds it. An unreadable record that is followed by records of the same incarnation,
 * or that a later one calls acknowledged, is damage; only what lies behind the last record is a torn end. For one thread.
 */
final class IntentLog {
    static final String MAGIC_TEXT = "DNFSLOG1";

    static final Structure HEADER = new Structure("Intent log record");
    private static final int MAGIC_AT = HEADER.field("magic", 8).offset();
    private static final int INCARNATION_AT = HEADER.field("incarnation", 8).offset();
    private static final int SEQUENCE_AT = HEADER.field("sequence", 8).offset();
    private static final int ACKNOWLEDGED_AT =
            HEADER.field("acknowledged through", 8).offset();
    private static final int PAYLOAD_BYTES_AT =
            HEADER.field("payload length", 4).offset();
    private static final int BLOCKS_AT = HEADER.field("blocks", 4).offset();
    private static final int POSITION_AT = HEADER.field("position", 8).offset();
    private static final int PAYLOAD_DIGEST_AT =
            HEADER.field("payload digest", Digest.BYTES).offset();
    private static final int DIGEST_AT = HEADER.field("digest", Digest.BYTES).offset();

    static final int HEADER_BYTES = HEADER.reserveUntil(128).bytes();

    private static final long MAGIC = 0x31474f4c53464e44L;
    private static final int BLOCK = DiskGeometry.BLOCK_BYTES;

    /** The log is looked through in pieces of this size. */
    private static final int SCAN_BLOCKS = (1 << 20) / BLOCK;

    private final DiskSet disks;
    private final IoRunner io;
    private final RootRecord.Log layout;
    private final long incarnation;
    private final BatchArena arena;
    private long head;
    private long nextSequence;
    private boolean broken;

    /** Continues at a position and sequence; {@code arena} is this log's own. */
    IntentLog(
            DiskSet disks,
            IoRunner io,
            RootRecord.Log layout,
            long incarnation,
            BatchArena arena,
            long head,
            long nextSequence) {
        this.disks = disks;
        this.io = io;
        this.layout = layout;
        this.incarnation = incarnation;
        this.arena = arena;
        this.head = head;
        this.nextSequence = nextSequence;
    }

    /** The log as a root that is written now has to describe it: replay starts behind what was appended so far. */
    RootRecord.Log described() {
        return new RootRecord.Log(layout.copies(), layout.blocks(), head, nextSequence);
    }

    long head() {
        return head;
    }

    /** Whether every copy is on a disk that takes writes, and none has failed. */
    boolean isIntact() {
        return !broken
                && !layout.copies().isEmpty()
                && layout.copies().stream()
                        .allMatch(copy -> disks.get(copy.disk()).isWritable());
    }

    /** Whether a payload fits without overwriting anything from position {@code oldestKept} on. */
    boolean hasRoomFor(long payloadBytes, long oldestKept) {
        long blocks = blocks(payloadBytes);
        return blocks <= layout.blocks() && start(blocks) + blocks - oldestKept <= layout.blocks();
    }

    /** Appends one record and makes it durable on all copies; false when one of them failed (the log is broken then). */
    boolean append(List<MemorySegment> payload) {
        arena.reset();
        long bytes = payload.stream().mapToLong(MemorySegment::byteSize).sum();
        long blocks = blocks(bytes);
        MemorySegment record = arena.allocate(blocks * BLOCK);
        record.asSlice(0, HEADER_BYTES).fill((byte) 0);
        long at = HEADER_BYTES;
        for (MemorySegment part : payload) {
            MemorySegment.copy(part, 0, record, at, part.byteSize());
            at += part.byteSize();
        }
        record.asSlice(at).fill((byte) 0);
        long position = start(blocks);
        record.set(JAVA_LONG_UNALIGNED, MAGIC_AT, MAGIC);
        record.set(JAVA_LONG_UNALIGNED, INCARNATION_AT, incarnation);
        record.set(JAVA_LONG_UNALIGNED, SEQUENCE_AT, nextSequence);
        record.set(JAVA_LONG_UNALIGNED, ACKNOWLEDGED_AT, nextSequence - 1);
        record.set(JAVA_INT_UNALIGNED, PAYLOAD_BYTES_AT, (int) bytes);
        record.set(JAVA_INT_UNALIGNED, BLOCKS_AT, (int) blocks);
        record.set(JAVA_LONG_UNALIGNED, POSITION_AT, position);
        putDigest(record, PAYLOAD_DIGEST_AT, Blake3.hash(record.asSlice(HEADER_BYTES, bytes)));
        putDigest(record, DIGEST_AT, Blake3.hash(record.asSlice(0, DIGEST_AT)));
        List<IoRunner.Task> tasks = new ArrayList<>();
        for (BlockAddress copy : layout.copies()) {
            PoolDisk disk = disks.get(copy.disk());
            long offset = (copy.block() + position % layout.blocks()) * BLOCK;
            tasks.add(new IoRunner.Task(disk.index(), () -> {
                disk.write(offset, record);
                disk.flush();
            }));
        }
        for (@Nullable DeviceException failure : io.runAll(tasks)) {
            broken |= failure != null;
        }
        if (broken) {
            return false;
        }
        head = position + blocks;
        nextSequence++;
        return true;
    }

    private static long blocks(long payloadBytes) {
        return (HEADER_BYTES + payloadBytes + BLOCK - 1) / BLOCK;
    }

    /** Where a record of that many blocks starts: here, or at the region's start when it would wrap. */
    private long start(long blocks) {
        long left = layout.blocks() - head % layout.blocks();
        return blocks <= left ? head : head + left;
    }

    private static void putDigest(MemorySegment record, long offset, Digest digest) {
        digest.write(record.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN), (int) offset);
    }

    /** What a log held: the payloads of its records in order, and where the next one goes. */
    record Replay(
            List<MemorySegment> payloads,
            long head,
            long nextSequence,
            @Nullable String damage) {}

    /** Reads the log that a root describes, every record from whichever copy is right. Memory comes from {@code arena}. */
    static Replay replay(DiskSet disks, RootRecord.Log log, long incarnation, Arena arena) {
        List<MemorySegment> payloads = new ArrayList<>();
        long head = log.startBlock();
        long sequence = log.startSequence();
        while (log.blocks() > 0 && !log.copies().isEmpty()) {
            Found found = find(disks, log, incarnation, head, sequence, arena);
            if (found == null && head % log.blocks() != 0) {
                long wrapped = (head / log.blocks() + 1) * log.blocks();
                found = find(disks, log, incarnation, wrapped, sequence, arena);
            }
            if (found == null) {
                break;
            }
            payloads.add(found.payload);
            head = found.end;
            sequence++;
        }
        return new Replay(payloads, head, sequence, later(disks, log, incarnation, sequence, arena));
    }

    private record Found(MemorySegment payload, long end) {}

    private static @Nullable Found find(
            DiskSet disks, RootRecord.Log log, long incarnation, long position, long sequence, Arena arena) {
        for (BlockAddress copy : log.copies()) {
            MemorySegment header = readBlocks(disks, log, copy, position, 1, arena);
            if (header != null
                    && isHeader(header, incarnation)
                    && header.get(JAVA_LONG_UNALIGNED, SEQUENCE_AT) == sequence) {
                int bytes = header.get(JAVA_INT_UNALIGNED, PAYLOAD_BYTES_AT);
                int blocks = header.get(JAVA_INT_UNALIGNED, BLOCKS_AT);
                boolean fits = bytes >= 0
                        && blocks == blocks(bytes)
                        && position % log.blocks() + blocks <= log.blocks()
                        && header.get(JAVA_LONG_UNALIGNED, POSITION_AT) == position;
                MemorySegment record = fits ? readBlocks(disks, log, copy, position, blocks, arena) : null;
                if (record != null
                        && digest(record, PAYLOAD_DIGEST_AT).equals(Blake3.hash(record.asSlice(HEADER_BYTES, bytes)))) {
                    return new Found(record.asSlice(HEADER_BYTES, bytes), position + blocks);
                }
            }
        }
        return null;
    }

    /** Looks for records behind the end that was found; describes the damage if there are any. */
    private static @Nullable String later(
            DiskSet disks, RootRecord.Log log, long incarnation, long missing, Arena arena) {
        MemorySegment piece = arena.allocate((long) Math.min(SCAN_BLOCKS, log.blocks()) * BLOCK, BLOCK);
        for (BlockAddress copy : log.copies()) {
            for (int block = 0; block < log.blocks(); block += SCAN_BLOCKS) {
                int blocks = Math.min(SCAN_BLOCKS, log.blocks() - block);
                long follower =
                        laterIn(disks, copy, block, piece.asSlice(0, (long) blocks * BLOCK), incarnation, missing);
                if (follower >= 0) {
                    return "record " + missing + " of the intent log cannot be read on any of its "
                            + log.copies().size() + " disks, but record " + follower + " follows it";
                }
            }
        }
        return null;
    }

    /** The sequence of a record in this part of a copy that proves {@code missing} to have been there, or -1. */
    private static long laterIn(
            DiskSet disks, BlockAddress copy, int first, MemorySegment piece, long incarnation, long missing) {
        boolean whole = readBlocks(disks, copy, first, piece);
        for (long at = 0; at < piece.byteSize(); at += BLOCK) {
            MemorySegment header = piece.asSlice(at, BLOCK);
            // One bad block must not hide the others.
            boolean readable = whole || readBlocks(disks, copy, first + at / BLOCK, header);
            if (readable
                    && isHeader(header, incarnation)
                    && header.get(JAVA_LONG_UNALIGNED, ACKNOWLEDGED_AT) >= missing
                    && header.get(JAVA_LONG_UNALIGNED, SEQUENCE_AT) > missing) {
                return header.get(JAVA_LONG_UNALIGNED, SEQUENCE_AT);
            }
        }
        return -1;
    }

    private static boolean isHeader(MemorySegment header, long incarnation) {
        return header.get(JAVA_LONG_UNALIGNED, MAGIC_AT) == MAGIC
                && header.get(JAVA_LONG_UNALIGNED, INCARNATION_AT) == incarnation
                && digest(header, DIGEST_AT).equals(Blake3.hash(header.asSlice(0, DIGEST_AT)));
    }

    private static Digest digest(MemorySegment record, int offset) {
        return Digest.read(record.asByteBuffer(), offset);
    }

    private static @Nullable MemorySegment readBlocks(
            DiskSet disks, RootRecord.Log log, BlockAddress copy, long position, int blocks, Arena arena) {
        MemorySegment target = arena.allocate((long) blocks * BLOCK, BLOCK);
        return readBlocks(disks, copy, position % log.blocks(), target) ? target : null;
    }

    private static boolean readBlocks(DiskSet disks, BlockAddress copy, long block, MemorySegment target) {
        PoolDisk disk = disks.find(copy.disk());
        if (disk == null || !disk.isReadable()) {
            return false;
        }
        try {
            disk.read((copy.block() + block) * BLOCK, target);
            return true;
        } catch (DeviceException e) {
            return false;
        }
    }
}
