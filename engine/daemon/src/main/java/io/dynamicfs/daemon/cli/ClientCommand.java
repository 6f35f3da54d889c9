package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.dynamicfs.control.grpc.ControlClient;
import io.dynamicfs.control.grpc.ErrorReasons;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that asks a running engine and prints the answer. */
@SuppressWarnings("NullAway.Init")
abstract class ClientCommand implements Callable<Integer>, Reporting {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Output output;

    @Mixin
    private Connection connection;

    abstract ExitCode run(EngineControlBlockingStub engine);

    @Override
    public Integer call() {
        try (ControlClient client = connection.open()) {
            return run(client.engine()).number();
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() == Status.Code.UNAVAILABLE && ErrorReasons.of(e) == null) {
                throw connection.unreachable();
            }
            throw e;
        }
    }

    @Override
    public Output output() {
        return output;
    }

    void print(JsonNode json, Consumer<PrintWriter> text) {
        output.print(spec.commandLine().getOut(), json, text);
    }
}
