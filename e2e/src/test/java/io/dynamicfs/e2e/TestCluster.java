package io.dynamicfs.e2e;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Two nodes with six disks each and our images: one fresh cluster for all tests of a run. */
final class TestCluster implements AutoCloseable {
    static final int NODES = 2;
    static final List<String> DISKS = List.of("a", "b", "c", "d", "e", "f");
    static final String DISK_SIZE = "2G";
    static final int DISK_COUNT = NODES * DISKS.size();

    private static final Duration IMAGES_LIMIT = Duration.ofMinutes(15);

    private final Path repository = repository();
    private final Path work = repository.resolve("e2e/target/e2e-report");
    private final Report report = new Report(work);
    private final Driver driver = new Driver(repository, NODES);
    private final KubernetesClient client;
    private final Kube kube;
    private final Product product;
    private boolean hasPool;

    private TestCluster() {
        Shell.Result choice = driver.choice();
        assumeTrue(choice.succeeded(), choice.output().strip());
        report.add("cluster", choice.output().strip());
        Path archives = images();
        try {
            Instant begin = Instant.now();
            driver.up();
            report.seconds("cluster up", begin);
            for (int node = 1; node <= NODES; node++) {
                for (String disk : DISKS) {
                    driver.addDisk(node, disk, DISK_SIZE);
                }
            }
            for (String image : List.of("debian", "operator", "csi-driver", "engine", "e2e-postgres")) {
                driver.load(archives.resolve(image + ".tar"));
            }
            client = new KubernetesClientBuilder()
                    .withConfig(Config.fromKubeconfig(driver.kubeconfig().toFile()))
                    .build();
            kube = new Kube(client);
            product = new Product(repository, work, driver, kube, report);
            product.install();
        } catch (RuntimeException | Error e) {
            new Diagnostics(driver).collect(work.resolve("start"));
            driver.close();
            throw e;
        }
    }

    static TestCluster start() {
        return new TestCluster();
    }

    private static Path repository() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("e2e/cluster/cluster"))) {
            directory = directory.getParent();
            if (directory == null) {
                throw new IllegalStateException("expected to run inside the repository");
            }
        }
        return directory;
    }

    private Path images() {
        Path archives = work.resolveSibling("images");
        String log = Shell.check(
                IMAGES_LIMIT,
                Map.of(),
                "",
                List.of(
                        repository.resolve("scripts/images").toString(),
                        "--archives",
                        archives.toString(),
                        "debian",
                        "operator",
                        "csi-driver",
                        "engine",
                        "e2e-postgres"));
        try {
            Files.writeString(work.resolve("images.log"), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return archives;
    }

    Driver driver() {
        return driver;
    }

    Kube kube() {
        return kube;
    }

    Report report() {
        return report;
    }

    Product product() {
        return product;
    }

    /** Makes the example's pool once. */
    Product productWithPool() {
        if (!hasPool) {
            Instant begin = Instant.now();
            product.pool(NODES, DISK_COUNT);
            report.seconds("pool manifest to pool Ready on both nodes", begin);
            hasPool = true;
        }
        return product;
    }

    String pgImage() {
        return "localhost/dynamicfs-e2e-postgres:" + version();
    }

    private static String version() {
        return "0.1.0-snapshot";
    }

    /** Counts from 1. */
    int nodeNumber(String name) {
        for (int node = 1; node <= NODES; node++) {
            if (driver.nodeName(node).equals(name)) {
                return node;
            }
        }
        throw new AssertionError("expected one of the cluster's nodes, found " + name);
    }

    void diagnose(String test) {
        new Diagnostics(driver).collect(work.resolve(test));
    }

    @Override
    public void close() {
        try (driver;
                client) {
            report.add("report of failures, if any", work.toString());
        }
    }
}
