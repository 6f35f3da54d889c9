package io.dynamicfs.engine.commit;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.dynamicfs.engine.format.Structure;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which requests of the kernel have taken effect without their reply having left for certain. A kernel whose server died sends
 * them again; the successor must answer what was done, and not do it twice. It lies behind the header of the survivor memory;
 * an entry belongs to the record with its sequence, and counts only when that record was there.
 *
 * <p>An entry is written before its record and removed after its reply, so it is there for exactly the requests that matter.
 * Threads take entries beside each other; everything else needs the caller's lock.
 */
public final class AnswerTable {
    static final Structure ENTRY = new Structure("Answer");
    private static final long CONNECTION_AT = ENTRY.field("connection", 8).offset();
    private static final long UNIQUE_AT = ENTRY.field("unique", 8).offset();
    private static final long SEQUENCE_AT = ENTRY.field("sequence", 8).offset();
    private static final long INODE_AT = ENTRY.field("inode", 8).offset();

    static final int OFFSET = 512;
    static final int ENTRIES = (SurvivorLog.HEADER_BYTES - OFFSET) / ENTRY.bytes();

    private static final VarHandle LONG = JAVA_LONG.varHandle();

    /** A request of the kernel: {@code connection} is random and not zero. */
    public record Request(long connection, long unique) {}

    /** An entry in use; {@code inode} is what the request made or linked, 0 when it made none. */
    public record Answer(int index, long sequence, long inode) {}

    private final MemorySegment memory;
    private final boolean[] used = new boolean[ENTRIES];
    private final Map<Request, Answer> inherited = new HashMap<>();

    AnswerTable(MemorySegment memory) {
        this.memory = memory.asSlice(OFFSET, (long) ENTRIES * ENTRY.bytes());
    }

    synchronized void reset() {
        for (int i = 0; i < ENTRIES; i++) {
            clear(i);
        }
        inherited.clear();
    }

    /** Takes over what an engine before this one left: entries whose record, of {@code lastSequence} at most, was written. */
    synchronized void recover(long lastSequence) {
        inherited.clear();
        for (int i = 0; i < ENTRIES; i++) {
            MemorySegment at = entry(i);
            long connection = (long) LONG.getAcquire(at, CONNECTION_AT);
            long sequence = at.get(JAVA_LONG, SEQUENCE_AT);
            if (connection == 0 || sequence > lastSequence) {
                clear(i);
            } else {
                used[i] = true;
                Request request = new Request(connection, at.get(JAVA_LONG, UNIQUE_AT));
                inherited.put(request, new Answer(i, sequence, at.get(JAVA_LONG, INODE_AT)));
            }
        }
    }

    /** What an engine before this one did for the request, or null. */
    public synchronized @Nullable Answer inherited(Request request) {
        return inherited.get(request);
    }

    /** Notes that the record of {@code sequence}, which comes next, is the request's effect. Null when there is no room. */
    synchronized @Nullable Answer add(Request request, long sequence, long inode) {
        int index = free();
        if (index < 0) {
            return null;
        }
        used[index] = true;
        MemorySegment at = entry(index);
        at.set(JAVA_LONG, UNIQUE_AT, request.unique());
        at.set(JAVA_LONG, SEQUENCE_AT, sequence);
        at.set(JAVA_LONG, INODE_AT, inode);
        LONG.setRelease(at, CONNECTION_AT, request.connection());
        return new Answer(index, sequence, inode);
    }

    /** The reply has left: the request will not be sent again. */
    public synchronized void remove(Answer answer) {
        inherited.values().remove(answer);
        clear(answer.index());
    }

    /** The connection has ended: none of its requests will be sent again. */
    public synchronized void removeAll(long connection) {
        inherited.entrySet().removeIf(entry -> {
            boolean gone = entry.getKey().connection() == connection;
            if (gone) {
                clear(entry.getValue().index());
            }
            return gone;
        });
    }

    /** Where all are used, the oldest that was inherited gives way: its reply had most likely left. */
    private int free() {
        for (int i = 0; i < ENTRIES; i++) {
            if (!used[i]) {
                return i;
            }
        }
        Answer oldest = inherited.values().stream()
                .min(Comparator.comparingLong(Answer::sequence))
                .orElse(null);
        if (oldest == null) {
            return -1;
        }
        inherited.values().remove(oldest);
        clear(oldest.index());
        return oldest.index();
    }

    private void clear(int index) {
        LONG.setRelease(entry(index), CONNECTION_AT, 0L);
        used[index] = false;
    }

    private MemorySegment entry(int index) {
        return memory.asSlice((long) index * ENTRY.bytes(), ENTRY.bytes());
    }
}
