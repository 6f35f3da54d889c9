package io.dynamicfs.csi.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountOption;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountFlagsTest {
    @Test
    void aContextKeepsItsCommasAndIsNoOption() throws MountException {
        MountFlags flags = MountFlags.parse(
                List.of("noatime", "context=\"system_u:object_r:container_file_t:s0:c1,c2\",nodev", "nosuid, noexec"));
        assertThat(flags.context()).isEqualTo("\"system_u:object_r:container_file_t:s0:c1,c2\"");
        assertThat(flags.options())
                .containsExactlyInAnyOrder(
                        MountOption.NO_ACCESS_TIMES, MountOption.NO_DEVICES, MountOption.NO_SUID, MountOption.NO_EXEC);
        assertThat(flags.readOnly()).isFalse();
    }

    @Test
    void orderAndDefaultsMakeNoDifference() throws MountException {
        assertThat(MountFlags.parse(List.of("ro", "noatime")))
                .isEqualTo(MountFlags.parse(List.of("defaults", "noatime,ro", "")));
        assertThat(MountFlags.parse(List.of("ro", "noatime")).names())
                .isEqualTo(MountFlags.parse(List.of("noatime", "ro")).names());
        assertThat(MountFlags.parse(List.of("ro")).readOnly()).isTrue();
    }

    @Test
    void whatNoVolumeKnowsIsNamed() {
        assertThatThrownBy(() -> MountFlags.parse(List.of("noatime,discard")))
                .isInstanceOf(MountException.class)
                .hasMessageContaining("found discard")
                .hasMessageContaining("noatime");
    }
}
