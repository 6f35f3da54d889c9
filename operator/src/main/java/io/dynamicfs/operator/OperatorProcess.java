package io.dynamicfs.operator;

import io.dynamicfs.crd.report.EventRecorder;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.monitoring.micrometer.MicrometerMetricsV2;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operator for as long as the process lives. A term ends when the lease is lost or a watch cannot go on, as after
 * an outage of the API server; then everything is forgotten and a new term begins, when the API server is there.
 */
final class OperatorProcess implements AutoCloseable {
    static final String LEASE = "dynamicfs-operator";

    private static final Duration RETRY_START_MAX = Duration.ofSeconds(30);
    private static final Duration CACHE_SYNC_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);
    private static final Logger log = LoggerFactory.getLogger(OperatorProcess.class);

    private final OperatorSettings settings;
    private final Supplier<KubernetesClient> clients;
    private final MeterRegistry registry;
    private final Clock clock;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final AtomicBoolean leading = new AtomicBoolean();
    private volatile @Nullable Operator running;
    private volatile String startFailure = "starting";
    private volatile @Nullable CountDownLatch termEnded;

    OperatorProcess(
            OperatorSettings settings, Supplier<KubernetesClient> clients, MeterRegistry registry, Clock clock) {
        this.settings = settings;
        this.clients = clients;
        this.registry = registry;
        this.clock = clock;
    }

    /** Returns after {@link #close}. */
    void run() throws InterruptedException {
        long waitMillis = 1000;
        while (stopped.getCount() > 0) {
            if (serveOneTerm()) {
                waitMillis = 1000;
            }
            stopped.await(waitMillis, TimeUnit.MILLISECONDS);
            waitMillis = Math.min(2 * waitMillis, RETRY_START_MAX.toMillis());
        }
    }

    boolean isLeading() {
        return leading.get();
    }

    /** What it lacks to be ready, or nothing. A replica that waits for the lease is ready. */
    Optional<String> unready() {
        Operator operator = running;
        if (operator == null) {
            return Optional.of(startFailure);
        }
        return operator.getRuntimeInfo().allEventSourcesAreHealthy()
                ? Optional.empty()
                : Optional.of("not watching the API server: "
                        + operator.getRuntimeInfo().unhealthyEventSources().keySet());
    }

    @Override
    public void close() {
        stopped.countDown();
        endTerm();
    }

    /** Whether it came to a start. */
    private boolean serveOneTerm() throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        termEnded = ended;
        KubernetesClient client = clients.get();
        @Nullable Operator operator = null;
        try {
            operator = operator(client);
            operator.register(
                    new StoragePoolReconciler(
                            client,
                            new EventRecorder(client, clock, DynamicfsApi.FieldManagers.OPERATOR, settings.podName()),
                            clock,
                            new PoolMeters(registry)),
                    overrider -> overrider
                            .withRetry(new GenericRetry()
                                    .withoutMaxAttempts()
                                    .setInitialInterval(1000)
                                    .setIntervalMultiplier(1.5)
                                    .setMaxInterval(RETRY_START_MAX.toMillis()))
                            .withReconciliationMaxInterval(StoragePoolReconciler.RESYNC));
            operator.start();
            running = operator;
            log.info("started identity={} namespace={}", settings.podName(), settings.namespace());
            if (stopped.getCount() > 0) {
                ended.await();
            }
            return true;
        } catch (RuntimeException e) {
            startFailure = ApiWriter.messageOf(e);
            log.warn("not started, will try again error={}", startFailure);
            return false;
        } finally {
            running = null;
            leading.set(false);
            if (operator != null) {
                stop(operator);
            }
            client.close();
            forgetMeters();
        }
    }

    /** What a past term counted is not what is; the next one, perhaps of the other replica, counts anew. */
    private void forgetMeters() {
        registry.getMeters().stream()
                .filter(meter -> !meter.getId().getName().startsWith("jvm."))
                .forEach(registry::remove);
    }

    private Operator operator(KubernetesClient client) {
        return new Operator(overrider -> overrider
                .withKubernetesClient(client)
                .withCloseClientOnStop(false)
                // Applying the finalizer alone would apply a spec of nothing but defaults with it.
                .withUseSSAToPatchPrimaryResource(false)
                .checkingCRDAndValidateLocalModel(false)
                // With a cache missing, decisions would be wrong ones.
                .withStopOnInformerErrorDuringStartup(true)
                .withCacheSyncTimeout(CACHE_SYNC_TIMEOUT)
                .withReconciliationTerminationTimeout(STOP_TIMEOUT)
                .withMetrics(MicrometerMetricsV2.newBuilder(registry).build())
                .withInformerStoppedHandler((informer, e) -> {
                    if (e != null && informer.hasSynced()) {
                        log.warn("watch ended, starting anew error={}", ApiWriter.messageOf(e));
                        endTerm();
                    }
                })
                .withLeaderElectionConfiguration(leaderElection()));
    }

    @SuppressWarnings("deprecation") // Its builder makes one that keeps the process for tests only.
    private LeaderElectionConfiguration leaderElection() {
        return new LeaderElectionConfiguration(
                LEASE,
                settings.namespace(),
                LeaderElectionConfiguration.LEASE_DURATION_DEFAULT_VALUE,
                LeaderElectionConfiguration.RENEW_DEADLINE_DEFAULT_VALUE,
                LeaderElectionConfiguration.RETRY_PERIOD_DEFAULT_VALUE,
                settings.podName(),
                new LeaderCallbacks(
                        () -> {
                            leading.set(true);
                            log.info("leading identity={}", settings.podName());
                        },
                        () -> {
                            leading.set(false);
                            log.warn("not leading any more identity={}", settings.podName());
                            endTerm();
                        },
                        leader -> log.info("leader identity={}", leader)),
                // Another term is served by the same process: a pod that restarts is an alarm.
                false);
    }

    private void endTerm() {
        CountDownLatch ended = termEnded;
        if (ended != null) {
            ended.countDown();
        }
    }

    private static void stop(Operator operator) {
        try {
            operator.stop();
        } catch (RuntimeException e) {
            log.warn("not stopped cleanly error={}", ApiWriter.messageOf(e));
        }
    }

    /** Gives the lease back, so that the other replica need not wait until it expires. */
    void giveLeaseBack(KubernetesClient client) {
        try {
            client.leases().inNamespace(settings.namespace()).withName(LEASE).edit(lease -> {
                if (settings.podName().equals(lease.getSpec().getHolderIdentity())) {
                    lease.getSpec().setHolderIdentity("");
                }
                return lease;
            });
        } catch (RuntimeException e) {
            log.info("lease not given back by={} error={}", FieldManagers.OPERATOR, ApiWriter.messageOf(e));
        }
    }
}
