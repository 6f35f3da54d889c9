package io.dynamicfs.engine.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.mount.MountOption;
import io.dynamicfs.engine.mount.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FusermountTest {
    @TempDir
    Path directory;

    @Test
    void othersAreAllowedByALineOfItsOwn() throws IOException {
        Path configuration = directory.resolve("fuse.conf");
        assertThat(Fusermount.allowsOthers(configuration)).isFalse();
        Files.writeString(configuration, "#user_allow_other\nmount_max = 9\n");
        assertThat(Fusermount.allowsOthers(configuration)).isFalse();
        Files.writeString(configuration, "mount_max = 9\n user_allow_other \n");
        assertThat(Fusermount.allowsOthers(configuration)).isTrue();
    }

    @Test
    void libfuseGetsTheOptionsThatItKnows() {
        VolumeMount.Spec spec = new VolumeMount.Spec(
                "tank/v",
                directory,
                Set.of(MountOption.READ_ONLY, MountOption.NO_EXEC, MountOption.RELATIVE_ACCESS_TIMES),
                1,
                1);
        assertThat(JnrTransport.options(spec, false))
                .contains("fsname=tank/v", "subtype=dynamicfs", "default_permissions", "ro", "noexec")
                .doesNotContain("relatime", "suid", "dev");
        assertThat(JnrTransport.options(spec, true)).contains("suid", "dev");
    }
}
