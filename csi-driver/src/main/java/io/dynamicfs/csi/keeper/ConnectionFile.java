package io.dynamicfs.csi.keeper;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The record of the connections, which outlives this process but not the node's boot: it is on tmpfs. */
final class ConnectionFile {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionFile.class);
    private static final int VERSION = 1;
    private static final ObjectMapper JSON =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

    private final Path path;

    /** The whole file. */
    record Content(int version, List<KeptConnection> connections) {}

    ConnectionFile(Path path) {
        this.path = path;
    }

    /** Nothing when there is no file; one that cannot be understood is set aside and reported. */
    List<KeptConnection> read() throws IOException {
        try {
            Content content = JSON.readValue(Files.readAllBytes(path), Content.class);
            return content.connections() == null ? List.of() : content.connections();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (JsonProcessingException e) {
            Path aside = path.resolveSibling(path.getFileName() + ".unreadable");
            Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
            LOG.error("event=record-unreadable path={} moved-to={} cause={}", path, aside, e.getMessage());
            return List.of();
        }
    }

    void write(Collection<KeptConnection> connections) throws IOException {
        byte[] bytes =
                JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(new Content(VERSION, List.copyOf(connections)));
        Path next = path.resolveSibling(path.getFileName() + ".new");
        Files.deleteIfExists(next);
        try (FileChannel file = FileChannel.open(
                next,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                file.write(buffer);
            }
        }
        Files.move(next, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
