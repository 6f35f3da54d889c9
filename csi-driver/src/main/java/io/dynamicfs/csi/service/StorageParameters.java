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

    /**
     * For the question how much room there is. Parameters that CreateVolume refuses are taken for what can be understood of
     * them: a class that seems to have no room is never provisioned, and nobody would hear what is wrong with it.
     */
    static StorageParameters forCapacity(Map<String, String> parameters) {
        try {
            return parse(parameters);
        } catch (Refusal e) {
            return new StorageParameters(
                    Objects.requireNonNullElse(parameters.get(POOL), "").strip(), "");
        }
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
