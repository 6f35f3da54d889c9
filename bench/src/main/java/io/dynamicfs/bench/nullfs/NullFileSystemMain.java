package io.dynamicfs.bench.nullfs;

import io.dynamicfs.engine.fuse.FuseConnection;
import io.dynamicfs.engine.mount.BackingDevice;
import io.dynamicfs.engine.mount.MountTable;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeoutException;

/**
 * Mounts a {@link MemoryFileSystem} as the engine mounts a volume. Arguments: mount point, directory on tmpfs for the content,
 * bytes of content at most, readers. A line on standard input mounts it anew, with nothing in the kernel's caches; the end of
 * standard input ends it.
 */
public final class NullFileSystemMain {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final Path directory;
    private final MemoryFileSystem files;
    private final int readers;
    private final ThreadFactory threads =
            Thread.ofPlatform().name("null-fuse-", 0).factory();
    private long connections;

    private NullFileSystemMain(Path directory, MemoryFileSystem files, int readers) {
        this.directory = directory;
        this.files = files;
        this.readers = readers;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 4) {
            System.err.println(
                    "expected MOUNT-POINT CONTENT-DIRECTORY BYTES READERS, found " + arguments.length + " arguments");
            System.exit(2);
        }
        Blocks blocks = Blocks.in(Path.of(arguments[1]), Long.parseLong(arguments[2]));
        new NullFileSystemMain(
                        Path.of(arguments[0]).toRealPath(),
                        new MemoryFileSystem(blocks),
                        Integer.parseInt(arguments[3]))
                .run();
    }

    private void run() throws Exception {
        BufferedReader wishes = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        do {
            FuseConnection connection = mount();
            System.out.println("mounted " + directory);
            boolean again = wishes.readLine() != null;
            Mounts.unmount(directory, again ? Mounts.NO_FOLLOW : Mounts.NO_FOLLOW | Mounts.DETACH);
            if (!again) {
                return;
            }
            connection.awaitEnd(TIMEOUT);
            files.disconnected();
        } while (true);
    }

    private FuseConnection mount()
            throws IOException, KernelException, ProtocolException, TimeoutException, InterruptedException {
        FuseDevice device = FuseDevice.open();
        FuseConnection connection = new FuseConnection(device, ++connections, files, () -> {});
        String options = "fd=" + device.fd()
                + ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read="
                + FuseConnection.DATA_BYTES_MAX;
        Mounts.mount("null", directory, "fuse.null", 0, options);
        connection.start(readers, threads);
        connection.awaitNegotiated(TIMEOUT);
        // Before INIT is over for the kernel, it would undo the settings.
        Mounts.isDisconnected(directory);
        MountTable.read().at(directory).ifPresent(mount -> BackingDevice.tune(mount.device()));
        return connection;
    }
}
