package io.dynamicfs.e2e;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** Waits by watch, and runs commands in pods. */
final class Kube {
    /** Long, because two cores may run a whole cluster; nothing here says how fast something should be. */
    static final Duration LIMIT = Duration.ofMinutes(4);

    private static final Duration EXEC_LIMIT = Duration.ofMinutes(3);

    record Output(int exitCode, String text) {}

    private final KubernetesClient client;

    Kube(KubernetesClient client) {
        this.client = client;
    }

    KubernetesClient client() {
        return client;
    }

    /** The object as it is when the condition holds. */
    <T extends HasMetadata> T await(Resource<T> resource, String what, Predicate<T> condition) {
        return await(resource, what, condition, LIMIT);
    }

    <T extends HasMetadata> T await(Resource<T> resource, String what, Predicate<T> condition, Duration limit) {
        try {
            return resource.waitUntilCondition(
                    object -> object != null && condition.test(object), limit.toSeconds(), TimeUnit.SECONDS);
        } catch (KubernetesClientTimeoutException e) {
            throw new AssertionError(
                    "expected " + what + " within " + limit.toSeconds() + " s, found:\n"
                            + Serialization.asYaml(resource.get()),
                    e);
        }
    }

    void awaitGone(Resource<?> resource, String what) {
        try {
            resource.waitUntilCondition(object -> object == null, LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (KubernetesClientTimeoutException e) {
            throw new AssertionError(
                    "expected " + what + " to be gone within " + LIMIT.toSeconds() + " s, found:\n"
                            + Serialization.asYaml(resource.get()),
                    e);
        }
    }

    Pod awaitReady(String namespace, String pod) {
        return await(client.pods().inNamespace(namespace).withName(pod), "pod " + pod + " to be Ready", Kube::isReady);
    }

    /** A pod whose containers are all running and ready, and that is not on its way out. */
    static boolean isReady(Pod pod) {
        return pod.getMetadata().getDeletionTimestamp() == null
                && pod.getStatus() != null
                && !pod.getStatus().getContainerStatuses().isEmpty()
                && pod.getStatus().getContainerStatuses().stream().allMatch(ContainerStatus::getReady)
                && pod.getStatus().getConditions().stream()
                        .anyMatch(c -> "Ready".equals(c.getType()) && "True".equals(c.getStatus()));
    }

    /** The first Event in the namespace, old or new, that satisfies the condition. */
    Event awaitEvent(String namespace, String what, Predicate<Event> condition) {
        CompletableFuture<Event> found = new CompletableFuture<>();
        var events = client.events().v1().events().inNamespace(namespace);
        try (var _ = events.watch(new Watcher<>() {
            @Override
            public void eventReceived(Action action, Event event) {
                if (condition.test(event)) {
                    found.complete(event);
                }
            }

            @Override
            public void onClose(WatcherException cause) {
                found.completeExceptionally(cause);
            }
        })) {
            events.list().getItems().stream().filter(condition).findFirst().ifPresent(found::complete);
            return found.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError(
                    "expected " + what + " within " + LIMIT.toSeconds() + " s, found only:\n"
                            + events.list().getItems().stream().map(Kube::line).toList(),
                    e);
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static String line(Event event) {
        return event.getRegarding().getKind() + "/" + event.getRegarding().getName() + " " + event.getReason() + ": "
                + event.getNote() + "\n";
    }

    static boolean isAbout(Event event, String kind, String name) {
        return kind.equals(event.getRegarding().getKind())
                && name.equals(event.getRegarding().getName());
    }

    Namespace namespace(String name, Map<String, String> labels) {
        return client.namespaces()
                .resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .withLabels(labels)
                        .endMetadata()
                        .build())
                .serverSideApply();
    }

    void deleteNamespace(String name) {
        client.namespaces().withName(name).delete();
        awaitGone(client.namespaces().withName(name), "namespace " + name);
    }

    /** What a command in a pod wrote that must succeed. */
    String exec(String namespace, String pod, String... command) {
        Output output = tryExec(namespace, pod, command);
        if (output.exitCode() != 0) {
            throw new AssertionError(
                    List.of(command) + " in " + pod + " ended with " + output.exitCode() + ":\n" + output.text());
        }
        return output.text();
    }

    Output tryExec(String namespace, String pod, String... command) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream error = new ByteArrayOutputStream();
        try (ExecWatch watch = client.pods()
                .inNamespace(namespace)
                .withName(pod)
                .writingOutput(out)
                .writingError(error)
                .exec(command)) {
            int exitCode = watch.exitCode().get(EXEC_LIMIT.toSeconds(), TimeUnit.SECONDS);
            return new Output(
                    exitCode,
                    exitCode == 0
                            ? out.toString(StandardCharsets.UTF_8)
                            : out.toString(StandardCharsets.UTF_8) + error.toString(StandardCharsets.UTF_8));
        } catch (TimeoutException e) {
            throw new AssertionError(
                    List.of(command) + " in " + pod + " did not end within " + EXEC_LIMIT.toSeconds()
                            + " s; it wrote:\n" + out.toString(StandardCharsets.UTF_8),
                    e);
        } catch (ExecutionException e) {
            throw new AssertionError(List.of(command) + " in " + pod + ": " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** A command that goes on while the test does; the caller closes it. */
    ExecWatch start(String namespace, String pod, OutputStream output, String... command) {
        return client.pods()
                .inNamespace(namespace)
                .withName(pod)
                .writingOutput(output)
                .writingError(output)
                .exec(command);
    }
}
