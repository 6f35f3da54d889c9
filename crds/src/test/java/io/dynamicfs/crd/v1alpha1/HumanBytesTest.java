package io.dynamicfs.crd.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Quantity;
import org.junit.jupiter.api.Test;

class HumanBytesTest {
    @Test
    void sizesHaveThreeDigitsAtMost() {
        assertThat(HumanBytes.of(-1)).isEqualTo("0");
        assertThat(HumanBytes.of(0)).isEqualTo("0");
        assertThat(HumanBytes.of(1023)).isEqualTo("1023");
        assertThat(HumanBytes.of(1024)).isEqualTo("1Ki");
        assertThat(HumanBytes.of(1536)).isEqualTo("1.5Ki");
        assertThat(HumanBytes.of(100L << 30)).isEqualTo("100Gi");
        assertThat(HumanBytes.of((1L << 40) - 1)).isEqualTo("1Ti");
        assertThat(HumanBytes.of(12_345_678_901L)).isEqualTo("11.5Gi");
        assertThat(HumanBytes.of(Long.MAX_VALUE)).isEqualTo("8Ei");
    }

    @Test
    void kubernetesCanReadThem() {
        for (long bytes = 1; bytes > 0; bytes = bytes * 3 + 1) {
            long read = Quantity.getAmountInBytes(Quantity.parse(HumanBytes.of(bytes)))
                    .longValue();
            assertThat((double) read).isBetween(bytes * 0.99, bytes * 1.01);
        }
    }
}
