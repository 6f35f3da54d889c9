package io.dynamicfs.daemon.control;

import io.dynamicfs.control.grpc.UnixServer;
import io.dynamicfs.daemon.Version;
import io.dynamicfs.daemon.engine.Engine;
import io.dynamicfs.daemon.engine.EngineException;
import io.dynamicfs.daemon.engine.EngineSettings;
import io.dynamicfs.engine.erasure.ErasureCode;
import io.dynamicfs.engine.hash.Blake3;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The life of an engine's process: start, serve, stop on a signal. */
public final class EngineProcess {
    private static final Logger LOG = LoggerFactory.getLogger(EngineProcess.class);

    /** More than the calls that may take long, checks above all, so that somebody always says that the engine lives. */
    private static final int CONTROL_THREADS = 16;

    private static final long WAIT_MILLIS = 200;

    private EngineProcess() {}

    /** Where an engine without rights of its own finds the keeper; {@code healthPort} is where probes ask, null for none. */
    public record Surroundings(
            @Nullable Path keeper, @Nullable Integer healthPort) {}

    /** Serves until SIGTERM or SIGINT ends the process; what was answered is committed then. Never returns. */
    public static void run(EngineSettings settings, Surroundings surroundings, PrintStream out)
            throws EngineException, InterruptedException {
        EngineFacts facts = new EngineFacts(
                UUID.randomUUID().toString(),
                InstantSource.system().millis(),
                Blake3.kernelName(),
                ErasureCode.kernelName());
        @Nullable HealthServer health = health(surroundings.healthPort());
        Engine engine = surroundings.keeper() == null
                ? Engine.start(settings)
                : startWithKeeper(settings, surroundings.keeper());
        UnixServer server = serve(engine, new ControlService(engine, facts));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> stop(engine, server, health)));
        if (health != null) {
            health.ready(true);
        }
        out.println("dynamicfs engine " + Version.text() + " listens on " + settings.socket() + " (process "
                + ProcessHandle.current().pid() + ", BLAKE3 " + facts.hashKernel() + ", erasure "
                + facts.erasureKernel() + ", memory in " + settings.memoryDirectory() + ")");
        out.flush();
        new CountDownLatch(1).await();
    }

    private static @Nullable HealthServer health(@Nullable Integer port) throws EngineException {
        if (port == null) {
            return null;
        }
        try {
            HealthServer health = HealthServer.start(port);
            LOG.info("event=health port={}", health.port());
            return health;
        } catch (IOException e) {
            throw new EngineException(
                    EngineException.Reason.DIRECTORY_UNUSABLE,
                    "cannot answer probes on port " + port + ": " + e.getMessage()
                            + ". Choose another one with --health-port.",
                    e);
        }
    }

    /** The keeper makes the engine's directories and gives them to its user, and an engine before this one may still end. */
    private static Engine startWithKeeper(EngineSettings settings, Path keeper)
            throws EngineException, InterruptedException {
        String said = "";
        while (true) {
            String missing;
            if (!Files.exists(keeper)) {
                missing = "expected the keeper's socket " + keeper + ", found nothing there yet";
            } else {
                try {
                    return Engine.start(settings, new KeeperClient(keeper));
                } catch (EngineException e) {
                    missing = String.valueOf(e.getMessage());
                }
            }
            if (!missing.equals(said)) {
                LOG.info("event=waiting message=\"{}\"", missing);
                said = missing;
            }
            Thread.sleep(WAIT_MILLIS);
        }
    }

    private static UnixServer serve(Engine engine, ControlService service) throws EngineException {
        try {
            return UnixServer.start(
                    engine.settings().socket(),
                    new UnixServer.Spec(List.of(service), List.of(), UnixServer.OWNER_ONLY, CONTROL_THREADS));
        } catch (IOException e) {
            engine.close();
            throw new EngineException(
                    EngineException.Reason.DIRECTORY_UNUSABLE,
                    "cannot listen on " + engine.settings().socket() + ": " + e.getMessage()
                            + ". Choose another place with --socket (at most 107 bytes).",
                    e);
        }
    }

    /** Ends the process with 0: being stopped is what an engine is for. The JVM would report the signal. */
    private static void stop(Engine engine, UnixServer server, @Nullable HealthServer health) {
        LOG.info("event=stopping");
        if (health != null) {
            health.ready(false);
        }
        server.close();
        engine.close();
        LOG.info("event=stopped");
        Runtime.getRuntime().halt(0);
    }
}
