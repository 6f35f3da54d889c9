package io.dynamicfs.csi.disk;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Scans again and again, sooner when the kernel has other devices than before, and keeps the latest result. */
public final class DiskWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DiskWatch.class);
    private static final Duration RESCAN = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** One look at all disks; {@code settled} when the look before saw the same ones with the same labels. */
    public record Scan(long number, boolean settled, List<BlockDisk> disks) {
        public Scan {
            disks = List.copyOf(disks);
        }
    }

    private final DiskScanner scanner;
    private final Semaphore asked = new Semaphore(0);
    private final CountDownLatch first = new CountDownLatch(1);
    private final Object scanned = new Object();
    private final Thread thread;
    private volatile boolean closed;
    private volatile Scan latest = new Scan(0, false, List.of());
    private volatile long begun;

    public DiskWatch(DiskScanner scanner) {
        this.scanner = scanner;
        this.thread = Thread.ofPlatform().daemon().name("disks").unstarted(this::run);
    }

    public DiskWatch start() {
        thread.start();
        return this;
    }

    /** The latest scan; number 0 and empty before the first one. */
    public Scan latest() {
        return latest;
    }

    /** The latest scan, after waiting for the first one if need be. */
    public Scan await(Duration limit) throws InterruptedException {
        boolean ignored = first.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        return latest;
    }

    /** A scan that began after this call, or the latest one when {@code limit} is over. */
    public Scan awaitRescan(Duration limit) throws InterruptedException {
        long running = latest.number() + 1;
        long deadline = System.nanoTime() + limit.toNanos();
        synchronized (scanned) {
            while (latest.number() <= running) {
                rescan();
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    break;
                }
                scanned.wait(Math.min(left, LOOK.toMillis()));
            }
        }
        return latest;
    }

    /**
     * Scans as soon as possible: somebody has changed what is on the disks. Returns the number of the first scan that begins
     * after this call.
     */
    public long rescan() {
        asked.release();
        return begun + 1;
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        while (!closed) {
            try {
                begun = latest.number() + 1;
                List<String> names = scanner.names();
                List<BlockDisk> disks = scanner.scan();
                Scan before = latest;
                boolean settled =
                        before.number() > 0 && FoundPool.among(before.disks()).equals(FoundPool.among(disks));
                latest = new Scan(before.number() + 1, settled, disks);
                first.countDown();
                synchronized (scanned) {
                    scanned.notifyAll();
                }
                awaitReason(names, settled ? RESCAN : LOOK);
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.error("event=disk-scan-failed", e);
                first.countDown();
                pause();
            }
        }
    }

    private void awaitReason(List<String> names, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() < deadline && scanner.names().equals(names)) {
            if (asked.tryAcquire(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
                asked.drainPermits();
                return;
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(LOOK);
        } catch (InterruptedException e) {
            closed = true;
        }
    }
}
