package io.dynamicfs.engine.mount;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountTableTest {
    private static final String MOUNT_INFO = """
            22 27 0:21 / /proc rw,relatime - proc proc rw
            27 1 254:0 / / rw,relatime shared:1 master:7 - ext4 /dev/vda rw,discard
            42 27 0:39 / /mnt/with\\040space\\134and\\011tab rw - fuse.dynamicfs pool/a\\040b rw,user_id=0
            43 27 0:40 / /mnt/twice rw - fuse.dynamicfs pool/below rw
            44 43 0:41 / /mnt/twice rw - tmpfs above rw
            short line
            """;

    @Test
    void escapedNamesAndOptionalFieldsAreUnderstood() {
        MountTable table = MountTable.parse(MOUNT_INFO);

        assertThat(table.at(Path.of("/mnt/with space\\and\ttab")))
                .hasValue(new MountTable.Entry(
                        "0:39",
                        Path.of("/"),
                        Path.of("/mnt/with space\\and\ttab"),
                        List.of("rw"),
                        "fuse.dynamicfs",
                        "pool/a b"));
        assertThat(table.at(Path.of("/")).orElseThrow().type()).isEqualTo("ext4");
    }

    @Test
    void theMountOnTopIsFound() {
        assertThat(MountTable.parse(MOUNT_INFO)
                        .at(Path.of("/mnt/twice"))
                        .orElseThrow()
                        .source())
                .isEqualTo("above");
    }

    @Test
    void aDirectoryThatIsNoMountPointHasNoMount() {
        assertThat(MountTable.parse(MOUNT_INFO).at(Path.of("/mnt"))).isEmpty();
    }

    @Test
    void theTableOfThisProcessIsReadable() throws IOException {
        assertThat(MountTable.read().at(Path.of("/proc")).orElseThrow().type()).isEqualTo("proc");
    }
}
