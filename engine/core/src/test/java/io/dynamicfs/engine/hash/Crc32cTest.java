package io.dynamicfs.engine.hash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class Crc32cTest {
    @Test
    void publishedCheckValuesAreComputed() {
        MemorySegment digits = MemorySegment.ofArray("x123456789x".getBytes(StandardCharsets.US_ASCII));
        assertThat(Crc32c.of(digits, 1, 9)).isEqualTo(0xE3069283);
        assertThat(Crc32c.of(MemorySegment.ofArray(new byte[32]), 0, 32)).isEqualTo(0x8A9136AA);
        assertThat(Crc32c.of(digits, 3, 0)).isZero();
    }

    @Test
    void eachGroupHasItsOwnValueAndTheLastMayBeShort() {
        long length = 2L * Blake3.GROUP_BYTES + 4096;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(length + 10).fill((byte) 7);
            int[] values = new int[3];
            Crc32c.groupValues(data, length, values);
            assertThat(values)
                    .containsExactly(
                            Crc32c.of(data, 0, Blake3.GROUP_BYTES),
                            Crc32c.of(data, Blake3.GROUP_BYTES, Blake3.GROUP_BYTES),
                            Crc32c.of(data, 2L * Blake3.GROUP_BYTES, 4096));
            assertThatThrownBy(() -> Crc32c.groupValues(data, length, new int[2]))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
