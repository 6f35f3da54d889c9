package io.dynamicfs.csi.engine;

import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.control.grpc.ErrorReasons;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Calls to the engine, each bounded in time. */
public final class EngineClient implements AutoCloseable {
    /** For what the engine answers from memory. */
    public static final Duration QUICK = Duration.ofSeconds(5);

    /** For what has to reach the disks. */
    public static final Duration SLOW = Duration.ofSeconds(30);

    private final Path socket;
    private final ControlClient client;

    public EngineClient(Path socket) {
        this.socket = socket;
        this.client = new ControlClient(socket);
    }

    /** One call. Nobody there and no answer in time are the same: {@link EngineDown}. */
    public <T> T call(Duration limit, Function<EngineControlBlockingStub, T> call) throws EngineFailure {
        try {
            return call.apply(client.engine().withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS));
        } catch (StatusRuntimeException e) {
            String reason = ErrorReasons.of(e);
            Status.Code code = e.getStatus().getCode();
            String message = Objects.requireNonNullElse(e.getStatus().getDescription(), code.toString());
            if (reason != null) {
                throw new EngineRefusal(reason, code, message, e);
            }
            if (code == Status.Code.UNAVAILABLE
                    || code == Status.Code.DEADLINE_EXCEEDED
                    || code == Status.Code.CANCELLED) {
                throw new EngineDown(
                        "engine at " + socket + ": expected an answer within " + limit.toMillis() + " ms, found "
                                + (code == Status.Code.DEADLINE_EXCEEDED ? "none" : message)
                                + "; see whether the engine's pod on this node runs",
                        e);
            }
            throw new EngineRefusal(code.toString(), code, message, e);
        }
    }

    /** The next call tries to connect at once. */
    void reconnect() {
        client.reconnect();
    }

    @Override
    public void close() {
        client.close();
    }
}
