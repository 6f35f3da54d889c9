package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SurvivorLogTest {
    private static final UUID POOL = new UUID(1, 2);
    private static final long INCARNATION = 77;
    private static final int HEADER_BYTES = 4096;

    private final SurvivorMemory memory = newMemory();
    private final SurvivorLog log = new SurvivorLog(memory);

    /** What a record must give back. */
    private record Written(long position, long sequence, long volume, byte[] operation, byte[] data) {}

    private static SurvivorMemory newMemory() {
        return new SurvivorMemory(Arena.ofAuto().allocate(SurvivorMemory.BYTES_MIN, 4096));
    }

    private static Written append(SurvivorLog log, Random random, int operationBytes, int dataBytes) {
        byte[] operation = new byte[operationBytes];
        byte[] data = new byte[dataBytes];
        random.nextBytes(operation);
        random.nextBytes(data);
        long volume = random.nextLong();
        SurvivorLog.Entry entry =
                log.append(volume, 3, 4, MemorySegment.ofArray(operation), MemorySegment.ofArray(data));
        return new Written(entry.position(), entry.sequence(), volume, operation, data);
    }

    private static void assertSame(List<SurvivorLog.Entry> entries, List<Written> expected, String when) {
        assertThat(entries).as(when).hasSameSizeAs(expected);
        for (int i = 0; i < entries.size(); i++) {
            SurvivorLog.Entry entry = entries.get(i);
            Written written = expected.get(i);
            assertThat(entry.sequence()).as(when).isEqualTo(written.sequence);
            assertThat(entry.position()).as(when).isEqualTo(written.position);
            assertThat(entry.volume()).as(when).isEqualTo(written.volume);
            assertThat(entry.operation().mismatch(MemorySegment.ofArray(written.operation)))
                    .as(when)
                    .isEqualTo(-1);
            assertThat(entry.data().mismatch(MemorySegment.ofArray(written.data)))
                    .as(when)
                    .isEqualTo(-1);
        }
    }

    /** A process that dies now leaves this to its successor. */
    private SurvivorLog successor() {
        SurvivorMemory copy = newMemory();
        copy.memory().copyFrom(memory.memory());
        return new SurvivorLog(copy);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void aSuccessorFindsWhatWasAppendedAndNotTrimmedThroughManyLaps(long seed) {
        Random random = new Random(seed);
        log.reset(POOL, INCARNATION, 10);
        Deque<Written> kept = new ArrayDeque<>();
        long laps = 0;
        for (int i = 0; i < 600; i++) {
            int data = random.nextInt(3) == 0 ? random.nextInt(1 << 20) : random.nextInt(3000);
            int operation = 20 + random.nextInt(200);
            while (!log.hasRoomFor(operation, data)) {
                trimFirst(kept, 1 + random.nextInt(kept.size()));
            }
            kept.add(append(log, random, operation, data));
            laps = log.head() / log.capacity();
            if (random.nextInt(10) == 0) {
                trimFirst(kept, random.nextInt(kept.size() + 1));
            }
            if (i % 20 == 0) {
                SurvivorLog successor = successor();
                assertThat(successor.belongsTo(POOL, INCARNATION)).isTrue();
                assertSame(successor.recover(), List.copyOf(kept), "seed " + seed + ", record " + i);
                assertThat(successor.lastSequence()).as("seed %d", seed).isEqualTo(log.lastSequence());
                assertThat(successor.used()).as("seed %d", seed).isLessThanOrEqualTo(successor.capacity());
            }
        }
        assertThat(laps).as("laps").isGreaterThan(5);
    }

    private void trimFirst(Deque<Written> kept, int count) {
        long sequence = -1;
        for (int i = 0; i < count; i++) {
            sequence = kept.removeFirst().sequence;
        }
        if (count > 0) {
            log.trim(kept.isEmpty() ? log.head() : kept.getFirst().position, sequence);
        }
    }

    @Test
    void aSuccessorGoesOnBehindWhatItFound() {
        Random random = new Random(1);
        log.reset(POOL, INCARNATION, 0);
        List<Written> expected = new ArrayList<>();
        expected.add(append(log, random, 30, 1000));
        SurvivorLog second = new SurvivorLog(memory);
        assertSame(second.recover(), expected, "second process");
        expected.add(append(second, random, 30, 0));
        assertThat(expected.getLast().sequence).isEqualTo(2);
        SurvivorLog third = new SurvivorLog(memory);
        assertSame(third.recover(), expected, "third process");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void deathAtAnyPointOfAnAppendLeavesTheRecordsBefore(boolean overAnEarlierLap) {
        Random random = new Random(2);
        log.reset(POOL, INCARNATION, 0);
        if (overAnEarlierLap) {
            while (log.head() < log.capacity()) {
                append(log, random, 40, 9000);
                log.trim(log.head(), log.lastSequence());
            }
        }
        List<Written> before = new ArrayList<>();
        before.add(append(log, random, 40, 200));
        byte[] old = memory.memory().toArray(ValueLayout.JAVA_BYTE);
        Written last = append(log, random, 40, 150);
        byte[] now = memory.memory().toArray(ValueLayout.JAVA_BYTE);
        int start = HEADER_BYTES + (int) (last.position % log.capacity());
        int length = 48 + 40 + 150 + 2;
        for (int done = 0; done < length; done++) {
            // The bytes behind the length were copied up to here; the length itself is stored last.
            byte[] torn = old.clone();
            torn[start] = 0;
            torn[start + 1] = 0;
            torn[start + 2] = 0;
            torn[start + 3] = 0;
            System.arraycopy(now, start + 4, torn, start + 4, Math.max(0, done - 4));
            assertSame(recovered(torn), before, "died after " + done + " bytes");
            // The same, but a processor wrote the length too early: the checksum stands in for the order.
            System.arraycopy(now, start, torn, start, 4);
            boolean whole = java.util.Arrays.equals(torn, start, start + length, now, start, start + length);
            List<Written> expected = new ArrayList<>(before);
            if (whole) {
                expected.add(last);
            }
            assertSame(recovered(torn), expected, "length first, died after " + done + " bytes");
        }
        List<Written> all = new ArrayList<>(before);
        all.add(last);
        assertSame(recovered(now), all, "not dead");
    }

    private static List<SurvivorLog.Entry> recovered(byte[] content) {
        SurvivorMemory copy = newMemory();
        MemorySegment.copy(content, 0, copy.memory(), ValueLayout.JAVA_BYTE, 0, content.length);
        return new SurvivorLog(copy).recover();
    }

    @Test
    void deathBetweenAFillerAndItsRecordShowsNothingOfTheLapBefore() {
        Random random = new Random(3);
        log.reset(POOL, INCARNATION, 0);
        while (log.capacity() - log.head() > 5000) {
            append(log, random, 40, 4000);
            log.trim(log.head(), log.lastSequence());
        }
        byte[] old = memory.memory().toArray(ValueLayout.JAVA_BYTE);
        long filler = log.head();
        append(log, random, 40, 8000);
        byte[] now = memory.memory().toArray(ValueLayout.JAVA_BYTE);
        int at = HEADER_BYTES + (int) filler;
        System.arraycopy(now, at, old, at, 48);
        assertThat(recovered(old)).isEmpty();
        assertThat(recovered(now)).hasSize(1);
    }

    @Test
    void deathAtAnyPointOfATrimLosesNothingAndBringsNothingBack() {
        // Records of one size that fill the ring to its last byte, or to less than a header before it.
        for (int tail : new int[] {0, 8, 40}) {
            Random random = new Random(4);
            log.reset(POOL, INCARNATION, 0);
            List<Written> kept = new ArrayList<>();
            long size = 64 << 10;
            while (log.capacity() - log.head() > 2 * size) {
                kept.add(append(log, random, 40, (int) size - 88));
            }
            kept.add(append(log, random, 40, (int) (log.capacity() - log.head()) - tail - 88));
            for (int count : new int[] {1, kept.size() - 1, kept.size()}) {
                byte[] before = memory.memory().toArray(ValueLayout.JAVA_BYTE);
                SurvivorLog trimmed = successor(before);
                trimmed.recover();
                long position = count == kept.size() ? trimmed.head() : kept.get(count).position;
                trimmed.trim(position, kept.get(count - 1).sequence);
                byte[] after = memoryOf(trimmed);
                for (byte[] torn : betweenStores(before, after)) {
                    SurvivorLog successor = successor(torn);
                    List<SurvivorLog.Entry> found = successor.recover();
                    String when = tail + " bytes left, " + count + " of " + kept.size() + " trimmed";
                    assertThat(successor.lastSequence()).as(when).isEqualTo(kept.getLast().sequence);
                    if (found.size() != kept.size()) {
                        assertSame(found, kept.subList(count, kept.size()), when);
                    } else {
                        assertSame(found, kept, when);
                    }
                }
                assertThat(successor(after).recover()).hasSize(kept.size() - count);
            }
        }
    }

    private final java.util.Map<SurvivorLog, SurvivorMemory> memories = new java.util.HashMap<>();

    private SurvivorLog successor(byte[] content) {
        SurvivorMemory copy = newMemory();
        MemorySegment.copy(content, 0, copy.memory(), ValueLayout.JAVA_BYTE, 0, content.length);
        SurvivorLog successor = new SurvivorLog(copy);
        memories.put(successor, copy);
        return successor;
    }

    private byte[] memoryOf(SurvivorLog successor) {
        return java.util.Objects.requireNonNull(memories.get(successor))
                .memory()
                .toArray(ValueLayout.JAVA_BYTE);
    }

    /** The states of the memory between stores of 8 bytes that were made in the order of their addresses. */
    private static List<byte[]> betweenStores(byte[] before, byte[] after) {
        List<byte[]> states = new ArrayList<>();
        byte[] state = before.clone();
        states.add(state.clone());
        for (int at = 0; at < HEADER_BYTES; at += 8) {
            if (!java.util.Arrays.equals(state, at, at + 8, after, at, at + 8)) {
                System.arraycopy(after, at, state, at, 8);
                states.add(state.clone());
            }
        }
        assertThat(states.getLast()).isEqualTo(after);
        return states;
    }

    @Test
    void memoryOfAnotherPoolOrIncarnationIsNotOurs() {
        assertThat(log.belongsTo(POOL, INCARNATION)).as("never used").isFalse();
        log.reset(POOL, INCARNATION, 0);
        assertThat(log.belongsTo(POOL, INCARNATION)).isTrue();
        assertThat(log.belongsTo(new UUID(1, 3), INCARNATION)).isFalse();
        assertThat(log.belongsTo(POOL, 78)).isFalse();
        log.adopt(78);
        assertThat(log.belongsTo(POOL, 78)).isTrue();
        SurvivorMemory larger = new SurvivorMemory(Arena.ofAuto().allocate(2 * SurvivorMemory.BYTES_MIN, 4096));
        larger.memory().asSlice(0, SurvivorMemory.BYTES_MIN).copyFrom(memory.memory());
        assertThat(new SurvivorLog(larger).belongsTo(POOL, 78))
                .as("another size")
                .isFalse();
    }

    @Test
    void aResetRingShowsNothingOfWhatItHeld() {
        Random random = new Random(5);
        log.reset(POOL, INCARNATION, 0);
        for (int i = 0; i < 20; i++) {
            append(log, random, 40, 100);
        }
        log.reset(POOL, INCARNATION + 1, 0);
        assertThat(successor().recover()).isEmpty();
        // The same sequences and sizes again: what follows the first is of the ring before.
        Written first = append(log, random, 40, 100);
        assertSame(successor().recover(), List.of(first), "after the reset");
    }

    @Test
    void aFullRingTakesNothingUntilItIsTrimmed() {
        Random random = new Random(6);
        log.reset(POOL, INCARNATION, 0);
        List<Written> kept = new ArrayList<>();
        while (log.hasRoomFor(40, 100_000)) {
            kept.add(append(log, random, 40, 100_000));
        }
        assertThatThrownBy(() -> append(log, random, 40, 100_000)).isInstanceOf(IllegalStateException.class);
        assertSame(successor().recover(), kept, "full");
        log.trim(kept.get(3).position, kept.get(2).sequence);
        kept = new ArrayList<>(kept.subList(3, kept.size()));
        while (log.hasRoomFor(40, 100_000)) {
            kept.add(append(log, random, 40, 100_000));
        }
        assertSame(successor().recover(), kept, "full again");
    }

    @Test
    void anEmptyRingAlwaysTakesHalfOfIt() {
        Random random = new Random(7);
        log.reset(POOL, INCARNATION, 0);
        int half = (int) (log.capacity() / 2) - 96;
        for (int i = 0; i < 30; i++) {
            append(log, random, 40, random.nextInt(100_000));
            log.trim(log.head(), log.lastSequence());
            assertThat(log.hasRoomFor(40, half)).isTrue();
        }
    }

    @Test
    void memoryThatIsTooSmallIsRefused() {
        assertThatThrownBy(() -> new SurvivorMemory(Arena.ofAuto().allocate(4096)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least");
    }
}
