package io.dynamicfs.csi.service;

import io.dynamicfs.csi.rpc.Refusal;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** What a StorageClass says. {@code redundancy} is empty when the volume follows its pool. */
record StorageParameters(String pool, String redundancy) {
    static final String POOL = "pool";
    static final String REDUNDANCY = "redundancy";

    private static final String COMPRESSION = "compression";

    /** What Kubernetes adds by itself. */
    private static final String FROM_KUBERNETES = "csi.storage.k8s.io/";

    static StorageParameters parse(Map<String, String> parameters) throws Refusal {
        for (String name : new TreeMap<>(parameters).keySet()) {
            if (name.equals(COMPRESSION)) {
                throw Refusal.invalid("StorageClass parameter compression: there is none yet; remove it");
            }
            if (!name.equals(POOL) && !name.equals(REDUNDANCY) && !name.startsWith(FROM_KUBERNETES)) {
                throw Refusal.invalid("StorageClass parameters: expected " + POOL + " and " + REDUNDANCY + ", found "
                        + name + "; remove it");
            }
        }
        String pool = Objects.requireNonNullElse(parameters.get(POOL), "").strip();
        if (pool.isEmpty()) {
            throw Refusal.invalid(
                    "StorageClass parameter " + POOL + ": expected the name of a StoragePool, found nothing; add it");
        }
        return new StorageParameters(
                pool, Objects.requireNonNullElse(parameters.get(REDUNDANCY), "").strip());
    }

    /** What a volume's attributes may hold, those of a PersistentVolume made by hand too. */
    static void checkContext(Map<String, String> context) throws Refusal {
        for (String name : new TreeMap<>(context).keySet()) {
            if (!name.equals(POOL) && !name.equals(REDUNDANCY) && !name.contains("/")) {
                throw Refusal.invalid("volume attributes: expected " + POOL + " and " + REDUNDANCY + ", found " + name
                        + "; remove it");
            }
        }
    }
}
