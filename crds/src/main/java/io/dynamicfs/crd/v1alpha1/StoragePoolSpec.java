package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The wish for one pool on each matching node. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class StoragePoolSpec {
    @JsonPropertyDescription("Labels that a node must have; absent: every node that has a matching disk.")
    @Size(max = 32)
    private Map<String, @Size(max = 63) String> nodeSelector = new TreeMap<>();

    @JsonPropertyDescription("Which disks the pool takes. A disk with any foreign content is never taken.")
    @Required
    private PoolDisks disks = new PoolDisks();

    @JsonPropertyDescription("How many disks may fail before data is lost.")
    @Default("{}")
    private PoolRedundancy redundancy = new PoolRedundancy();

    @JsonPropertyDescription("Whether the selector takes disks also after the pool is formed.")
    @Default("false")
    private boolean autoGrow;

    @JsonPropertyDescription("Makes a StorageClass for the pool; absent: none. It is not deleted with the pool.")
    private @Nullable PoolStorageClass storageClass;

    @JsonPropertyDescription(
            "What becomes of the data when this object is deleted: Retain leaves it on the disks, Wipe "
                    + "destroys it once no PersistentVolume is on it.")
    @Default("Retain")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private DeletionPolicy deletionPolicy = DeletionPolicy.Retain;

    public Map<String, String> getNodeSelector() {
        return nodeSelector;
    }

    public StoragePoolSpec setNodeSelector(@Nullable Map<String, String> nodeSelector) {
        this.nodeSelector = nodeSelector == null ? new TreeMap<>() : nodeSelector;
        return this;
    }

    public PoolDisks getDisks() {
        return disks;
    }

    public StoragePoolSpec setDisks(@Nullable PoolDisks disks) {
        this.disks = disks == null ? new PoolDisks() : disks;
        return this;
    }

    public PoolRedundancy getRedundancy() {
        return redundancy;
    }

    public StoragePoolSpec setRedundancy(@Nullable PoolRedundancy redundancy) {
        this.redundancy = redundancy == null ? new PoolRedundancy() : redundancy;
        return this;
    }

    public boolean isAutoGrow() {
        return autoGrow;
    }

    public StoragePoolSpec setAutoGrow(boolean autoGrow) {
        this.autoGrow = autoGrow;
        return this;
    }

    public @Nullable PoolStorageClass getStorageClass() {
        return storageClass;
    }

    public StoragePoolSpec setStorageClass(@Nullable PoolStorageClass storageClass) {
        this.storageClass = storageClass;
        return this;
    }

    public DeletionPolicy getDeletionPolicy() {
        return deletionPolicy;
    }

    public StoragePoolSpec setDeletionPolicy(@Nullable DeletionPolicy deletionPolicy) {
        this.deletionPolicy = deletionPolicy == null ? DeletionPolicy.Retain : deletionPolicy;
        return this;
    }
}
