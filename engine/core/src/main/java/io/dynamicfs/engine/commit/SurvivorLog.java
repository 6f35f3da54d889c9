package io.dynamicfs.engine.commit;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.dynamicfs.engine.format.Structure;
import io.dynamicfs.engine.hash.Crc32c;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The ring of operation records in the survivor memory. A mutating request is answered only after its record is here, and a
 * record leaves only when its effect is durable; so the death of the process loses nothing that was answered. The bytes of a
 * write stay in its record until they are stored: the ring is the dirty data.
 *
 * <p>The memory is a header of 4096 bytes and the ring; a record is its header, the operation, the data, and zeros to a multiple
 * of 8. The length of a record is stored last, with release order. Positions are monotonic; a record never wraps: a filler
 * (sequence 0) covers the rest of the ring. Sequences are contiguous from the tail on, so what an earlier lap left behind is never
 * taken for a record. The tail, position and sequence, is swapped whole. Appending and trimming need the caller's lock.
 */
public final class SurvivorLog {
    static final String MAGIC_TEXT = "SURVIVR1";

    static final Structure HEADER = new Structure("Survivor memory");
    private static final long MAGIC_AT = HEADER.field("magic", 8).offset();
    private static final long VERSION_AT = HEADER.field("version", 8).offset();
    private static final long POOL_ID_HIGH_AT =
            HEADER.field("pool id, high half", 8).offset();
    private static final long POOL_ID_LOW_AT =
            HEADER.field("pool id, low half", 8).offset();
    private static final long INCARNATION_AT = HEADER.field("incarnation", 8).offset();
    private static final long RING_BYTES_AT = HEADER.field("ring bytes", 8).offset();
    private static final long[] TAIL_POSITION_AT = new long[2];
    private static final long[] TAIL_SEQUENCE_AT = new long[2];
    private static final long TAIL_IN_USE_AT;

    static {
        for (int i = 0; i < 2; i++) {
            TAIL_POSITION_AT[i] = HEADER.field("tail " + i + " position", 8).offset();
            TAIL_SEQUENCE_AT[i] = HEADER.field("tail " + i + " sequence", 8).offset();
        }
        TAIL_IN_USE_AT = HEADER.field("tail in use", 8).offset();
    }

    static final Structure RECORD = new Structure("Survivor record");
    private static final long LENGTH_AT = RECORD.field("length", 4).offset();
    private static final long CHECKSUM_AT = RECORD.field("checksum", 4).offset();
    private static final long SEQUENCE_AT = RECORD.field("sequence", 8).offset();
    private static final long VOLUME_AT = RECORD.field("volume id", 8).offset();
    private static final long CONNECTION_AT = RECORD.field("connection", 8).offset();
    private static final long UNIQUE_AT = RECORD.field("unique", 8).offset();
    private static final long OPERATION_BYTES_AT =
            RECORD.field("operation length", 4).offset();
    private static final long DATA_BYTES_AT = RECORD.field("data length", 4).offset();

    static final int RECORD_HEADER_BYTES = RECORD.bytes();

    private static final long MAGIC = 0x3152564956525553L;
    private static final long VERSION = 1;
    static final int HEADER_BYTES = 4096;
    private static final VarHandle LONG = JAVA_LONG.varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    /** One record where it lies: {@code bytes} is all of it, {@code operation} and {@code data} are its parts. */
    public record Entry(long position, long sequence, long volume, MemorySegment bytes) {
        public MemorySegment operation() {
            return bytes.asSlice(RECORD_HEADER_BYTES, operationBytes());
        }

        public MemorySegment data() {
            return bytes.asSlice(RECORD_HEADER_BYTES + operationBytes(), bytes.get(JAVA_INT_UNALIGNED, DATA_BYTES_AT));
        }

        private long operationBytes() {
            return bytes.get(JAVA_INT_UNALIGNED, OPERATION_BYTES_AT);
        }
    }

    private final MemorySegment memory;
    private final AnswerTable answers;
    private final long capacity;
    private long head;
    private long tail;
    private long lastSequence;

    public SurvivorLog(SurvivorMemory survivor) {
        this.memory = survivor.memory();
        this.answers = new AnswerTable(memory);
        this.capacity = (memory.byteSize() - HEADER_BYTES) / 8 * 8;
    }

