package io.dynamicfs.engine.commit;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.dynamicfs.engine.hash.Crc32c;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The ring of operation records in the survivor memory. A mutating request is answered only after its record is here, and a
 * record leaves only when its effect is durable; so the death of the process loses nothing that was answered. The bytes of a
 * write stay in its record until they are stored: the ring is the dirty data.
 *
 * <pre>
 * memory:  header (4096 bytes) | ring
 * header:  0 magic u64 | 8 version u64 | 16 pool id | 32 incarnation u64 | 40 ring bytes u64 | 48 tail u64 | 56 tail sequence u64
 * record:  0 length u32 | 4 CRC32C of what follows u32 | 8 sequence u64 | 16 volume u64 | 24 connection u64 | 32 unique u64
 *          | 40 operation bytes u32 | 44 data bytes u32 | 48 operation | data | zeros to a multiple of 8
 * </pre>
 *
 * The length is stored last, with release order. Positions are monotonic; a record never wraps: a filler (sequence 0) covers the
 * rest of the ring. Sequences are contiguous, so what an earlier lap left behind is never taken for a record. Appending and
 * trimming need the caller's lock.
 */
public final class SurvivorLog {
    static final int RECORD_HEADER_BYTES = 48;

    private static final long MAGIC = 0x3152564956525553L; // "SURVIVR1"
    private static final long VERSION = 1;
    private static final int HEADER_BYTES = 4096;
    private static final long TAIL_OFFSET = 48;
    private static final long TAIL_SEQUENCE_OFFSET = 56;
    private static final VarHandle LONG = JAVA_LONG.varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    /** One record where it lies: {@code bytes} is all of it, {@code operation} and {@code data} are its parts. */
    public record Entry(long position, long sequence, long volume, MemorySegment bytes) {
        public MemorySegment operation() {
            return bytes.asSlice(RECORD_HEADER_BYTES, operationBytes());
        }

        public MemorySegment data() {
            return bytes.asSlice(RECORD_HEADER_BYTES + operationBytes(), bytes.get(JAVA_INT_UNALIGNED, 44));
        }

        private long operationBytes() {
            return bytes.get(JAVA_INT_UNALIGNED, 40);
        }
    }

    private final MemorySegment memory;
    private final long capacity;
    private long head;
    private long tail;
    private long lastSequence;

    public SurvivorLog(SurvivorMemory survivor) {
        this.memory = survivor.memory();
        this.capacity = (memory.byteSize() - HEADER_BYTES) / 8 * 8;
    }

    /** Whether the memory holds the records of this pool and incarnation. */
    public boolean belongsTo(UUID pool, long incarnation) {
        return memory.get(JAVA_LONG, 0) == MAGIC
                && memory.get(JAVA_LONG, 8) == VERSION
                && memory.get(JAVA_LONG, 16) == pool.getMostSignificantBits()
                && memory.get(JAVA_LONG, 24) == pool.getLeastSignificantBits()
                && memory.get(JAVA_LONG, 32) == incarnation
                && memory.get(JAVA_LONG, 40) == capacity;
    }

    /** Makes the memory an empty ring of this pool and incarnation; the next record has {@code lastSequence} + 1. */
    public void reset(UUID pool, long incarnation, long sequence) {
        LONG.setRelease(memory, 0L, 0L);
        head = 0;
        tail = 0;
        lastSequence = sequence;
        memory.set(JAVA_INT_UNALIGNED, HEADER_BYTES, 0);
        memory.set(JAVA_LONG, 8, VERSION);
        memory.set(JAVA_LONG, 16, pool.getMostSignificantBits());
        memory.set(JAVA_LONG, 24, pool.getLeastSignificantBits());
        memory.set(JAVA_LONG, 32, incarnation);
        memory.set(JAVA_LONG, 40, capacity);
        memory.set(JAVA_LONG, TAIL_OFFSET, 0);
        memory.set(JAVA_LONG, TAIL_SEQUENCE_OFFSET, sequence);
        LONG.setRelease(memory, 0L, MAGIC);
    }

    /** Gives the ring, its records untouched, to the next incarnation once a root holds what they did. */
    public void adopt(long incarnation) {
        LONG.setRelease(memory, 32L, incarnation);
    }

