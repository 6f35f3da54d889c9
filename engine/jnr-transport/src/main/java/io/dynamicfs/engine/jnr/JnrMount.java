package io.dynamicfs.engine.jnr;

import io.dynamicfs.engine.mount.BackingDevice;
import io.dynamicfs.engine.mount.Mount;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.mount.MountPoint;
import io.dynamicfs.engine.mount.MountTable;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.syscall.Mounts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mount that libfuse has made, served by threads of ours. They read the requests themselves: libfuse's own loop would tell
 * neither what was asked for nor when it ends, and would bring threads that are new to the JVM with every request.
 */
final class JnrMount implements Mount {
    private static final Logger LOG = LoggerFactory.getLogger(JnrMount.class);

    /** A thread that serves an fsync waits for it, so there are more of them than there are processors. */
    private static final int THREADS_MIN = 10;

    private static final int FAILURES_MAX = 100;
    private static final int PAGE_BYTES = 4096;

    /** In the header of every request. */
    private static final int REQUEST_OPCODE = 4;

    private final LibFuseSession library;
    private final PathOperations operations;
    private final CurrentRequest request;
    private final String source;
    private final Path directory;
    private final long channel;
    private final long fileSystem;
    private final long session;
    private final AtomicInteger running = new AtomicInteger();
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile String device = "";

    private JnrMount(
            LibFuseSession library,
            PathOperations operations,
            CurrentRequest request,
            String source,
            Path directory,
            long fileSystem) {
        this.library = library;
        this.operations = operations;
        this.request = request;
        this.source = source;
        this.directory = directory;
        this.fileSystem = fileSystem;
        this.session = library.fuse_get_session(fileSystem);
        this.channel = library.fuse_session_next_chan(session, 0);
    }

    /** Mounts at {@code directory}; nobody answers yet. */
    static JnrMount attach(
            LibFuseSession library,
            PathOperations operations,
            CurrentRequest request,
            String source,
            Path directory,
            List<String> options)
            throws MountException {
        String[] arguments = {"dynamicfs", "-f", "-o", String.join(",", options), directory.toString()};
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mountPoint = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment isThreaded = arena.allocate(ValueLayout.JAVA_INT);
            long fileSystem = library.fuse_setup(
                    arguments.length,
                    arguments,
                    operations.callbacks(),
                    operations.callbacksBytes(),
                    mountPoint.address(),
                    isThreaded.address(),
                    0);
            if (fileSystem == 0) {
                throw new MountException(
                        Reason.NOT_PERMITTED,
                        "mount of " + source + " at " + directory + ": expected libfuse to mount it, found a refusal,"
                                + " whose reason is in the engine's standard error; it needs a /dev/fuse"
                                + " that everybody may open (mode 0666), a fusermount that is set-user-id root, and a directory"
                                + " that this user may write to");
            }
            library.free(mountPoint.get(ValueLayout.JAVA_LONG, 0));
            return new JnrMount(library, operations, request, source, directory, fileSystem);
        }
    }

    /** Starts the threads; {@code disconnect} comes before {@code onEnd}. */
    void serve(int readers, ThreadFactory threads, Runnable disconnect, Runnable onEnd) throws MountException {
        int count = Math.max(readers, THREADS_MIN);
        running.set(count);
        for (int i = 0; i < count; i++) {
            threads.newThread(() -> {
                        try {
                            answerRequests();
                        } catch (RuntimeException | Error failure) {
                            LOG.error("thread of a mount ended: volume={} directory={}", source, directory, failure);
                        } finally {
                            ended(disconnect, onEnd);
                        }
                    })
                    .start();
        }
        // The first answer comes after INIT.
        Mounts.isDisconnected(directory);
        device = MountPoint.mountAt(directory).map(MountTable.Entry::device).orElse("");
        if (Fusermount.isRoot()) {
            BackingDevice.tune(device);
        }
        LOG.info("mounted: volume={} directory={} device={} transport=jnr", source, directory, device);
    }

    private void answerRequests() {
        try (Arena arena = Arena.ofConfined()) {
            long bytes = library.fuse_chan_bufsize(channel);
            MemorySegment buffer = arena.allocate(bytes, PAGE_BYTES);
            MemorySegment receiver = arena.allocate(ValueLayout.JAVA_LONG);
            int failures = 0;
            while (library.fuse_session_exited(session) == 0 && failures < FAILURES_MAX) {
                receiver.set(ValueLayout.JAVA_LONG, 0, channel);
                int count = library.fuse_chan_recv(receiver.address(), buffer.address(), bytes);
                if (count > 0) {
                    failures = 0;
                    request.begin(buffer.get(ValueLayout.JAVA_INT, REQUEST_OPCODE));
                    library.fuse_session_process(session, buffer.address(), count, channel);
                    request.end();
                } else if (count != -Errno.EINTR.number() && count != -Errno.EAGAIN.number()) {
                    failures++;
                }
            }
        }
    }

    private void ended(Runnable disconnect, Runnable onEnd) {
        if (running.decrementAndGet() > 0) {
            return;
        }
        try {
            library.fuse_unmount(directory.toString(), channel);
            library.fuse_destroy(fileSystem);
            disconnect.run();
            LOG.info("mount ended: volume={} directory={} transport=jnr", source, directory);
            onEnd.run();
        } finally {
            Reference.reachabilityFence(operations);
            end.countDown();
        }
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public boolean hasEnded() {
        return end.getCount() == 0;
    }

    @Override
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return end.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public boolean unmount(Unmount how, Duration timeout) throws MountException, InterruptedException {
        MountPoint.unmount(this, source, device, how, Fusermount::unmount);
        return awaitEnd(timeout);
    }
}
