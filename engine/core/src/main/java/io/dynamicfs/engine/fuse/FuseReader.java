package io.dynamicfs.engine.fuse;

import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.FuseDevice;
import io.dynamicfs.engine.syscall.WakeSignal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that reads requests and answers them, with a buffer for each direction. Both are placed so that the data of a
 * WRITE and of a READ begin on a page, as direct disk I/O wants it.
 */
final class FuseReader implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(FuseReader.class);
    private static final int ALIGNMENT = 4096;
    private static final int REQUEST_START = ALIGNMENT - RequestLayout.WRITE_DATA;
    private static final int REPLY_START = ALIGNMENT - ReplyLayout.HEADER_BYTES;
    private static final int BUFFER_BYTES = ALIGNMENT + Negotiated.DATA_BYTES_MAX + ALIGNMENT;

    /** A device that fails this often in a row is given up; one failure is no reason to lose the mount. */
    private static final int FAILURES_MAX = 100;

    private final FuseConnection connection;
    private final FuseDevice device;
    private final ReplyChannel channel;
    private final RequestDispatcher dispatcher;
    private volatile int threadId;
    private volatile boolean ended;

    FuseReader(FuseConnection connection, FuseDevice device, ReplyChannel channel, RequestDispatcher dispatcher) {
        this.connection = connection;
        this.device = device;
        this.channel = channel;
        this.dispatcher = dispatcher;
    }

    @Override
    public void run() {
        boolean disconnected = false;
        try (Arena arena = Arena.ofShared()) {
            threadId = WakeSignal.threadId();
            MemorySegment requestBytes = arena.allocate(BUFFER_BYTES, ALIGNMENT).asSlice(REQUEST_START);
            MemorySegment reply = arena.allocate(BUFFER_BYTES, ALIGNMENT).asSlice(REPLY_START);
            disconnected = serve(requestBytes, reply);
        } catch (RuntimeException | Error failure) {
            LOG.error("fuse reader ended: connection={}", connection.id(), failure);
        } finally {
            ended = true;
            connection.readerEnded(disconnected);
        }
    }

    /** Interrupts the wait for a request, so that the reader sees that it shall stop. */
    void wake() {
        if (!ended && threadId != 0) {
            WakeSignal.wake(threadId);
        }
    }

    boolean hasEnded() {
        return ended;
    }

    /** Serves until the connection stops or ends; true when it was the kernel that ended it. */
    private boolean serve(MemorySegment requestBytes, MemorySegment reply) {
        FuseRequest request = new FuseRequest(connection.id(), requestBytes);
        int failures = 0;
        while (!connection.isStopping()) {
            long count = device.read(requestBytes.address(), requestBytes.byteSize());
            if (count >= RequestLayout.BODY) {
                failures = 0;
                request.received((int) count);
                answer(request, reply);
            } else if (count == -Errno.ENODEV.number()) {
                return true;
            } else if (!isPassing(count) && ++failures >= FAILURES_MAX) {
                LOG.error("fuse device gives no requests: connection={} result={}", connection.id(), count);
                return true;
            }
        }
        return false;
    }

    /** Interrupted, nothing there, or a request that was withdrawn while it was read. */
    private static boolean isPassing(long count) {
        return count == -Errno.EINTR.number() || count == -Errno.EAGAIN.number() || count == -Errno.ENOENT.number();
    }

    private void answer(FuseRequest request, MemorySegment reply) {
        int length;
        try {
            length = dispatcher.serve(request, reply);
        } catch (RuntimeException | Error failure) {
            length = dispatcher.error(request, reply, Errno.EIO);
        }
        if (length != RequestDispatcher.NO_REPLY) {
            channel.send(reply.address(), length);
        }
        dispatcher.replied();
    }
}
