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
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The life of an engine's process: start, serve, stop on a signal. */
public final class EngineProcess {
    private static final Logger LOG = LoggerFactory.getLogger(EngineProcess.class);

    /** More than the calls that may take long, checks above all, so that somebody always says that the engine lives. */
    private static final int CONTROL_THREADS = 16;

    private EngineProcess() {}

    /** Serves until SIGTERM or SIGINT ends the process; what was answered is committed then. Never returns. */
    public static void run(EngineSettings settings, PrintStream out) throws EngineException, InterruptedException {
        EngineFacts facts =
                new EngineFacts(InstantSource.system().millis(), Blake3.kernelName(), ErasureCode.kernelName());
        Engine engine = Engine.start(settings);
        UnixServer server = serve(engine, new ControlService(engine, facts));
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> stop(engine, server)));
        out.println("dynamicfs engine " + Version.text() + " listens on " + settings.socket() + " (process "
                + ProcessHandle.current().pid() + ", BLAKE3 " + facts.hashKernel() + ", erasure "
                + facts.erasureKernel() + ", memory in " + settings.memoryDirectory() + ")");
        out.flush();
        new CountDownLatch(1).await();
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
    private static void stop(Engine engine, UnixServer server) {
        LOG.info("event=stopping");
        server.close();
        engine.close();
        LOG.info("event=stopped");
        Runtime.getRuntime().halt(0);
    }
}
