package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.erasure.ErasureCode;
import io.dynamicfs.engine.format.Redundancy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The code of each redundancy, prepared once: its tables are never changed. */
final class Codes {
    private static final Map<Redundancy, ErasureCode> PREPARED = new ConcurrentHashMap<>();

    private Codes() {}

    static ErasureCode of(Redundancy redundancy) {
        return PREPARED.computeIfAbsent(redundancy, r -> ErasureCode.of(r.dataFragments(), r.parityFragments()));
    }
}