    /** Finds the records that an earlier process left, and goes on behind them. */
    public List<Entry> recover() {
        tail = memory.get(JAVA_LONG, TAIL_OFFSET);
        long expected = memory.get(JAVA_LONG, TAIL_SEQUENCE_OFFSET) + 1;
        boolean first = true;
        List<Entry> entries = new ArrayList<>();
        long position = tail;
        while (position - tail < capacity) {
            long room = capacity - position % capacity;
            if (room < RECORD_HEADER_BYTES) {
                position += room;
                continue;
            }
            MemorySegment at = memory.asSlice(HEADER_BYTES + position % capacity, room);
            int length = (int) INT.getAcquire(at, 0L);
            if (length < RECORD_HEADER_BYTES
                    || length > room
                    || length % 8 != 0
                    || position + length - tail > capacity) {
                break;
            }
            long sequence = at.get(JAVA_LONG_UNALIGNED, 8);
            boolean filler = sequence == 0;
            if (!filler && (first ? sequence < expected : sequence != expected)) {
                break;
            }
            int operationBytes = at.get(JAVA_INT_UNALIGNED, 40);
            int dataBytes = at.get(JAVA_INT_UNALIGNED, 44);
            MemorySegment bytes = at.asSlice(0, filler ? RECORD_HEADER_BYTES : length);
            boolean intact = operationBytes >= 0
                    && dataBytes >= 0
                    && (filler || (long) RECORD_HEADER_BYTES + operationBytes + dataBytes <= length)
                    && checksum(bytes) == at.get(JAVA_INT_UNALIGNED, 4);
            if (!intact) {
                break;
            }
            if (!filler) {
                entries.add(new Entry(position, sequence, at.get(JAVA_LONG_UNALIGNED, 16), bytes));
                expected = sequence + 1;
                first = false;
            }
            position += length;
        }
        head = position;
        lastSequence = expected - 1;
        return entries;
    }

    /** The record at the start of {@code bytes}, as the intent log keeps it; its checksum covers it there. */
    public static Entry parse(MemorySegment bytes) {
        int length = bytes.get(JAVA_INT_UNALIGNED, 0);
        return new Entry(
                0, bytes.get(JAVA_LONG_UNALIGNED, 8), bytes.get(JAVA_LONG_UNALIGNED, 16), bytes.asSlice(0, length));
    }

    /** Whether a record with that much in it would fit now. */
    public boolean hasRoomFor(long operationBytes, long dataBytes) {
        return recordBytes(operationBytes, dataBytes) + fillerBytes(recordBytes(operationBytes, dataBytes))
                <= capacity - used();
    }

    public long used() {
        return head - tail;
    }

    public long capacity() {
        return capacity;
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
        INT.setRelease(at, 0L, 0);
        long sequence = lastSequence + 1;
        at.set(JAVA_LONG_UNALIGNED, 8, sequence);
        at.set(JAVA_LONG_UNALIGNED, 16, volume);
        at.set(JAVA_LONG_UNALIGNED, 24, connection);
        at.set(JAVA_LONG_UNALIGNED, 32, unique);
        at.set(JAVA_INT_UNALIGNED, 40, (int) operation.byteSize());
        at.set(JAVA_INT_UNALIGNED, 44, (int) data.byteSize());
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
        // In this order: a successor that sees only the first store still accepts the records behind it.
        LONG.setRelease(memory, TAIL_OFFSET, position);
        LONG.setRelease(memory, TAIL_SEQUENCE_OFFSET, sequence);
        tail = position;
    }

    private static void publish(MemorySegment at, MemorySegment checked, int length) {
        at.set(JAVA_INT_UNALIGNED, 4, checksum(checked));
        INT.setRelease(at, 0L, length);
    }

    private static int checksum(MemorySegment record) {
        return Crc32c.of(record, 8, record.byteSize() - 8);
    }

    private static long recordBytes(long operationBytes, long dataBytes) {
        return (RECORD_HEADER_BYTES + operationBytes + dataBytes + 7) / 8 * 8;
    }

    private long fillerBytes(long length) {
        long room = capacity - head % capacity;
        return length <= room ? 0 : room;
    }
}
