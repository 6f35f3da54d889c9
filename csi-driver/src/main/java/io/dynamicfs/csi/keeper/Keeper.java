package io.dynamicfs.csi.keeper;

import io.dynamicfs.csi.mount.MountFlags;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.engine.fuse.FuseConnection;
import io.dynamicfs.engine.mount.BackingDevice;
import io.dynamicfs.engine.mount.MountTable;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the FUSE connections of this node: for each a descriptor, so that the mount outlives any engine, and a record, so that
 * it outlives this process too. Invariant: a connection is in the record before its mount can be seen, and as long as its
 * descriptor is held.
 */
public final class Keeper implements AutoCloseable {
    public static final String TYPE = "fuse.dynamicfs";

    private static final Logger LOG = LoggerFactory.getLogger(Keeper.class);

    private final ConnectionFile file;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, KeptConnection> records = new LinkedHashMap<>();
    private final Map<String, FuseDevice> devices = new HashMap<>();

    public Keeper(Path record, InstantSource clock) throws IOException {
        this.file = new ConnectionFile(record);
        this.clock = clock;
        for (KeptConnection connection : file.read()) {
            records.put(connection.id(), connection);
        }
    }

    /** Mounts a volume at an existing directory and holds the connection; nobody serves it yet. */
    public KeptConnection mount(String volume, String source, Path staging, boolean readOnly, MountFlags flags)
            throws Refusal {
        FuseDevice device = openFuse();
        String id = Long.toUnsignedString(random.nextLong());
        KeptConnection connection = new KeptConnection(
                id,
                volume,
                source,
                staging.toString(),
                "",
                readOnly,
                flags.names(),
                flags.context(),
                clock.millis(),
                null);
        hold(connection, device);
        try {
            long bits = flags.bits() | (readOnly ? Mounts.READ_ONLY : 0);
            Mounts.mount(source, staging, TYPE, bits, data(device, flags));
        } catch (KernelException refused) {
            release(id);
            throw new Refusal(
                    Status.Code.INTERNAL,
                    "mount of " + source + " at " + staging + ": expected the kernel to accept it, found "
                            + refused.getMessage()
                            + (flags.context() == null
                                    ? "; see the kernel log"
                                    : "; a context needs a node with SELinux"),
                    refused);
        }
        String superblock = MountPaths.table()
                .at(staging)
                .filter(mount -> mount.type().equals(TYPE))
                .map(MountTable.Entry::device)
                .orElse("");
        KeptConnection mounted = new KeptConnection(
                id,
                volume,
                source,
                staging.toString(),
                superblock,
                readOnly,
                flags.names(),
                flags.context(),
                connection.sinceMillis(),
                null);
        record(mounted);
        return mounted;
    }

    /** The engine serves it: what was agreed on is remembered for the next one. */
    public void served(String id, KeptConnection.Agreed agreed) throws Refusal {
        KeptConnection connection;
        synchronized (this) {
            connection = records.get(id);
        }
        if (connection != null) {
            record(connection.agreedOn(agreed));
        }
    }

    /** Lifts the kernel's limits for the page cache of a mount that has answered a first request. */
    public static void tune(KeptConnection connection) {
        if (!connection.device().isEmpty()) {
            BackingDevice.tune(connection.device());
        }
    }

    /** Remembers a connection that an engine serves and that is not in the record, which somebody must have lost. */
    public void adopt(KeptConnection connection) throws Refusal {
        record(connection);
    }

    /**
     * Takes over the descriptor of a connection that the engine still has and we do not. Closes it if we do, or if the
     * connection is not in the record: false then.
     */
    synchronized boolean keep(String id, String volume, int descriptor, KeptConnection.Agreed agreed) {
        KeptConnection connection = records.get(id);
        if (connection == null || devices.containsKey(id)) {
            FileDescriptors.close(descriptor);
            return connection != null;
        }
        devices.put(id, FuseDevice.adopt(descriptor));
        records.put(id, connection.of(volume).agreedOn(agreed));
        persist();
        return true;
    }

