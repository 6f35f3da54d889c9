package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the operator wants of one node. Written by the operator only. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "self.storagePool == oldSelf.storagePool && self.nodeName == oldSelf.nodeName",
        message = "storagePool and nodeName cannot change; delete this StoragePoolMember and the operator "
                + "makes the right one")
@ValidationRule(
        value = "!has(oldSelf.release) || oldSelf.release == 'None' || (has(self.release) && self.release"
                + " != 'None')",
        message = "a release cannot be taken back; delete the StoragePoolMember, and a StoragePool of that "
                + "name takes the pool up again")
public class StoragePoolMemberSpec {
    @JsonPropertyDescription("Name of the StoragePool.")
    @Required
    @Size(min = 1, max = 63)
    private String storagePool = "";

    @JsonPropertyDescription("Name of the node.")
    @Required
    @Size(min = 1, max = 253)
    private String nodeName = "";

    @JsonPropertyDescription("Redundancy of volumes that name none.")
    @Size(max = 8)
    private @Nullable String redundancy;

    @JsonPropertyDescription("Names of the Disk resources that the pool has on this node.")
    @Size(max = 1024)
    private List<@Size(min = 1, max = 253) String> disks = new ArrayList<>();

    @JsonPropertyDescription("What to do with the pool when it is being deleted.")
    @Default("None")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private Release release = Release.None;

    public String getStoragePool() {
        return storagePool;
    }

    public StoragePoolMemberSpec setStoragePool(@Nullable String storagePool) {
        this.storagePool = storagePool == null ? "" : storagePool;
        return this;
    }

    public String getNodeName() {
        return nodeName;
    }

    public StoragePoolMemberSpec setNodeName(@Nullable String nodeName) {
        this.nodeName = nodeName == null ? "" : nodeName;
        return this;
    }

    public @Nullable String getRedundancy() {
        return redundancy;
    }

    public StoragePoolMemberSpec setRedundancy(@Nullable String redundancy) {
        this.redundancy = redundancy;
        return this;
    }

    public List<String> getDisks() {
        return disks;
    }

    public StoragePoolMemberSpec setDisks(@Nullable List<String> disks) {
        this.disks = disks == null ? new ArrayList<>() : disks;
        return this;
    }

    public Release getRelease() {
        return release;
    }

    public StoragePoolMemberSpec setRelease(@Nullable Release release) {
        this.release = release == null ? Release.None : release;
        return this;
    }
}
