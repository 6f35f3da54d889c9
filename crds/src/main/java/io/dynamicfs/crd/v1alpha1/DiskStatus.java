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

/** What the node sees of a disk. Written by that node only. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class DiskStatus {
    @JsonPropertyDescription("Generation of the spec that this status is about.")
    private @Nullable Long observedGeneration;

    @JsonPropertyDescription("Path of the device now; it may change with each boot.")
    private @Nullable String device;

    @JsonPropertyDescription("Stable names below /dev/disk.")
    @Size(max = 64)
    private List<String> byId = new ArrayList<>();

    @JsonPropertyDescription("Serial number.")
    private @Nullable String serial;

    @JsonPropertyDescription("World wide name.")
    private @Nullable String wwn;

    @JsonPropertyDescription("Model.")
    private @Nullable String model;

    @JsonPropertyDescription("Size in bytes.")
    private long sizeBytes;

    @JsonPropertyDescription("Size, for people.")
    private @Nullable String size;

    @JsonPropertyDescription("Whether it spins.")
    private @Nullable Boolean rotational;

    @JsonPropertyDescription("Whether it can be taken out, such as a USB stick.")
    private @Nullable Boolean removable;

    @JsonPropertyDescription("Why a pool may not take it; empty when one may.")
    @Size(max = 64)
    private List<ForeignContent> foreign = new ArrayList<>();

    @JsonPropertyDescription("Pool whose label is on the disk.")
    private @Nullable String poolName;

    @JsonPropertyDescription("Identity of that pool, a UUID.")
    private @Nullable String poolId;

    @JsonPropertyDescription("Index of the disk in that pool.")
    private @Nullable Integer diskIndex;

    @JsonPropertyDescription("What the engine thinks of it.")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private @Nullable DiskHealth health;

    @JsonPropertyDescription("Why it is not Healthy or not eligible, in one word.")
    private @Nullable String reason;

    @JsonPropertyDescription("Since when it has this health, RFC 3339 in UTC.")
    private @Nullable String since;

    @JsonPropertyDescription("Failed reads.")
    private long readErrors;

    @JsonPropertyDescription("Failed writes.")
    private long writeErrors;

    @JsonPropertyDescription("Reads that brought something else than what was written.")
    private long checksumErrors;

    @JsonPropertyDescription("What is stored on it, in bytes.")
    private long usedBytes;

    @JsonPropertyDescription("What is stored on it, for people.")
    private @Nullable String used;

    @JsonPropertyDescription("Eligible, Ready, Healthy.")
    @Size(max = 32)
    private List<Condition> conditions = new ArrayList<>();

    @JsonPropertyDescription("When the node last saw it, RFC 3339 in UTC.")
    private @Nullable String lastSeen;

    public @Nullable Long getObservedGeneration() {
        return observedGeneration;
    }

    public DiskStatus setObservedGeneration(@Nullable Long observedGeneration) {
        this.observedGeneration = observedGeneration;
        return this;
    }

    public @Nullable String getDevice() {
        return device;
    }

    public DiskStatus setDevice(@Nullable String device) {
        this.device = device;
        return this;
    }

    public List<String> getById() {
        return byId;
    }

    public DiskStatus setById(@Nullable List<String> byId) {
        this.byId = byId == null ? new ArrayList<>() : byId;
        return this;
    }

    public @Nullable String getSerial() {
        return serial;
    }

    public DiskStatus setSerial(@Nullable String serial) {
        this.serial = serial;
        return this;
    }

    public @Nullable String getWwn() {
        return wwn;
    }

    public DiskStatus setWwn(@Nullable String wwn) {
        this.wwn = wwn;
        return this;
    }

    public @Nullable String getModel() {
        return model;
    }

    public DiskStatus setModel(@Nullable String model) {
        this.model = model;
        return this;
    }

    public long getSizeBytes() {
        return sizeBytes;
    }

    public DiskStatus setSizeBytes(long sizeBytes) {
        this.sizeBytes = sizeBytes;
        return this;
    }

    public @Nullable String getSize() {
        return size;
    }

    public DiskStatus setSize(@Nullable String size) {
        this.size = size;
        return this;
    }

    public @Nullable Boolean getRotational() {
        return rotational;
    }

    public DiskStatus setRotational(@Nullable Boolean rotational) {
        this.rotational = rotational;
        return this;
    }

    public @Nullable Boolean getRemovable() {
        return removable;
    }

    public DiskStatus setRemovable(@Nullable Boolean removable) {
        this.removable = removable;
        return this;
    }

    public List<ForeignContent> getForeign() {
        return foreign;
    }

    public DiskStatus setForeign(@Nullable List<ForeignContent> foreign) {
        this.foreign = foreign == null ? new ArrayList<>() : foreign;
        return this;
    }

    public @Nullable String getPoolName() {
        return poolName;
    }

    public DiskStatus setPoolName(@Nullable String poolName) {
        this.poolName = poolName;
        return this;
    }

    public @Nullable String getPoolId() {
        return poolId;
    }

    public DiskStatus setPoolId(@Nullable String poolId) {
        this.poolId = poolId;
        return this;
    }

    public @Nullable Integer getDiskIndex() {
        return diskIndex;
    }

    public DiskStatus setDiskIndex(@Nullable Integer diskIndex) {
        this.diskIndex = diskIndex;
        return this;
    }

    public @Nullable DiskHealth getHealth() {
        return health;
    }

    public DiskStatus setHealth(@Nullable DiskHealth health) {
        this.health = health;
        return this;
    }

    public @Nullable String getReason() {
        return reason;
    }

    public DiskStatus setReason(@Nullable String reason) {
        this.reason = reason;
        return this;
    }

    public @Nullable String getSince() {
        return since;
    }

    public DiskStatus setSince(@Nullable String since) {
        this.since = since;
        return this;
    }

    public long getReadErrors() {
        return readErrors;
    }

    public DiskStatus setReadErrors(long readErrors) {
        this.readErrors = readErrors;
        return this;
    }

    public long getWriteErrors() {
        return writeErrors;
    }

    public DiskStatus setWriteErrors(long writeErrors) {
        this.writeErrors = writeErrors;
        return this;
    }

    public long getChecksumErrors() {
        return checksumErrors;
    }

    public DiskStatus setChecksumErrors(long checksumErrors) {
        this.checksumErrors = checksumErrors;
        return this;
    }

    public long getUsedBytes() {
        return usedBytes;
    }

    public DiskStatus setUsedBytes(long usedBytes) {
        this.usedBytes = usedBytes;
        return this;
    }

    public @Nullable String getUsed() {
        return used;
    }

    public DiskStatus setUsed(@Nullable String used) {
        this.used = used;
        return this;
    }

    public List<Condition> getConditions() {
        return conditions;
    }

    public DiskStatus setConditions(@Nullable List<Condition> conditions) {
        this.conditions = conditions == null ? new ArrayList<>() : conditions;
        return this;
    }

    public @Nullable String getLastSeen() {
        return lastSeen;
    }

    public DiskStatus setLastSeen(@Nullable String lastSeen) {
        this.lastSeen = lastSeen;
        return this;
    }
}
