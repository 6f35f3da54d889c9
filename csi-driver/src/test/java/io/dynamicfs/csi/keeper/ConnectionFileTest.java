package io.dynamicfs.csi.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionFileTest {
    @TempDir
    Path directory;

    private static KeptConnection connection(String id) {
        return new KeptConnection(
                id,
                "01234567-89ab-cdef-0123-456789abcdef/v",
                "tank/v",
                "/var/lib/kubelet/x",
                "0:57",
                true,
                List.of("NO_ACCESS_TIMES"),
                "\"a:b:c,d\"",
                12,
                new KeptConnection.Agreed(41, 1 << 20, 0x1805045e021L, 256));
    }

    @Test
    void theRecordIsReadAsItWasWrittenAndOnlyByItsOwner() throws IOException {
        Path path = directory.resolve("connections.json");
        ConnectionFile file = new ConnectionFile(path);
        assertThat(file.read()).isEmpty();
        List<KeptConnection> connections = List.of(connection("18446744073709551615"), connection("1"));
        file.write(connections);
        assertThat(file.read()).isEqualTo(connections);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
    }

    @Test
    void fieldsOfALaterVersionAreLeftAloneAndGarbageIsSetAside() throws IOException {
        Path path = directory.resolve("connections.json");
        ConnectionFile file = new ConnectionFile(path);
        file.write(List.of(connection("1")));
        Files.writeString(path, Files.readString(path).replace("\"readOnly\"", "\"later\" : 1, \"readOnly\""));
        assertThat(file.read()).containsExactly(connection("1"));
        Files.writeString(path, "{ nonsense");
        assertThat(file.read()).isEmpty();
        assertThat(directory.resolve("connections.json.unreadable")).hasContent("{ nonsense");
    }
}
