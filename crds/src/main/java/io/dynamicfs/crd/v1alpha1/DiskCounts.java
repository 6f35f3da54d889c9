package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;

/** The disks of one node in a pool, by state. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class DiskCounts {
    @JsonPropertyDescription("All that the pool has there.")
    private int total;

    @JsonPropertyDescription("Without complaint.")
    private int healthy;

    @JsonPropertyDescription("With errors or late.")
    private int suspect;

    @JsonPropertyDescription("Not used any more.")
    private int failed;

    @JsonPropertyDescription("Not seen by the node.")
    private int missing;

    public int getTotal() {
        return total;
    }

    public DiskCounts setTotal(int total) {
        this.total = total;
        return this;
    }

    public int getHealthy() {
        return healthy;
    }

    public DiskCounts setHealthy(int healthy) {
        this.healthy = healthy;
        return this;
    }

    public int getSuspect() {
        return suspect;
    }

    public DiskCounts setSuspect(int suspect) {
        this.suspect = suspect;
        return this;
    }

    public int getFailed() {
        return failed;
    }

    public DiskCounts setFailed(int failed) {
        this.failed = failed;
        return this;
    }

    public int getMissing() {
        return missing;
    }

    public DiskCounts setMissing(int missing) {
        this.missing = missing;
        return this;
    }
}
