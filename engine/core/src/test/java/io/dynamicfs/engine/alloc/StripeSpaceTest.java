package io.dynamicfs.engine.alloc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StripeSpaceTest {

    /** Taking one block of each of the roomiest disks again and again is the best that can be done. */
    private static long byTaking(long[] free, int width) {
        long[] left = free.clone();
        for (long stripes = 0; ; stripes++) {
            Arrays.sort(left);
            if (left.length < width || left[left.length - width] == 0) {
                return stripes;
            }
            for (int i = left.length - width; i < left.length; i++) {
                left[i]--;
            }
        }
    }

    @Test
    void countsAsManyStripesAsCanBeTakenOneByOne() {
        long seed = 11;
        Random random = new Random(seed);
        for (int i = 0; i < 3000; i++) {
            long[] free = random.longs(1 + random.nextInt(9), 0, 1 + random.nextInt(60))
                    .toArray();
            int width = 1 + random.nextInt(free.length);
            assertThat(StripeSpace.stripes(free, width))
                    .as("seed %d: %s, width %d", seed, Arrays.toString(free), width)
                    .isEqualTo(byTaking(free, width));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'10,10,10,10,10,10', 6, 10",
        "'100,10,10', 3, 10",
        "'100,10,10', 2, 20",
        "'5', 1, 5",
        "'7,7', 3, 0",
        "'0,0', 2, 0"
    })
    void knownAnswers(String free, int width, long stripes) {
        long[] blocks =
                Arrays.stream(free.split(",")).mapToLong(Long::parseLong).toArray();
        assertThat(StripeSpace.stripes(blocks, width)).isEqualTo(stripes);
    }

    @Test
    void disksOfPetabytesDoNotOverflow() {
        long blocks = 1L << 40;
        assertThat(StripeSpace.stripes(new long[] {blocks, blocks, blocks}, 3)).isEqualTo(blocks);
    }
}
