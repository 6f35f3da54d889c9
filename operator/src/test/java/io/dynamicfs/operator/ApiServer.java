package io.dynamicfs.operator;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A real kube-apiserver with its etcd, as plain processes on free ports, gone when closed. */
final class ApiServer implements AutoCloseable {
    private static final String ADMIN_TOKEN = "test-admin";
    private static final Duration START_MAX = Duration.ofSeconds(60);

    private final Path binaries;
    private final Path directory;
    private final int etcdPort = freePort();
    private final int peerPort = freePort();
    private final int apiPort = freePort();
    private final Process etcd;
    private @Nullable Process apiServer;

    private ApiServer(Path binaries) throws IOException {
        this.binaries = binaries;
        this.directory = Files.createTempDirectory("api-server");
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
        run("openssl", "genrsa", "-out", file("sa.key"), "2048");
        Files.writeString(
                directory.resolve("tokens.csv"),
                ADMIN_TOKEN + ",admin,admin,system:masters\n" + "test-operator,operator,operator\n");
        etcd = start(
                "etcd",
                "--data-dir",
                file("etcd"),
                "--unsafe-no-fsync",
                "--listen-client-urls",
                "http://127.0.0.1:" + etcdPort,
                "--advertise-client-urls",
                "http://127.0.0.1:" + etcdPort,
                "--listen-peer-urls",
                "http://127.0.0.1:" + peerPort,
                "--initial-advertise-peer-urls",
                "http://127.0.0.1:" + peerPort,
                "--initial-cluster",
                "default=http://127.0.0.1:" + peerPort);
    }

    /** Where e2e/cluster builds them; of several versions the last. CLUSTER_BIN says it otherwise. */
    static Path binaries() {
        String given = System.getenv("CLUSTER_BIN");
        if (given != null) {
            return Path.of(given);
        }
        Path built = Path.of("/var/tmp/dynamicfs-cluster");
        if (Files.isDirectory(built)) {
            try (Stream<Path> versions = Files.list(built)) {
                return versions.filter(
                                version -> version.getFileName().toString().startsWith("bin-"))
                        .max(Comparator.naturalOrder())
                        .orElse(built);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return built;
    }

    static boolean isInstalled() {
        return Files.isExecutable(binaries().resolve("etcd"))
                && Files.isExecutable(binaries().resolve("kube-apiserver"));
    }

    static ApiServer start() throws IOException, InterruptedException, TimeoutException {
        ApiServer server = new ApiServer(binaries());
        try {
            server.startApiServer();
            server.installDefinitions();
            return server;
        } catch (IOException | InterruptedException | TimeoutException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    void startApiServer() throws IOException, InterruptedException, TimeoutException {
        apiServer = start(
                "kube-apiserver",
                "--etcd-servers",
                "http://127.0.0.1:" + etcdPort,
                "--secure-port",
                Integer.toString(apiPort),
                "--bind-address",
                "127.0.0.1",
                "--cert-dir",
                file("certificates"),
                "--token-auth-file",
                file("tokens.csv"),
                "--authorization-mode",
                "RBAC",
                "--service-account-issuer",
                "https://kubernetes.default.svc",
                "--service-account-key-file",
                file("sa.key"),
                "--service-account-signing-key-file",
                file("sa.key"),
                "--service-cluster-ip-range",
                "10.96.0.0/16");
        awaitReady();
    }

    /** Kills it in the middle of whatever it does; its data stays. */
    void killApiServer() throws InterruptedException {
        if (apiServer != null) {
            apiServer.destroyForcibly().waitFor();
        }
    }

    KubernetesClient admin() {
        return client(ADMIN_TOKEN);
    }

    /** A user without any permission that was not given to it. */
    KubernetesClient operator() {
        return client("test-operator");
    }

    void installDefinitions() throws InterruptedException, TimeoutException {
        try (KubernetesClient client = admin()) {
            for (CustomResourceDefinition definition : definitions(client)) {
                client.resource(definition).serverSideApply();
            }
            for (CustomResourceDefinition definition : definitions(client)) {
                client.resource(definition)
                        .waitUntilCondition(
                                found -> found != null
                                        && found.getStatus() != null
                                        && found.getStatus().getConditions().stream()
                                                .anyMatch(condition -> condition
                                                                .getType()
                                                                .equals("Established")
                                                        && condition.getStatus().equals("True")),
                                30,
                                TimeUnit.SECONDS);
            }
        }
    }

    static List<CustomResourceDefinition> definitions(KubernetesClient client) {
        try (Stream<Path> files = Files.list(Path.of("../crds/manifests"))) {
            List<CustomResourceDefinition> definitions = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                definitions.add(client.getKubernetesSerialization()
                        .unmarshal(Files.readString(file), CustomResourceDefinition.class));
            }
            return definitions;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        } catch (IOException | UncheckedIOException e) {
            System.err.println("not removed: " + directory + ": " + e);
        }
    }

    private void kill() {
        for (Process process : Stream.of(apiServer, etcd)
                .flatMap(process -> Stream.ofNullable(process))
                .toList()) {
            process.destroyForcibly();
            try {
                process.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private KubernetesClient client(String token) {
        Config config = new ConfigBuilder(Config.empty())
                .withMasterUrl("https://127.0.0.1:" + apiPort)
                .withOauthToken(token)
                .withTrustCerts(true)
                .withDisableHostnameVerification(true)
                .withRequestRetryBackoffLimit(0)
                .withNamespace("default")
                .build();
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    private void awaitReady() throws InterruptedException, TimeoutException {
        long end = System.nanoTime() + START_MAX.toNanos();
        String failure = "";
        try (KubernetesClient client = admin()) {
            while (System.nanoTime() < end && apiServer != null && apiServer.isAlive()) {
                try {
                    if ("ok".equals(client.raw("/readyz"))) {
                        return;
                    }
                } catch (KubernetesClientException e) {
                    failure = e.toString();
                }
                Thread.sleep(100);
            }
        }
        throw new TimeoutException("kube-apiserver did not become ready; last answer: " + failure
                + "; its log ends with:\n" + tail("kube-apiserver"));
    }

    private String tail(String program) {
        try {
            List<String> lines = Files.readAllLines(directory.resolve(program + ".log"));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private Process start(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(binaries.resolve(program).toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve(program + ".log").toFile()))
                .start();
    }

    private void run(String... command) throws IOException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", command) + " ended with " + process.exitValue());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
