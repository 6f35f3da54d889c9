package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;

/** The ledger of a pool. Everything but raw counts what users store, not its redundancy. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class CapacityBytes {
    @JsonPropertyDescription("Size of all disks. In bytes.")
    private long raw;

    @JsonPropertyDescription("What fits when everything has the redundancy of the pool. In bytes.")
    private long usable;

    @JsonPropertyDescription("What is stored, without redundancy. In bytes.")
    private long used;

    @JsonPropertyDescription("Promised to volumes: their sizes, whether used or not. In bytes.")
    private long reserved;

    @JsonPropertyDescription("What one more volume could be promised. In bytes.")
    private long available;

    public long getRaw() {
        return raw;
    }

    public CapacityBytes setRaw(long raw) {
        this.raw = raw;
        return this;
    }

    public long getUsable() {
        return usable;
    }

    public CapacityBytes setUsable(long usable) {
        this.usable = usable;
        return this;
    }

    public long getUsed() {
        return used;
    }

    public CapacityBytes setUsed(long used) {
        this.used = used;
        return this;
    }

    public long getReserved() {
        return reserved;
    }

    public CapacityBytes setReserved(long reserved) {
        this.reserved = reserved;
        return this;
    }

    public long getAvailable() {
        return available;
    }

    public CapacityBytes setAvailable(long available) {
        this.available = available;
        return this;
    }
}
