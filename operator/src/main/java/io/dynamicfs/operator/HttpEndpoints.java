package io.dynamicfs.operator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/** /healthz, /readyz and /metrics. Healthy is who answers; ready is who watches the API server. */
final class HttpEndpoints implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private HttpEndpoints(HttpServer server) {
        this.server = server;
    }

    /** Port 0 takes any. {@code unready} says what is missing, or nothing. */
    static HttpEndpoints start(int port, Supplier<Optional<String>> unready, Supplier<String> metrics)
            throws IOException {
        HttpEndpoints endpoints = new HttpEndpoints(HttpServer.create(new InetSocketAddress(port), 0));
        endpoints.server.setExecutor(endpoints.threads);
        endpoints.server.createContext("/healthz", exchange -> answer(exchange, 200, "ok\n"));
        endpoints.server.createContext("/readyz", exchange -> {
            Optional<String> missing = unready.get();
            answer(exchange, missing.isEmpty() ? 200 : 503, missing.orElse("ok") + "\n");
        });
        endpoints.server.createContext("/metrics", exchange -> answer(exchange, 200, metrics.get()));
        endpoints.server.start();
        return endpoints;
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private static void answer(HttpExchange exchange, int code, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        exchange.sendResponseHeaders(code, body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }
}
