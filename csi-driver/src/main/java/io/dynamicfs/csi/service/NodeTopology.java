package io.dynamicfs.csi.service;

import io.dynamicfs.csi.Driver;
import io.dynamicfs.csi.v1.Topology;
import java.util.Map;

/** Where this node's volumes can be used: here. */
public record NodeTopology(String node) {
    public Map<String, String> segments() {
        return Map.of(Driver.TOPOLOGY_KEY, node);
    }

    /** Whether this node is in {@code topology}; one without our key speaks of something else. */
    boolean contains(Topology topology) {
        return node.equals(topology.getSegmentsOrDefault(Driver.TOPOLOGY_KEY, node));
    }
}
