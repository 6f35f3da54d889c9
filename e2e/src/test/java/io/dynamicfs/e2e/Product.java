package io.dynamicfs.e2e;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** DynamicFS in a cluster, as its users see it. */
final class Product {
    static final String NAMESPACE = "dynamicfs-system";
    static final String DRIVER = "csi.dynamicfs.io";
    static final String POOL = "tank";

    private final Path chart;
    private final Path valuesFile;
    private final Driver driver;
    private final Kube kube;
    private final Report report;

    Product(Path repository, Path work, Driver driver, Kube kube, Report report) {
        this.chart = repository.resolve("charts/dynamicfs");
        this.valuesFile = work.resolve("values.yaml");
        this.driver = driver;
        this.kube = kube;
        this.report = report;
    }

    /** As the README says it, with the values that this cluster needs; harmless when it is installed. */
    void install() {
        try {
            Files.writeString(valuesFile, driver.values());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Instant begin = Instant.now();
        driver.shell("helm upgrade --install dynamicfs '" + chart + "' --namespace " + NAMESPACE
                + " --create-namespace --values '" + valuesFile + "' --wait --timeout 5m");
        report.seconds("helm install to all pods ready", begin);
    }

    Shell.Result tryUninstall() {
        return driver.tryShell("helm uninstall dynamicfs --namespace " + NAMESPACE + " --wait --timeout 3m");
    }

    Path crds() {
        return chart.resolve("crds");
    }

    String example(String name) {
        try {
            return Files.readString(chart.resolve("examples").resolve(name + ".yaml"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The pool of the example, Ready on every node. */
    StoragePool pool(int nodes, int disks) {
        driver.kubectl(example("pool"), "apply", "-f", "-");
        return awaitPool(nodes, disks);
    }

    StoragePool awaitPool(int nodes, int disks) {
        return kube.await(
                pool(POOL),
                "pool " + POOL + " to be Ready with " + disks + " disks on " + nodes + " nodes",
                pool -> pool.getStatus() != null
                        && pool.getStatus().getPhase() == PoolPhase.Ready
                        && pool.getStatus().getNodes() == nodes
                        && pool.getStatus().getDisks() == disks);
    }

    Resource<StoragePool> pool(String name) {
        return kube.client().resources(StoragePool.class).withName(name);
    }

    Resource<StoragePoolMember> member(String node) {
        return kube.client().resources(StoragePoolMember.class).withName(POOL + "-" + node);
    }

    List<Disk> disks() {
        return kube.client().resources(Disk.class).list().getItems();
    }

    Resource<Disk> disk(String name) {
        return kube.client().resources(Disk.class).withName(name);
    }

    List<Pod> pods(String component) {
        return kube.client()
                .pods()
                .inNamespace(NAMESPACE)
                .withLabel("app.kubernetes.io/component", component)
                .list()
                .getItems();
    }

    Pod podOn(String component, String node) {
        return pods(component).stream()
                .filter(pod -> node.equals(pod.getSpec().getNodeName()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("expected a pod of " + component + " on " + node));
    }

    /** Deletes a pod and waits until another one serves in its place. */
    void replace(String component, Pod pod) {
        String node = pod.getSpec().getNodeName();
        kube.client().resource(pod).delete();
        kube.awaitGone(
                kube.client()
                        .pods()
                        .inNamespace(NAMESPACE)
                        .withName(pod.getMetadata().getName()),
                pod.getMetadata().getName());
        awaitReady(component, node);
    }

    void awaitReady(String component, String node) {
        kube.client()
                .pods()
                .inNamespace(NAMESPACE)
                .withLabel("app.kubernetes.io/component", component)
                .informOnCondition(pods ->
                        pods.stream().anyMatch(p -> node.equals(p.getSpec().getNodeName()) && Kube.isReady(p)))
                .orTimeout(Kube.LIMIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)
                .join();
    }

    static Optional<Condition> condition(List<Condition> conditions, String type) {
        return conditions.stream().filter(c -> type.equals(c.getType())).findFirst();
    }

    static boolean is(List<Condition> conditions, String type, String status) {
        return condition(conditions, type)
                .filter(c -> status.equals(c.getStatus()))
                .isPresent();
    }
}
