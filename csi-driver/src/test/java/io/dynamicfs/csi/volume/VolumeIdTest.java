package io.dynamicfs.csi.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeIdTest {
    @Test
    void aHandleIsReadAsItWasWritten() {
        VolumeId id = new VolumeId(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"), "pvc-1");
        assertThat(VolumeId.parse(id.toString())).hasValue(id);
        assertThat(id).hasToString("01234567-89ab-cdef-0123-456789abcdef/pvc-1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "pvc-1",
                "tank/pvc-1",
                "01234567-89ab-cdef-0123-456789abcdef",
                "01234567-89ab-cdef-0123-456789abcdef/",
                "01234567-89ab-cdef-0123-456789abcdef/../x",
                "01234567-89ab-cdef-0123-456789abcdef/a/b",
                "01234567-89AB-cdef-0123-456789abcdef/pvc-1",
            })
    void whatWeDidNotWriteIsNoHandle(String text) {
        assertThat(VolumeId.parse(text)).isEmpty();
    }

    @Test
    void namesThatTheEngineTakesStayAndOthersBecomeOneThatItTakes() {
        assertThat(VolumeName.of("pvc-4a1b")).isEqualTo("pvc-4a1b");
        String computed = VolumeName.of("x".repeat(128));
        assertThat(computed).matches(VolumeName.SYNTAX).isEqualTo(VolumeName.of("x".repeat(128)));
        assertThat(VolumeName.of("-a")).matches(VolumeName.SYNTAX).isNotEqualTo(VolumeName.of("_a"));
    }
}
