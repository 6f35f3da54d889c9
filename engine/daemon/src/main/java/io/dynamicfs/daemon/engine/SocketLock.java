package io.dynamicfs.daemon.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Says that one engine lives at a socket. The kernel drops it with the process, so a dead engine never blocks a new one. */
final class SocketLock implements AutoCloseable {
    private final FileChannel channel;

    private SocketLock(FileChannel channel) {
        this.channel = channel;
    }

    static SocketLock take(Path socket) throws EngineException {
        Path file = socket.resolveSibling(socket.getFileName() + ".lock");
        try {
            FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            @Nullable FileLock lock = tryLock(channel);
            if (lock == null) {
                String owner = Files.readString(file).strip();
                channel.close();
                throw new EngineException(
                        EngineException.Reason.ENGINE_RUNNING,
                        "expected no engine at " + socket + ", found one with process id " + owner
                                + ". Stop it first, or give this one another --socket and --state-dir.");
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new SocketLock(channel);
        } catch (IOException e) {
            throw new EngineException(
                    EngineException.Reason.DIRECTORY_UNUSABLE, "cannot lock " + file + ": " + e.getMessage(), e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The lock goes with the process at the latest.
        }
    }
}