    /** Whether the memory holds the records of this pool and incarnation. */
    public boolean belongsTo(UUID pool, long incarnation) {
        return memory.get(JAVA_LONG, MAGIC_AT) == MAGIC
                && memory.get(JAVA_LONG, VERSION_AT) == VERSION
                && memory.get(JAVA_LONG, POOL_ID_HIGH_AT) == pool.getMostSignificantBits()
                && memory.get(JAVA_LONG, POOL_ID_LOW_AT) == pool.getLeastSignificantBits()
                && memory.get(JAVA_LONG, INCARNATION_AT) == incarnation
                && memory.get(JAVA_LONG, RING_BYTES_AT) == capacity;
    }

    /** Makes the memory an empty ring of this pool and incarnation; the next record has {@code sequence} + 1. */
    public void reset(UUID pool, long incarnation, long sequence) {
        LONG.setRelease(memory, MAGIC_AT, 0L);
        head = 0;
        tail = 0;
        lastSequence = sequence;
        answers.reset();
        memory.set(JAVA_INT_UNALIGNED, HEADER_BYTES, 0);
        memory.set(JAVA_LONG, VERSION_AT, VERSION);
        memory.set(JAVA_LONG, POOL_ID_HIGH_AT, pool.getMostSignificantBits());
        memory.set(JAVA_LONG, POOL_ID_LOW_AT, pool.getLeastSignificantBits());
        memory.set(JAVA_LONG, INCARNATION_AT, incarnation);
        memory.set(JAVA_LONG, RING_BYTES_AT, capacity);
        memory.set(JAVA_LONG, TAIL_POSITION_AT[0], 0);
        memory.set(JAVA_LONG, TAIL_SEQUENCE_AT[0], sequence);
        memory.set(JAVA_LONG, TAIL_IN_USE_AT, 0);
        LONG.setRelease(memory, MAGIC_AT, MAGIC);
    }

    /** Gives the ring, its records untouched, to the next incarnation once a root holds what they did. */
    public void adopt(long incarnation) {
        LONG.setRelease(memory, INCARNATION_AT, incarnation);
    }

    /** Finds the records that an earlier process left, and goes on behind them. */
    public List<Entry> recover() {
        int inUse = tailInUse();
        tail = memory.get(JAVA_LONG, TAIL_POSITION_AT[inUse]);
        long expected = memory.get(JAVA_LONG, TAIL_SEQUENCE_AT[inUse]) + 1;
        List<Entry> entries = new ArrayList<>();
        long position = tail;
        while (position - tail < capacity) {
            long room = capacity - position % capacity;
            if (room < RECORD_HEADER_BYTES) {
                position += room;
                continue;
            }
            MemorySegment at = memory.asSlice(HEADER_BYTES + position % capacity, room);
            int length = (int) INT.getAcquire(at, LENGTH_AT);
            if (length < RECORD_HEADER_BYTES
                    || length > room
                    || length % 8 != 0
                    || position + length - tail > capacity) {
                break;
            }
            long sequence = at.get(JAVA_LONG_UNALIGNED, SEQUENCE_AT);
            boolean filler = sequence == 0;
            if (!filler && sequence != expected) {
                break;
            }
            int operationBytes = at.get(JAVA_INT_UNALIGNED, OPERATION_BYTES_AT);
            int dataBytes = at.get(JAVA_INT_UNALIGNED, DATA_BYTES_AT);
            MemorySegment bytes = at.asSlice(0, filler ? RECORD_HEADER_BYTES : length);
            boolean intact = operationBytes >= 0
                    && dataBytes >= 0
                    && (filler || (long) RECORD_HEADER_BYTES + operationBytes + dataBytes <= length)
                    && checksum(bytes) == at.get(JAVA_INT_UNALIGNED, CHECKSUM_AT);
            if (!intact) {
                break;
            }
            if (!filler) {
                entries.add(new Entry(position, sequence, at.get(JAVA_LONG_UNALIGNED, VOLUME_AT), bytes));
                expected = sequence + 1;
            }
            position += length;
        }
        head = position;
        lastSequence = expected - 1;
        answers.recover(lastSequence);
        return entries;
    }

    /** The record at the start of {@code bytes}, as the intent log keeps it; its checksum covers it there. */
    public static Entry parse(MemorySegment bytes) {
        int length = bytes.get(JAVA_INT_UNALIGNED, LENGTH_AT);
        return new Entry(
                0,
                bytes.get(JAVA_LONG_UNALIGNED, SEQUENCE_AT),
                bytes.get(JAVA_LONG_UNALIGNED, VOLUME_AT),
                bytes.asSlice(0, length));
    }

    /** Whether a record with that much in it would fit now. */
    public boolean hasRoomFor(long operationBytes, long dataBytes) {
        return recordBytes(operationBytes, dataBytes) + fillerBytes(recordBytes(operationBytes, dataBytes))
                <= capacity - used();
    }

