package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** Who a disk is for. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "self.nodeName == oldSelf.nodeName",
        message = "nodeName cannot change; a disk that was moved gets a Disk of its own on the other node")
@ValidationRule(
        value = "!has(oldSelf.pool) || oldSelf.pool == '' || !has(self.pool) || self.pool == '' || "
                + "self.pool == oldSelf.pool",
        messageExpression = "'this disk belongs to the StoragePool ' + oldSelf.pool + '; it must be released there "
                + "before another one can take it'")
public class DiskSpec {
    @JsonPropertyDescription("Node that the disk is in. Written by that node.")
    @Required
    @Size(min = 1, max = 253)
    private String nodeName = "";

    @JsonPropertyDescription("StoragePool that takes the disk; absent: none. Written by the operator.")
    @Size(max = 63)
    private @Nullable String pool;

    public String getNodeName() {
        return nodeName;
    }

    public DiskSpec setNodeName(@Nullable String nodeName) {
        this.nodeName = nodeName == null ? "" : nodeName;
        return this;
    }

    public @Nullable String getPool() {
        return pool;
    }

    public DiskSpec setPool(@Nullable String pool) {
        this.pool = pool;
        return this;
    }
}
