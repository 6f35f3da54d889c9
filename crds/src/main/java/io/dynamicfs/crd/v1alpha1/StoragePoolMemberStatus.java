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

/** What one node reports about its part. Written by that node only. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class StoragePoolMemberStatus {
    @JsonPropertyDescription("Generation of the spec that this status is about.")
    private @Nullable Long observedGeneration;

    @JsonPropertyDescription("Where the node is with its part.")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private @Nullable MemberPhase phase;

    @JsonPropertyDescription("Ready, Healthy, Redundant.")
    @Size(max = 32)
    private List<Condition> conditions = new ArrayList<>();

    @JsonPropertyDescription("Why it is not well, in one word.")
    private @Nullable String reason;

    @JsonPropertyDescription("Why it is not well, and what to do.")
    private @Nullable String message;

    @JsonPropertyDescription("Identity of the pool on this node, a UUID.")
    private @Nullable String poolId;

    @JsonPropertyDescription("Newest generation that is on the disks.")
    private long generation;

    @JsonPropertyDescription("Version of the engine that serves it.")
    private @Nullable String engineVersion;

    @JsonPropertyDescription("Redundancy that the pool has.")
    private @Nullable String redundancy;

    @JsonPropertyDescription("Disks that may still be lost without losing data; -1 when data is lost.")
    private @Nullable Integer redundancyMargin;

    @JsonPropertyDescription("Disks by state.")
    private @Nullable DiskCounts disks;

    @JsonPropertyDescription("Names of Disks that are failed or missing.")
    @Size(max = 1024)
    private List<String> failedDisks = new ArrayList<>();

    @JsonPropertyDescription("The ledger of this node.")
    private @Nullable CapacityBytes capacityBytes;

    @JsonPropertyDescription("Volumes of the pool on this node.")
    private int volumes;

    @JsonPropertyDescription("Volumes that are mounted.")
    private int mounts;

    @JsonPropertyDescription("When the node last reported, RFC 3339 in UTC.")
    private @Nullable String lastHeartbeat;

    public @Nullable Long getObservedGeneration() {
        return observedGeneration;
    }

    public StoragePoolMemberStatus setObservedGeneration(@Nullable Long observedGeneration) {
        this.observedGeneration = observedGeneration;
        return this;
    }

    public @Nullable MemberPhase getPhase() {
        return phase;
    }

    public StoragePoolMemberStatus setPhase(@Nullable MemberPhase phase) {
        this.phase = phase;
        return this;
    }

    public List<Condition> getConditions() {
        return conditions;
    }

    public StoragePoolMemberStatus setConditions(@Nullable List<Condition> conditions) {
        this.conditions = conditions == null ? new ArrayList<>() : conditions;
        return this;
    }

    public @Nullable String getReason() {
        return reason;
    }

    public StoragePoolMemberStatus setReason(@Nullable String reason) {
        this.reason = reason;
        return this;
    }

    public @Nullable String getMessage() {
        return message;
    }

    public StoragePoolMemberStatus setMessage(@Nullable String message) {
        this.message = message;
        return this;
    }

    public @Nullable String getPoolId() {
        return poolId;
    }

    public StoragePoolMemberStatus setPoolId(@Nullable String poolId) {
        this.poolId = poolId;
        return this;
    }

    public long getGeneration() {
        return generation;
    }

    public StoragePoolMemberStatus setGeneration(long generation) {
        this.generation = generation;
        return this;
    }

    public @Nullable String getEngineVersion() {
        return engineVersion;
    }

    public StoragePoolMemberStatus setEngineVersion(@Nullable String engineVersion) {
        this.engineVersion = engineVersion;
        return this;
    }

    public @Nullable String getRedundancy() {
        return redundancy;
    }

    public StoragePoolMemberStatus setRedundancy(@Nullable String redundancy) {
        this.redundancy = redundancy;
        return this;
    }

    public @Nullable Integer getRedundancyMargin() {
        return redundancyMargin;
    }

    public StoragePoolMemberStatus setRedundancyMargin(@Nullable Integer redundancyMargin) {
        this.redundancyMargin = redundancyMargin;
        return this;
    }

    public @Nullable DiskCounts getDisks() {
        return disks;
    }

    public StoragePoolMemberStatus setDisks(@Nullable DiskCounts disks) {
        this.disks = disks;
        return this;
    }

    public List<String> getFailedDisks() {
        return failedDisks;
    }

    public StoragePoolMemberStatus setFailedDisks(@Nullable List<String> failedDisks) {
        this.failedDisks = failedDisks == null ? new ArrayList<>() : failedDisks;
        return this;
    }

    public @Nullable CapacityBytes getCapacityBytes() {
        return capacityBytes;
    }

    public StoragePoolMemberStatus setCapacityBytes(@Nullable CapacityBytes capacityBytes) {
        this.capacityBytes = capacityBytes;
        return this;
    }

    public int getVolumes() {
        return volumes;
    }

    public StoragePoolMemberStatus setVolumes(int volumes) {
        this.volumes = volumes;
        return this;
    }

    public int getMounts() {
        return mounts;
    }

    public StoragePoolMemberStatus setMounts(int mounts) {
        this.mounts = mounts;
        return this;
    }

    public @Nullable String getLastHeartbeat() {
        return lastHeartbeat;
    }

    public StoragePoolMemberStatus setLastHeartbeat(@Nullable String lastHeartbeat) {
        this.lastHeartbeat = lastHeartbeat;
        return this;
    }
}
