package io.dynamicfs.operator;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operator's process. Set by NAMESPACE, POD_NAME and HTTP_PORT; ends with SIGTERM. */
public final class OperatorMain {
    private static final Logger log = LoggerFactory.getLogger(OperatorMain.class);

    private OperatorMain() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        OperatorSettings settings = OperatorSettings.from(System.getenv());
        PrometheusMeterRegistry registry = registry();
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        OperatorProcess process =
                new OperatorProcess(settings, () -> new KubernetesClientBuilder().build(), registry, Clock.systemUTC());
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(process, main), "shutdown"));
        try (HttpEndpoints endpoints = HttpEndpoints.start(settings.httpPort(), process::unready, registry::scrape)) {
            log.info("serving port={} namespace={}", endpoints.port(), settings.namespace());
            process.run();
        }
        try (KubernetesClient client = new KubernetesClientBuilder().build()) {
            process.giveLeaseBack(client);
        }
    }

    static PrometheusMeterRegistry registry() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        // The framework gives it to some events only, and Prometheus wants the same tags on all.
        registry.config().meterFilter(MeterFilter.ignoreTags("action"));
        return registry;
    }

    private static void stop(OperatorProcess process, Thread main) {
        process.close();
        try {
            main.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
