package io.dynamicfs.daemon.control;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** Answers probes over HTTP: /livez while the process runs, /readyz once {@link #ready} was called. */
final class HealthServer {
    private static final int BACKLOG = 16;
    private static final int OK = 200;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int NOT_READY = 503;

    private final HttpServer server;
    private volatile boolean ready;

    /** Listens on all addresses; port 0 takes any that is free. */
    static HealthServer start(int port) throws IOException {
        return new HealthServer(port);
    }

    private HealthServer(int port) throws IOException {
        server = HttpServer.create(new InetSocketAddress(port), BACKLOG);
        server.createContext("/livez", exchange -> answer(exchange, OK, "alive"));
        server.createContext(
                "/readyz",
                exchange -> answer(
                        exchange, ready ? OK : NOT_READY, ready ? "ready" : "the control socket is not served yet"));
        server.setExecutor(Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("health").factory()));
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    void ready(boolean now) {
        ready = now;
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        try (exchange) {
            boolean allowed = exchange.getRequestMethod().equals("GET");
            byte[] body = ((allowed ? text : "only GET") + "\n").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(allowed ? status : METHOD_NOT_ALLOWED, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
