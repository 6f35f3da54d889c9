package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** The StorageClass that the operator makes for a pool. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "!has(self.name) || "
                + "self.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        messageExpression = "'the name of a StorageClass has lower case letters, digits, - and . and begins and ends "
                + "with a letter or digit, such as fast-4.2; found \"' + self.name + '\"'")
public class PoolStorageClass {
    @JsonPropertyDescription("Its name; the name of the pool when absent.")
    @Size(min = 1, max = 253)
    private @Nullable String name;

    @JsonPropertyDescription("What becomes of a volume when its claim is deleted.")
    @Default("Delete")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private ReclaimPolicy reclaimPolicy = ReclaimPolicy.Delete;

    @JsonProperty("isDefault")
    @JsonPropertyDescription("Whether claims that name no class get this one.")
    @Default("false")
    private Boolean isDefault = Boolean.FALSE;

    public @Nullable String getName() {
        return name;
    }

    public PoolStorageClass setName(@Nullable String name) {
        this.name = name;
        return this;
    }

    public ReclaimPolicy getReclaimPolicy() {
        return reclaimPolicy;
    }

    public PoolStorageClass setReclaimPolicy(@Nullable ReclaimPolicy reclaimPolicy) {
        this.reclaimPolicy = reclaimPolicy == null ? ReclaimPolicy.Delete : reclaimPolicy;
        return this;
    }

    public Boolean getIsDefault() {
        return isDefault;
    }

    public PoolStorageClass setIsDefault(@Nullable Boolean isDefault) {
        this.isDefault = isDefault == null ? Boolean.FALSE : isDefault;
        return this;
    }
}
