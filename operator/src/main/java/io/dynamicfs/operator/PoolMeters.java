package io.dynamicfs.operator;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;

/** What /metrics says of pools: the ledger in bytes, and conditions as 1 or 0. */
final class PoolMeters {
    private static final List<String> CONDITIONS =
            List.of(Conditions.READY, Conditions.HEALTHY, Conditions.REDUNDANT, Conditions.DISKS_AVAILABLE);

    private final Map<String, StoragePoolStatus> pools = new ConcurrentHashMap<>();
    private final Map<String, MultiGauge> gauges = new ConcurrentHashMap<>();
    private final MeterRegistry registry;

    PoolMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    void report(String pool, StoragePoolStatus status) {
        pools.put(pool, status);
        refresh();
    }

    void forget(String pool) {
        pools.remove(pool);
        refresh();
    }

    private synchronized void refresh() {
        capacity("raw", CapacityBytes::getRaw);
        capacity("usable", CapacityBytes::getUsable);
        capacity("used", CapacityBytes::getUsed);
        capacity("reserved", CapacityBytes::getReserved);
        capacity("available", CapacityBytes::getAvailable);
        gauge("dynamicfs.storagepool.nodes", StoragePoolStatus::getNodes);
        gauge("dynamicfs.storagepool.disks", StoragePoolStatus::getDisks);
        gauge(
                "dynamicfs.storagepool.failed.disks",
                status -> status.getFailedDisks().size());
        gaugeOf("dynamicfs.storagepool.condition")
                .register(
                        pools.entrySet().stream()
                                .flatMap(pool -> CONDITIONS.stream()
                                        .map(type -> MultiGauge.Row.of(
                                                Tags.of("pool", pool.getKey(), "condition", type),
                                                ConditionList.isTrue(
                                                                pool.getValue().getConditions(), type)
                                                        ? 1
                                                        : 0)))
                                .toList(),
                        true);
    }

    private void capacity(String name, ToDoubleFunction<CapacityBytes> value) {
        gauge(
                "dynamicfs.storagepool." + name + ".bytes",
                status -> status.getCapacityBytes() == null ? 0 : value.applyAsDouble(status.getCapacityBytes()));
    }

    private void gauge(String name, ToDoubleFunction<StoragePoolStatus> value) {
        gaugeOf(name)
                .register(
                        pools.entrySet().stream()
                                .map(pool -> MultiGauge.Row.of(
                                        Tags.of("pool", pool.getKey()), value.applyAsDouble(pool.getValue())))
                                .toList(),
                        true);
    }

    private MultiGauge gaugeOf(String name) {
        return gauges.computeIfAbsent(name, key -> MultiGauge.builder(key).register(registry));
    }
}
