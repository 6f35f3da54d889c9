package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which disks a pool may take without naming them; all that is given must hold. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "has(self.minSize) || has(self.maxSize) || has(self.rotational) || (has(self.models) && "
                + "size(self.models) > 0) || (has(self.paths) && size(self.paths) > 0)",
        message = "an empty selector would take every free disk of every node; say which disks, for example"
                + " minSize: 100G, or paths: [\"/dev/disk/by-id/*\"] when all of them are meant")
@ValidationRule(
        value = "!has(self.minSize) || isQuantity(self.minSize)",
        messageExpression = "'minSize is a quantity such as 100G or 1Ti; found \"' + self.minSize + '\"'")
@ValidationRule(
        value = "!has(self.maxSize) || isQuantity(self.maxSize)",
        messageExpression = "'maxSize is a quantity such as 20T or 8Ti; found \"' + self.maxSize + '\"'")
@ValidationRule(
        value = "!has(self.minSize) || !has(self.maxSize) || !isQuantity(self.minSize) || "
                + "!isQuantity(self.maxSize) || quantity(self.minSize).compareTo(quantity(self.maxSize)) <="
                + " 0",
        messageExpression = "'minSize ' + self.minSize + ' is larger than maxSize ' + self.maxSize + ', so no disk "
                + "fits; exchange them'")
@ValidationRule(
        value = "!has(self.paths) || self.paths.all(p, p.startsWith('/dev/'))",
        message = "each of paths is a glob that begins with /dev/, such as /dev/disk/by-id/nvme-* or /dev/sd?")
public class DiskSelector {
    @JsonPropertyDescription("Smallest disk, as a Kubernetes quantity such as 100G or 1Ti.")
    @Size(max = 32)
    private @Nullable String minSize;

    @JsonPropertyDescription("Largest disk, as a Kubernetes quantity such as 20T.")
    @Size(max = 32)
    private @Nullable String maxSize;

    @JsonPropertyDescription("true: only disks that spin; false: only those that do not.")
    private @Nullable Boolean rotational;

    @JsonPropertyDescription(
            "Globs of which the model must match one, such as \"Samsung SSD 8*\"; * is any text, ? any " + "character.")
    @Size(max = 32)
    private List<@Size(min = 1, max = 128) String> models = new ArrayList<>();

    @JsonPropertyDescription("Globs of which the device path or one of its stable names must match one, such as "
            + "/dev/disk/by-id/nvme-*.")
    @Size(max = 32)
    private List<@Size(min = 1, max = 256) String> paths = new ArrayList<>();

    public @Nullable String getMinSize() {
        return minSize;
    }

    public DiskSelector setMinSize(@Nullable String minSize) {
        this.minSize = minSize;
        return this;
    }

    public @Nullable String getMaxSize() {
        return maxSize;
    }

    public DiskSelector setMaxSize(@Nullable String maxSize) {
        this.maxSize = maxSize;
        return this;
    }

    public @Nullable Boolean getRotational() {
        return rotational;
    }

    public DiskSelector setRotational(@Nullable Boolean rotational) {
        this.rotational = rotational;
        return this;
    }

    public List<String> getModels() {
        return models;
    }

    public DiskSelector setModels(@Nullable List<String> models) {
        this.models = models == null ? new ArrayList<>() : models;
        return this;
    }

    public List<String> getPaths() {
        return paths;
    }

    public DiskSelector setPaths(@Nullable List<String> paths) {
        this.paths = paths == null ? new ArrayList<>() : paths;
        return this;
    }
}
