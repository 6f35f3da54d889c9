package io.dynamicfs.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a person would ask the cluster after a failure, asked while it still runs. */
final class Diagnostics {
    private final Driver driver;

    Diagnostics(Driver driver) {
        this.driver = driver;
    }

    void collect(Path directory) {
        try {
            Files.createDirectories(directory);
            kubectl(directory, "overview.txt", "get", "nodes,pods,pvc,pv,storageclasses,csinodes", "-A", "-o", "wide");
            kubectl(directory, "events.txt", "get", "events", "-A", "--sort-by=.metadata.creationTimestamp");
            kubectl(directory, "dynamicfs.yaml", "get", "storagepools,storagepoolmembers,disks", "-o", "yaml");
            kubectl(directory, "capacities.txt", "get", "csistoragecapacities", "-A", "-o", "yaml");
            kubectl(directory, "describe-pods.txt", "describe", "pods", "-A");
            kubectl(directory, "describe-claims.txt", "describe", "pvc,pv", "-A");
            for (String component : List.of("operator", "node", "engine")) {
                for (boolean previous : List.of(false, true)) {
                    kubectl(directory, component + (previous ? "-before.log" : ".log"), logs(component, previous));
                }
            }
            for (String component : driver.components()) {
                Files.writeString(directory.resolve(component + ".log"), driver.logs(component, 400));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String[] logs(String component, boolean previous) {
        List<String> arguments = new ArrayList<>(List.of(
                "logs",
                "-n",
                Product.NAMESPACE,
                "-l",
                "app.kubernetes.io/component=" + component,
                "--all-containers",
                "--prefix",
                "--tail=2000"));
        if (previous) {
            arguments.add("--previous");
        }
        return arguments.toArray(String[]::new);
    }

    private void kubectl(Path directory, String file, String... arguments) throws IOException {
        Files.writeString(
                directory.resolve(file), driver.tryKubectl("", arguments).output());
    }
}
