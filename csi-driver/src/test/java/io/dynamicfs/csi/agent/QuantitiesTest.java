package io.dynamicfs.csi.agent;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QuantitiesTest {
    @Test
    void sizesHaveThreeOrFourDigits() {
        assertThat(Quantities.human(0)).isEqualTo("0");
        assertThat(Quantities.human(9_999)).isEqualTo("9999");
        assertThat(Quantities.human(10_240)).isEqualTo("10Ki");
        assertThat(Quantities.human(1L << 30)).isEqualTo("1024Mi");
        assertThat(Quantities.human(20L << 30)).isEqualTo("20Gi");
        assertThat(Quantities.human(Long.MAX_VALUE)).isEqualTo("8191Pi");
    }
}