    /** The requests that may be sent again. */
    public AnswerTable answers() {
        return answers;
    }

    /** Notes that the next record is the effect of {@code request} and made {@code inode}, 0 for none. */
    public AnswerTable.@Nullable Answer expect(AnswerTable.Request request, long inode) {
        return answers.add(request, lastSequence + 1, inode);
    }

    public long used() {
        return head - tail;
    }

    public long capacity() {
        return capacity;
    }

    /** How many bytes were appended and have left again. */
    public long trimmed() {
        return tail;
    }

    public long lastSequence() {
        return lastSequence;
    }

    /** The position that the next record, or a filler before it, will have. */
    public long head() {
        return head;
    }

    /** Appends a record with the next sequence; {@link #hasRoomFor} must have said yes. */
    public Entry append(long volume, long connection, long unique, MemorySegment operation, MemorySegment data) {
        long length = recordBytes(operation.byteSize(), data.byteSize());
        long filler = fillerBytes(length);
        if (length + filler > capacity - used()) {
            throw new IllegalStateException("the survivor ring is full");
        }
        if (filler >= RECORD_HEADER_BYTES) {
            MemorySegment at = memory.asSlice(HEADER_BYTES + head % capacity, filler);
            at.asSlice(0, RECORD_HEADER_BYTES).fill((byte) 0);
            publish(at, at.asSlice(0, RECORD_HEADER_BYTES), (int) filler);
        }
        head += filler;
        MemorySegment at = memory.asSlice(HEADER_BYTES + head % capacity, length);
        INT.setRelease(at, LENGTH_AT, 0);
        long sequence = lastSequence + 1;
        at.set(JAVA_LONG_UNALIGNED, SEQUENCE_AT, sequence);
        at.set(JAVA_LONG_UNALIGNED, VOLUME_AT, volume);
        at.set(JAVA_LONG_UNALIGNED, CONNECTION_AT, connection);
        at.set(JAVA_LONG_UNALIGNED, UNIQUE_AT, unique);
        at.set(JAVA_INT_UNALIGNED, OPERATION_BYTES_AT, (int) operation.byteSize());
        at.set(JAVA_INT_UNALIGNED, DATA_BYTES_AT, (int) data.byteSize());
        MemorySegment.copy(operation, 0, at, RECORD_HEADER_BYTES, operation.byteSize());
        long dataAt = RECORD_HEADER_BYTES + operation.byteSize();
        MemorySegment.copy(data, 0, at, dataAt, data.byteSize());
        at.asSlice(dataAt + data.byteSize()).fill((byte) 0);
        Entry entry = new Entry(head, sequence, volume, at);
        // What an earlier lap left behind must not follow this record as its successor.
        long room = capacity - (head + length) % capacity;
        if (room >= RECORD_HEADER_BYTES && used() + length + 4 <= capacity) {
            memory.set(JAVA_INT_UNALIGNED, HEADER_BYTES + (head + length) % capacity, 0);
        }
        publish(at, at, (int) length);
        head += length;
        lastSequence = sequence;
        return entry;
    }

    /** Forgets the records before {@code position}: their effects are durable. {@code sequence} is the last of them. */
    public void trim(long position, long sequence) {
        // Position and sequence must change together: with only one of them a successor would take what was trimmed for
        // new records, or new ones for old.
        int next = 1 - tailInUse();
        memory.set(JAVA_LONG, TAIL_POSITION_AT[next], position);
        memory.set(JAVA_LONG, TAIL_SEQUENCE_AT[next], sequence);
        LONG.setRelease(memory, TAIL_IN_USE_AT, (long) next);
        tail = position;
    }

    private int tailInUse() {
        return (int) (memory.get(JAVA_LONG, TAIL_IN_USE_AT) & 1);
    }

    private static void publish(MemorySegment at, MemorySegment checked, int length) {
        at.set(JAVA_INT_UNALIGNED, CHECKSUM_AT, checksum(checked));
        INT.setRelease(at, LENGTH_AT, length);
    }

    private static int checksum(MemorySegment record) {
        return Crc32c.of(record, SEQUENCE_AT, record.byteSize() - SEQUENCE_AT);
    }

    private static long recordBytes(long operationBytes, long dataBytes) {
        return (RECORD_HEADER_BYTES + operationBytes + dataBytes + 7) / 8 * 8;
    }

    private long fillerBytes(long length) {
        long room = capacity - head % capacity;
        return length <= room ? 0 : room;
    }
}
