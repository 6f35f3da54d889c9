package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.format.DiskGeometry.Ring;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiskGeometryTest {
    private static final long MIB = 1 << 20;

    @ParameterizedTest
    @ValueSource(longs = {16 * MIB, 16 * MIB + 4096, 17 * MIB - 4096, 17 * MIB, 4_000_787_030_016L})
    void labelsAndDataDoNotOverlapAndFit(long size) {
        DiskGeometry geometry = new DiskGeometry(size);
        assertThat(geometry.tail() % MIB).isZero();
        assertThat(size - geometry.tail()).isBetween(MIB, 2 * MIB - 1);
        assertThat(geometry.identityOffsets())
                .containsExactly(64L << 10, 68L << 10, geometry.tail() + (64 << 10), geometry.tail() + (68 << 10));
        assertThat(geometry.ringOffset(Ring.A) + DiskGeometry.RING_BYTES).isLessThanOrEqualTo(geometry.dataStart());
        assertThat(geometry.ringOffset(Ring.B) + DiskGeometry.RING_BYTES).isLessThanOrEqualTo(size);
        assertThat(geometry.slotOffset(Ring.A, 31)).isEqualTo((128 << 10) + 31 * 4096);
    }

    @Test
    void aGenerationHasItsSlotEvenWhenItLooksNegative() {
        assertThat(DiskGeometry.slot(33)).isEqualTo(1);
        assertThat(DiskGeometry.slot(-1)).isEqualTo(31);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 16 * MIB - 4096, 16 * MIB + 1})
    void otherSizesAreRefused(long size) {
        assertThatThrownBy(() -> new DiskGeometry(size)).isInstanceOf(IllegalArgumentException.class);
    }
}
