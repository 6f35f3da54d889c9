package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fuse.FuseConnection;
import io.dynamicfs.engine.fuse.Negotiated;
import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import java.net.ProtocolException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A volume that is mounted at a directory and served by threads of this process. */
public final class VolumeMount implements Mount {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeMount.class);
    private static final Duration INIT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration ORPHANS_INTERVAL = Duration.ofMillis(500);

    /** How a volume is unmounted. */
    public enum Unmount {
        /** Refused while files are open or a process works in the mount. */
        WHEN_UNUSED,

        /** Out of the tree at once; who has files open keeps them, and the mount ends with the last one. */
        LAZILY
    }

    /**
     * Where and how a volume is mounted. {@code source} is what mount(8) shows, pool/volume. {@code connection} is a random
     * number that no other mount has. {@code readers} is how many requests are served at once.
     */
    public record Spec(String source, Path directory, Set<MountOption> options, long connection, int readers) {
        public static final int READERS_DEFAULT = 4;

        public Spec {
            options = Set.copyOf(options);
            if (readers < 1) {
                throw new IllegalArgumentException("readers of a mount: expected at least 1, found " + readers);
            }
        }
    }

    private final Path directory;
    private final String source;
    private final FuseConnection connection;
    private final VolumeHandler handler;
    private volatile String device = "";
    private volatile boolean served;

    private VolumeMount(PosixVolume volume, Spec spec, Path directory, FuseDevice fuse, Runnable onEnd) {
        this.directory = directory;
        this.source = spec.source();
        this.handler = new VolumeHandler(volume, spec.source(), spec.options());
        this.connection = new FuseConnection(fuse, spec.connection(), handler, () -> {
            handler.disconnect(spec.connection());
            LOG.info("mount ended: volume={} directory={}", source, directory);
            if (served) {
                onEnd.run();
            }
        });
    }

    /**
     * Mounts {@code volume} and starts serving it. {@code onEnd} is called once, by a reader, when a successful mount has
     * ended, by {@link #unmount} or by anybody else; the volume is not used any more then.
     */
    public static VolumeMount mount(PosixVolume volume, Spec spec, ThreadFactory threads, Runnable onEnd)
            throws MountException {
        Path directory = MountPoint.prepare(spec.directory(), VolumeMount::unmount);
        FuseDevice fuse = openDevice();
        VolumeMount mount = new VolumeMount(volume, spec, directory, fuse, onEnd);
        attach(spec, directory, fuse);
        mount.serve(spec.readers(), threads);
        return mount;
    }

    /**
     * Serves a connection that somebody else has mounted, at {@code spec}'s directory, and keeps. With {@code resumed}, what it
     * had agreed on with the server that it lost, it goes on where that one ended; otherwise the kernel's INIT is awaited.
     * {@code descriptor} belongs to this mount, also when it fails.
     */
    public static VolumeMount serve(
            PosixVolume volume,
            Spec spec,
            int descriptor,
            @Nullable Negotiated resumed,
            ThreadFactory threads,
            Runnable onEnd)
            throws MountException {
        VolumeMount mount = new VolumeMount(volume, spec, spec.directory(), FuseDevice.adopt(descriptor), onEnd);
        volume.setReferencesKnown(resumed == null);
        if (resumed != null) {
            mount.handler.resume();
        }
        mount.serveKept(spec.readers(), resumed, threads);
        return mount;
    }

    private void serveKept(int readers, @Nullable Negotiated resumed, ThreadFactory threads) throws MountException {
        if (resumed == null) {
            // A server that died before it answered INIT may have read it.
            connection.resend();
        } else if (!connection.resume(resumed)) {
            LOG.warn(
                    "the kernel sends nothing again, requests that the last server had read wait for ever: volume={}",
                    source);
        }
        connection.start(readers, threads);
        try {
            Negotiated negotiated = connection.awaitNegotiated(INIT_TIMEOUT);
            served = true;
            LOG.info(
                    "serving: volume={} directory={} connection={} resumed={} protocol={} features={}",
                    source,
                    directory,
                    Long.toUnsignedString(connection.id()),
                    resumed != null,
                    negotiated.minor(),
                    Long.toHexString(negotiated.features()));
        } catch (ProtocolException tooOld) {
            connection.leave();
            throw new MountException(
                    Reason.KERNEL_TOO_OLD, "mount at " + directory + ": " + tooOld.getMessage(), tooOld);
        } catch (TimeoutException silent) {
            connection.leave();
            throw new MountException(
                    Reason.FAILED,
                    "connection of " + source + ": expected the kernel's INIT within " + INIT_TIMEOUT
                            + ", found none; is it mounted, and was it served before?",
                    silent);
        } catch (InterruptedException interrupted) {
            connection.leave();
            Thread.currentThread().interrupt();
            throw new MountException(Reason.FAILED, "mount at " + directory + ": interrupted", interrupted);
        }
        if (resumed != null) {
            threads.newThread(this::confirmOrphans).start();
        }
    }

    /** As long as the connection lives: the kernel may hold files since before this server that lose their names only now. */
    private void confirmOrphans() {
        try {
            while (!connection.awaitEnd(ORPHANS_INTERVAL)) {
                handler.confirmOrphans(connection::invalidateAttributes);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the kernel and the first server of this connection have agreed on. */
    public Negotiated negotiated() throws MountException {
        try {
            return connection.awaitNegotiated(INIT_TIMEOUT);
        } catch (ProtocolException | TimeoutException e) {
            throw new MountException(Reason.FAILED, "mount at " + directory + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MountException(Reason.FAILED, "mount at " + directory + ": interrupted", e);
        }
    }

    /** The random number of the connection. */
    public long connectionId() {
        return connection.id();
    }

    /** Lends the connection's descriptor; false when the connection has ended. */
    public <E extends Exception> boolean lendDescriptor(FuseConnection.DescriptorTaker<E> taker) throws E {
        return connection.lendDescriptor(taker);
    }

    /** Stops serving between two requests; whoever keeps the connection finds another server for what comes then. */
    public void leave() {
        connection.leave();
    }

    @Override
    public Path directory() {
        return directory;
    }

    public String source() {
        return source;
    }

    FuseConnection connection() {
        return connection;
    }

    @Override
    public boolean hasEnded() {
        return connection.hasEnded();
    }

    @Override
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return connection.awaitEnd(timeout);
    }

    @Override
    public boolean unmount(Unmount how, Duration timeout) throws MountException, InterruptedException {
        MountPoint.unmount(this, source, device, how, VolumeMount::unmount);
        return connection.awaitEnd(timeout);
    }

    private static FuseDevice openDevice() throws MountException {
        try {
            return FuseDevice.open();
        } catch (KernelException refused) {
            throw new MountException(
                    Reason.NO_FUSE_DEVICE,
                    "FUSE: expected to open /dev/fuse, found " + refused.getMessage()
                            + "; load the module fuse and give the process access to the device, or start the engine with"
                            + " --transport=jnr, which mounts with the help of fusermount",
                    refused);
        }
    }

    private static void attach(Spec spec, Path directory, FuseDevice fuse) throws MountException {
        // Reads larger than the reply buffers must not come, whatever size a page of this machine has.
        String data =
                "fd=" + fuse.fd() + ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other,max_read="
                        + FuseConnection.DATA_BYTES_MAX;
        try {
            Mounts.mount(spec.source(), directory, MountPoint.TYPE, MountOption.flags(spec.options()), data);
        } catch (KernelException refused) {
            fuse.release();
            boolean denied = refused.is(Errno.EPERM) || refused.is(Errno.EACCES);
            throw new MountException(
                    denied ? Reason.NOT_PERMITTED : Reason.FAILED,
                    "mount of " + spec.source() + " at " + directory + ": expected the kernel to accept it, found "
                            + refused.getMessage()
                            + (denied
                                    ? "; the engine needs the capability CAP_SYS_ADMIN, or to be started with --transport=jnr, which mounts"
                                            + " with the help of fusermount"
                                    : "; see the kernel log"),
                    refused);
        }
    }

    private void serve(int readers, ThreadFactory threads) throws MountException {
        try {
            connection.start(readers, threads);
            Negotiated negotiated = connection.awaitNegotiated(INIT_TIMEOUT);
            device = MountPoint.mountAt(directory).map(MountTable.Entry::device).orElse("");
            served = true;
            // INIT is over for the kernel when the first other request is answered; until then it would undo the
            // settings.
            Mounts.isDisconnected(directory);
            BackingDevice.tune(device);
            LOG.info(
                    "mounted: volume={} directory={} device={} connection={} protocol={} features={}",
                    source,
                    directory,
                    device,
                    connection.id(),
                    negotiated.minor(),
                    Long.toHexString(negotiated.features()));
        } catch (ProtocolException tooOld) {
            abandon();
            throw new MountException(
                    Reason.KERNEL_TOO_OLD, "mount at " + directory + ": " + tooOld.getMessage(), tooOld);
        } catch (TimeoutException silent) {
            abandon();
            throw new MountException(
                    Reason.FAILED,
                    "mount at " + directory + ": expected the kernel's INIT within " + INIT_TIMEOUT
                            + ", found none; see the kernel log",
                    silent);
        } catch (InterruptedException interrupted) {
            abandon();
            Thread.currentThread().interrupt();
            throw new MountException(Reason.FAILED, "mount at " + directory + ": interrupted", interrupted);
        }
    }

    private static void unmount(Path directory, Unmount how) throws KernelException {
        Mounts.unmount(directory, how == Unmount.LAZILY ? Mounts.DETACH | Mounts.NO_FOLLOW : Mounts.NO_FOLLOW);
    }

    private void abandon() {
        try {
            unmount(directory, Unmount.LAZILY);
        } catch (KernelException failure) {
            LOG.warn("half-made mount stays: directory={} failure={}", directory, failure.getMessage());
        }
    }
}
