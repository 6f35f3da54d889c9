package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** One block device of one node, by name. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "self.path.startsWith('/dev/') && !self.path.contains('/../') && !self.path.contains(' ')",
        messageExpression = "'path is a block device below /dev, best a name that survives a reboot such as "
                + "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4; found \"' + self.path + '\"'")
public class ListedDevice {
    @JsonPropertyDescription("Name of the Kubernetes node.")
    @Required
    @Size(min = 1, max = 253)
    private String node = "";

    @JsonPropertyDescription("Path of a whole block device on that node, best a name that survives a reboot, such as "
            + "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4.")
    @Required
    @Size(min = 1, max = 512)
    private String path = "";

    public String getNode() {
        return node;
    }

    public ListedDevice setNode(@Nullable String node) {
        this.node = node == null ? "" : node;
        return this;
    }

    public String getPath() {
        return path;
    }

    public ListedDevice setPath(@Nullable String path) {
        this.path = path == null ? "" : path;
        return this;
    }
}