    /** Another descriptor of the connection, which the caller closes; empty when none is held. */
    synchronized Optional<Integer> duplicate(String id) {
        FuseDevice device = devices.get(id);
        if (device == null) {
            return Optional.empty();
        }
        int copy = FileDescriptors.duplicate(device.fd());
        return copy < 0 ? Optional.empty() : Optional.of(copy);
    }

    /** Closes the descriptor and forgets the connection. If nobody else has it, the kernel ends the connection. */
    public void release(String id) {
        FuseDevice device;
        synchronized (this) {
            records.remove(id);
            device = devices.remove(id);
            persist();
        }
        if (device != null) {
            device.release();
        }
    }

    public synchronized List<KeptConnection> connections() {
        return List.copyOf(records.values());
    }

    /** Whether a descriptor of the connection is held here. */
    public synchronized boolean holds(String id) {
        return devices.containsKey(id);
    }

    /** Whether the kernel still has the connection: false after an abort and after the last unmount. */
    public synchronized boolean isConnected(String id) {
        FuseDevice device = devices.get(id);
        return device != null && device.isConnected();
    }

    /** What is known of a mount of ours. */
    public enum Condition {
        LIVE,
        /** The descriptor is with an engine alone, or gone: the engine has to be asked. */
        UNKNOWN,
        /** Its connection has ended; only unmounting is left. */
        DEAD
    }

    public Condition condition(MountTable.Entry mount) {
        Optional<KeptConnection> connection = behind(mount);
        if (connection.isEmpty()) {
            return Condition.DEAD;
        }
        String id = connection.get().id();
        return !holds(id) ? Condition.UNKNOWN : isConnected(id) ? Condition.LIVE : Condition.DEAD;
    }

    /** The connection behind a mount, by its superblock. */
    public synchronized Optional<KeptConnection> behind(MountTable.Entry mount) {
        return records.values().stream()
                .filter(connection -> connection.device().equals(mount.device()))
                .findFirst();
    }

    @Override
    public void close() {
        // The descriptors go with the process; the engine still has its own.
    }

    private synchronized void hold(KeptConnection connection, FuseDevice device) throws Refusal {
        devices.put(connection.id(), device);
        record(connection);
    }

    private synchronized void record(KeptConnection connection) throws Refusal {
        @Nullable KeptConnection before = records.put(connection.id(), connection);
        try {
            file.write(records.values());
        } catch (IOException e) {
            LOG.error("event=record-not-written connection={} volume={}", connection.id(), connection.volume(), e);
            if (before == null) {
                records.remove(connection.id());
                FuseDevice device = devices.remove(connection.id());
                if (device != null) {
                    device.release();
                }
                throw new Refusal(
                        Status.Code.UNAVAILABLE,
                        "record of the connections: expected to write it, found " + e
                                + "; without it the mount would not survive a restart of this process",
                        e);
            }
        }
    }

    private void persist() {
        try {
            file.write(records.values());
        } catch (IOException e) {
            LOG.error("event=record-not-written", e);
        }
    }

    private static FuseDevice openFuse() throws Refusal {
        try {
            return FuseDevice.open();
        } catch (KernelException refused) {
            throw new Refusal(
                    refused.is(Errno.EPERM) || refused.is(Errno.EACCES)
                            ? Status.Code.PERMISSION_DENIED
                            : Status.Code.FAILED_PRECONDITION,
                    "FUSE: expected to open /dev/fuse, found " + refused.getMessage()
                            + "; load the module fuse on this node",
                    refused);
        }
    }

    private static String data(FuseDevice device, MountFlags flags) {
        return "fd=" + device.fd() + ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read="
                + FuseConnection.DATA_BYTES_MAX
                + (flags.context() == null ? "" : ",context=" + flags.context());
    }
}
