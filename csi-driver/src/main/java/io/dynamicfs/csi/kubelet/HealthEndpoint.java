package io.dynamicfs.csi.kubelet;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** Probes and figures over HTTP. Alive says only that this process answers: it is never killed for being slow. */
public final class HealthEndpoint implements AutoCloseable {
    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;

    private final HttpServer server;

    /** {@code problem} is empty when the process is ready; {@code metrics} is a text in Prometheus' format. */
    public static HealthEndpoint start(int port, Supplier<String> problem, Supplier<String> metrics)
            throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/livez", exchange -> answer(exchange, OK, "ok\n"));
        server.createContext("/readyz", exchange -> {
            String reason = problem.get();
            answer(exchange, reason.isEmpty() ? OK : UNAVAILABLE, (reason.isEmpty() ? "ok" : reason) + "\n");
        });
        server.createContext("/metrics", exchange -> answer(exchange, OK, metrics.get()));
        server.start();
        return new HealthEndpoint(server);
    }

    private HealthEndpoint(HttpServer server) {
        this.server = server;
    }

    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        try (exchange) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }
}
