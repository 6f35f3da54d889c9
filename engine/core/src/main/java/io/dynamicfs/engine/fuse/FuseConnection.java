package io.dynamicfs.engine.fuse;

import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.WakeSignal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server's end of one mount: some readers on one /dev/fuse descriptor. */
public final class FuseConnection {
    /** Bytes of data in one READ or WRITE at most. */
    public static final int DATA_BYTES_MAX = Negotiated.DATA_BYTES_MAX;

    private static final Logger LOG = LoggerFactory.getLogger(FuseConnection.class);
    private static final long WAKE_INTERVAL_NANOS = 200_000;
    private static final int NOTIFY_INVALIDATE_INODE = 2;
    private static final int NOTIFY_RESEND = 7;
    private static final int NOTIFICATION_BYTES = 16;
    private static final int INVALIDATION_BYTES = NOTIFICATION_BYTES + 24;

    private final FuseDevice device;
    private final long id;
    private final ReplyChannel channel;
    private final RequestDispatcher dispatcher;
    private final Runnable onEnd;
    private final CompletableFuture<Negotiated> negotiated = new CompletableFuture<>();
    private final CountDownLatch end = new CountDownLatch(1);

    private List<FuseReader> readers = List.of();
    private int running;
    private boolean disconnected;
    private volatile boolean stopping;

    /**
     * Serves {@code device} with {@code handler}. {@code id} is the random number that the connection keeps under every
     * server; {@code onEnd} is called once by the last reader when the kernel has ended the connection.
     */
    public FuseConnection(FuseDevice device, long id, FuseHandler handler, Runnable onEnd) {
        this.device = device;
        this.id = id;
        this.onEnd = onEnd;
        this.channel = new DeviceChannel();
        this.dispatcher = new RequestDispatcher(handler, channel, FuseDevice.pageBytes(), negotiated);
        WakeSignal.install();
    }

    public long id() {
        return id;
    }

    /** Starts {@code count} readers; allowed again after {@link #stop}. */
    public synchronized void start(int count, ThreadFactory threads) {
        if (running > 0 || disconnected) {
            throw new IllegalStateException("connection " + id + " is served already or has ended");
        }
        stopping = false;
        List<FuseReader> started = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            started.add(new FuseReader(this, device, channel, dispatcher));
        }
        readers = List.copyOf(started);
        running = count;
        for (FuseReader reader : readers) {
            threads.newThread(reader).start();
        }
    }

    /**
     * Goes on with a connection that a server before this one has left: what that one had read and not answered is sent again.
     * Before {@link #start}, and only when nobody else serves it. False when the kernel cannot (before Linux 6.9); those
     * requests then wait until the connection is aborted.
     */
    public boolean resume(Negotiated agreed) {
        dispatcher.resume(agreed);
        return resend();
    }

    /** Asks for what was read and never answered, of a connection of which nothing is known. */
    public boolean resend() {
        try (Arena arena = Arena.ofConfined()) {
            return notify(notification(arena, NOTIFY_RESEND, NOTIFICATION_BYTES)) >= 0;
        }
    }

    /**
     * Has the kernel look up the attributes of an inode anew. False when it does not know the inode: then nobody has it open.
     * May wait for the inode to leave the kernel, which may need other requests: it must not be called by a reader, but for the
     * inode of the request that this one has in hand, and not under a lock that requests need.
     */
    public boolean invalidateAttributes(long inode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = notification(arena, NOTIFY_INVALIDATE_INODE, INVALIDATION_BYTES);
            bytes.set(ValueLayout.JAVA_LONG, NOTIFICATION_BYTES, inode);
            // A negative offset leaves the cached data as it is.
            bytes.set(ValueLayout.JAVA_LONG, NOTIFICATION_BYTES + 8, -1);
            return notify(bytes) != -Errno.ENOENT.number();
        }
    }

    private static MemorySegment notification(Arena arena, int code, int length) {
        MemorySegment bytes = arena.allocate(INVALIDATION_BYTES, 8);
        bytes.set(ValueLayout.JAVA_INT, 0, length);
        bytes.set(ValueLayout.JAVA_INT, 4, code);
        return bytes.asSlice(0, length);
    }

    private long notify(MemorySegment bytes) {
        if (!device.retain()) {
            return -Errno.ENODEV.number();
        }
        try {
            return device.write(bytes.address(), bytes.byteSize());
        } finally {
            device.release();
        }
    }

    /** Takes an open descriptor of the connection. */
    public interface DescriptorTaker<E extends Exception> {
        void take(int descriptor) throws E;
    }

    /** Lends the descriptor; false when the connection has ended. */
    public <E extends Exception> boolean lendDescriptor(DescriptorTaker<E> taker) throws E {
        if (hasEnded() || !device.retain()) {
            return false;
        }
        try {
            taker.take(device.fd());
            return true;
        } finally {
            device.release();
        }
    }

    /** Stops serving and lets go of the descriptor. Somebody else keeps the connection, whose requests wait for a successor. */
    public void leave() {
        stop();
        synchronized (this) {
            if (disconnected) {
                return;
            }
            disconnected = true;
        }
        device.release();
        end.countDown();
    }

    /** Waits for the kernel's INIT, which comes first on every new connection; fails where the kernel is too old. */
    public Negotiated awaitNegotiated(Duration timeout)
            throws ProtocolException, TimeoutException, InterruptedException {
        try {
            return negotiated.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException refused) {
            throw new ProtocolException(String.valueOf(refused.getMessage()));
        }
    }

    /** Ends the readers between two requests and leaves the mount as it is: its requests wait for the next start. */
    public void stop() {
        List<FuseReader> stopped;
        synchronized (this) {
            stopping = true;
            stopped = readers;
        }
        while (!stopped.stream().allMatch(FuseReader::hasEnded)) {
            stopped.forEach(FuseReader::wake);
            LockSupport.parkNanos(WAKE_INTERVAL_NANOS);
        }
    }

    /** Whether the connection ended within {@code timeout}. */
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return end.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    public boolean hasEnded() {
        return end.getCount() == 0;
    }

    boolean isStopping() {
        return stopping;
    }

    void readerEnded(boolean byKernel) {
        synchronized (this) {
            running--;
            disconnected |= byKernel;
            if (running > 0 || !disconnected) {
                return;
            }
        }
        try {
            onEnd.run();
        } catch (RuntimeException failure) {
            LOG.error("end of a fuse connection was not handled: connection={}", id, failure);
        } finally {
            device.release();
            end.countDown();
        }
    }

    /** Writes replies to the device; kept apart so that only this package can answer. */
    private final class DeviceChannel implements ReplyChannel {
        @Override
        public void send(long address, long bytes) {
            long result = device.write(address, bytes);
            // The kernel no longer waits for the answer: its caller was killed or the connection has ended.
            if (result < 0 && result != -Errno.ENOENT.number() && result != -Errno.ENODEV.number()) {
                LOG.error("fuse reply refused: connection={} bytes={} errno={}", id, bytes, -result);
            }
        }

        @Override
        public void attributesChanged(long inode) {
            invalidateAttributes(inode);
        }

        @Override
        public boolean retain() {
            return device.retain();
        }

        @Override
        public void release() {
            device.release();
        }
    }
}
