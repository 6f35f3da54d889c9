package io.dynamicfs.engine.alloc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetadataSlotsTest {
    private final MetadataSlots slots = new MetadataSlots();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void behavesAsASetOfAddresses(long seed) {
        Random random = new Random(seed);
        Map<Long, Long> stored = new HashMap<>();
        Set<Long> used = new HashSet<>();
        List<Long> order = new ArrayList<>();
        long chunks = 0;
        for (int i = 0; i < 5000; i++) {
            switch (random.nextInt(i % 2000 < 1000 ? 4 : 8)) {
                case 0, 1, 2 -> {
                    long barred = random.nextInt(4);
                    long address = slots.allocate(chunk -> chunk % 4 != barred);
                    if (address >= 0) {
                        assertThat(address / 64 % 4).as("seed %d", seed).isNotEqualTo(barred);
                        assertThat(used.add(address))
                                .as("seed %d: slot %d was free", seed, address)
                                .isTrue();
                        order.add(address);
                    } else {
                        assertThat(slots.freeSlots(chunk -> chunk % 4 != barred))
                                .as("seed %d", seed)
                                .isZero();
                        slots.addNew(++chunks);
                    }
                }
                case 3 -> slots.drainChanged((chunk, bits) -> stored.put(chunk, bits));
                default -> {
                    if (!order.isEmpty()) {
                        long address = order.remove(random.nextInt(order.size()));
                        slots.free(address);
                        used.remove(address);
                    }
                }
            }
            assertThat(slots.freeSlots(chunk -> true)).as("seed %d", seed).isEqualTo(chunks * 64 - used.size());
        }
        slots.drainChanged((chunk, bits) -> stored.put(chunk, bits));
        Set<Long> drained = new HashSet<>();
        stored.forEach((chunk, bits) -> {
            for (int slot = 0; slot < 64; slot++) {
                if ((bits >>> slot & 1) != 0) {
                    drained.add(chunk * 64 + slot);
                }
            }
        });
        assertThat(drained).as("seed %d", seed).isEqualTo(used);
        MetadataSlots reopened = new MetadataSlots();
        stored.forEach(reopened::add);
        assertThat(reopened.usedBits()).as("seed %d", seed).isEqualTo(slots.usedBits());
        assertThat(used).allMatch(reopened::isUsed);
    }

    @Test
    void aSlotIsFreedOnce() {
        slots.addNew(5);
        long address = slots.allocate(chunk -> true);
        assertThat(address).isEqualTo(5 * 64);
        slots.free(address);
        assertThatThrownBy(() -> slots.free(address)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> slots.free(6 * 64)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aFullChunkGivesNothingUntilASlotOfItIsFreed() {
        slots.add(1, -1L);
        assertThat(slots.allocate(chunk -> true)).isEqualTo(-1);
        slots.free(127);
        assertThat(slots.allocate(chunk -> true)).isEqualTo(127);
    }

    @Test
    void onlyAChunkWithoutNodesIsForgotten() {
        slots.addNew(1);
        slots.addNew(2);
        long address = slots.allocate(chunk -> chunk == 2);
        assertThat(slots.emptyChunk(chunk -> true)).isEqualTo(1);
        assertThatThrownBy(() -> slots.remove(2)).isInstanceOf(IllegalStateException.class);
        slots.free(address);
        assertThat(slots.emptyChunk(chunk -> true)).isEqualTo(2);
        slots.remove(2);
        assertThat(slots.usedBits()).containsOnlyKeys(1L);
        assertThat(slots.freeSlots(chunk -> true)).isEqualTo(64);
        List<Long> changed = new ArrayList<>();
        slots.drainChanged((chunk, bits) -> changed.add(chunk));
        assertThat(changed).containsExactly(1L);
    }
}
