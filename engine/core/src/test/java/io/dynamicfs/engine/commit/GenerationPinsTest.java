package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GenerationPinsTest {
    private final GenerationPins pins = new GenerationPins();

    @Test
    void theOldestGenerationThatIsHeldCounts() {
        assertThat(pins.oldest()).isEqualTo(Long.MAX_VALUE);
        pins.pin(7);
        pins.pin(5);
        pins.pin(9);
        assertThat(pins.oldest()).isEqualTo(5);
        pins.unpin(5);
        assertThat(pins.oldest()).isEqualTo(7);
    }

    @Test
    void aGenerationIsHeldUntilItsLastReaderIsDone() {
        pins.pin(5);
        pins.pin(5);
        pins.unpin(5);
        assertThat(pins.oldest()).isEqualTo(5);
        pins.unpin(5);
        assertThat(pins.oldest()).isEqualTo(Long.MAX_VALUE);
        pins.unpin(5);
        pins.pin(6);
        assertThat(pins.oldest()).isEqualTo(6);
    }
}
