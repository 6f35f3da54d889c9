package io.dynamicfs.daemon.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "4096B, 4096",
        "1K, 1024",
        "1k, 1024",
        "10G, 10737418240",
        "512MiB, 536870912",
        "512 mb, 536870912",
        "1.5T, 1649267441664",
        "0.001K, 1",
        "8191P, 9222246136947933184"
    })
    void readsWhatPeopleWrite(String text, long bytes) {
        assertThat(Sizes.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "G", "-1", "1.5", "1.5B", "10X", "10GG", "9999P", "99999999999999999999", "1,5G", "0x10"})
    void refusesWhatIsNoSizeAndSaysWhatOneLooksLike(String text) {
        assertThatThrownBy(() -> Sizes.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected a size such as 10G, 512MiB or 4096, found \"" + text + "\"");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.00 KiB",
        "10752, 10.5 KiB",
        "335544320, 320 MiB",
        "1649267441664, 1.50 TiB",
        "9223372036854775807, 8192 PiB"
    })
    void showsThreeDigits(long bytes, String text) {
        assertThat(Sizes.human(bytes)).isEqualTo(text);
    }

    @Test
    void showsDurationsInTheUnitThatFits() {
        assertThat(Sizes.duration(7)).isEqualTo("7 ms");
        assertThat(Sizes.duration(1_240)).isEqualTo("1.24 s");
        assertThat(Sizes.duration(185_000)).isEqualTo("3 min 05 s");
    }
}
