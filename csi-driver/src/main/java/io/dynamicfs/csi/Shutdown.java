package io.dynamicfs.csi;

import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The end of a process that serves until it is told to stop. */
final class Shutdown {
    private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);

    private Shutdown() {}

    /** Waits for SIGTERM or SIGINT, closes {@code service} and ends the process with 0. Never returns. */
    static void await(AutoCloseable service) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
            LOG.info("event=stopping");
            try {
                service.close();
            } catch (Exception e) {
                LOG.error("event=stop-failed", e);
            }
            LOG.info("event=stopped");
            Runtime.getRuntime().halt(0);
        }));
        new CountDownLatch(1).await();
    }
}
