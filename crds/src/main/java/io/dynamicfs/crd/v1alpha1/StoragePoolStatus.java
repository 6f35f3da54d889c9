package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the operator knows of a pool, summed over its nodes. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class StoragePoolStatus {
    @JsonPropertyDescription("Generation of the spec that this status is about.")
    private @Nullable Long observedGeneration;

    @JsonPropertyDescription("Where the pool is, in a word.")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private @Nullable PoolPhase phase;

    @JsonPropertyDescription(
            "Ready, Healthy, Redundant, DisksAvailable, Progressing; Deleting while it is being deleted.")
    @Size(max = 32)
    private List<Condition> conditions = new ArrayList<>();

    @JsonPropertyDescription("Nodes with a part of the pool.")
    private int nodes;

    @JsonPropertyDescription("Disks of all nodes.")
    private int disks;

    @JsonPropertyDescription("Worst health of all nodes.")
    private @Nullable String health;

    @JsonPropertyDescription("Redundancy that the pool has.")
    private @Nullable String redundancy;

    @JsonPropertyDescription("Usable capacity of all nodes, for people.")
    private @Nullable String capacity;

    @JsonPropertyDescription("Available capacity of all nodes, for people. One volume must fit on one node.")
    private @Nullable String available;

    @JsonPropertyDescription("Sum of the ledgers of all nodes.")
    private @Nullable CapacityBytes capacityBytes;

    @JsonPropertyDescription("The nodes, worst first; a thousand at most.")
    @Size(max = 1000)
    private List<PoolMember> members = new ArrayList<>();

    @JsonPropertyDescription("Names of Disks that are failed or missing.")
    @Size(max = 1000)
    private List<String> failedDisks = new ArrayList<>();

    public @Nullable Long getObservedGeneration() {
        return observedGeneration;
    }

    public StoragePoolStatus setObservedGeneration(@Nullable Long observedGeneration) {
        this.observedGeneration = observedGeneration;
        return this;
    }

    public @Nullable PoolPhase getPhase() {
        return phase;
    }

    public StoragePoolStatus setPhase(@Nullable PoolPhase phase) {
        this.phase = phase;
        return this;
    }

    public List<Condition> getConditions() {
        return conditions;
    }

    public StoragePoolStatus setConditions(@Nullable List<Condition> conditions) {
        this.conditions = conditions == null ? new ArrayList<>() : conditions;
        return this;
    }

    public int getNodes() {
        return nodes;
    }

    public StoragePoolStatus setNodes(int nodes) {
        this.nodes = nodes;
        return this;
    }

    public int getDisks() {
        return disks;
    }

    public StoragePoolStatus setDisks(int disks) {
        this.disks = disks;
        return this;
    }

    public @Nullable String getHealth() {
        return health;
    }

    public StoragePoolStatus setHealth(@Nullable String health) {
        this.health = health;
        return this;
    }

    public @Nullable String getRedundancy() {
        return redundancy;
    }

    public StoragePoolStatus setRedundancy(@Nullable String redundancy) {
        this.redundancy = redundancy;
        return this;
    }

    public @Nullable String getCapacity() {
        return capacity;
    }

    public StoragePoolStatus setCapacity(@Nullable String capacity) {
        this.capacity = capacity;
        return this;
    }

    public @Nullable String getAvailable() {
        return available;
    }

    public StoragePoolStatus setAvailable(@Nullable String available) {
        this.available = available;
        return this;
    }

    public @Nullable CapacityBytes getCapacityBytes() {
        return capacityBytes;
    }

    public StoragePoolStatus setCapacityBytes(@Nullable CapacityBytes capacityBytes) {
        this.capacityBytes = capacityBytes;
        return this;
    }

    public List<PoolMember> getMembers() {
        return members;
    }

    public StoragePoolStatus setMembers(@Nullable List<PoolMember> members) {
        this.members = members == null ? new ArrayList<>() : members;
        return this;
    }

    public List<String> getFailedDisks() {
        return failedDisks;
    }

    public StoragePoolStatus setFailedDisks(@Nullable List<String> failedDisks) {
        this.failedDisks = failedDisks == null ? new ArrayList<>() : failedDisks;
        return this;
    }
}
