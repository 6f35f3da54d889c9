package io.dynamicfs.engine.format;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class NameHashTest {
    private static final long KEY_0 = 0x0706050403020100L;
    private static final long KEY_1 = 0x0f0e0d0c0b0a0908L;

    @Test
    void givesTheValueOfThePaper() {
        assertThat(SipHash.hash(KEY_0, KEY_1, counting(15))).isEqualTo(0xa129ca6149be45e5L);
    }

    /** From vectors.h of the authors' reference implementation, which prints bytes: these are little-endian words. */
    @Test
    void givesTheFirstReferenceVectors() {
        assertThat(SipHash.hash(KEY_0, KEY_1, counting(0))).isEqualTo(0x726fdb47dd0e0e31L);
        assertThat(SipHash.hash(KEY_0, KEY_1, counting(1))).isEqualTo(0x74f839c593dc67fdL);
        assertThat(SipHash.hash(KEY_0, KEY_1, counting(8))).isEqualTo(0x93f5f5799a932462L);
    }

    @Test
    void leavesRoomBelowEveryValue() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        NameHash hash = NameHash.keyed(ByteString.of(counting(16)));
        for (int i = 0; i < 10_000; i++) {
            byte[] name = new byte[1 + random.nextInt(255)];
            random.nextBytes(name);
            assertThat(hash.of(name)).isGreaterThanOrEqualTo(NameHash.STEP);
            assertThat(hash.of(name) % NameHash.STEP).isZero();
        }
    }

    @Test
    void dependsOnEveryByteOfTheKey() {
        byte[] name = "name".getBytes(US_ASCII);
        long before = NameHash.keyed(ByteString.of(counting(16))).of(name);
        for (int i = 0; i < NameHash.KEY_BYTES; i++) {
            byte[] key = counting(16);
            key[i] ^= 1;
            assertThat(NameHash.keyed(ByteString.of(key)).of(name)).isNotEqualTo(before);
        }
    }

    @Test
    void refusesAKeyOfAnotherLength() {
        assertThatThrownBy(() -> NameHash.keyed(ByteString.of(counting(15))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] counting(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }
}
