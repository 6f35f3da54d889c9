package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** How many disks may fail. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "!has(self.default) || self.default.matches('^([1-5]x|([2-9]|1[0-6])[+][1-4])$')",
        messageExpression = "'redundancy is copies 1x to 5x or Reed-Solomon k+m with k 2-16 and m 1-4, such as 3x or "
                + "4+2; found \"' + self.default + '\"'")
public class PoolRedundancy {
    @JsonProperty("default")
    @JsonPropertyDescription(
            "Of volumes that name none: copies 1x to 5x, or Reed-Solomon k+m with k 2-16 and m 1-4. 4+2 "
                    + "survives the loss of any two disks of a node and needs six.")
    @Default("4+2")
    @Size(max = 8)
    private String defaultRedundancy = DynamicfsApi.DEFAULT_REDUNDANCY;

    public String getDefaultRedundancy() {
        return defaultRedundancy;
    }

    public PoolRedundancy setDefaultRedundancy(@Nullable String defaultRedundancy) {
        this.defaultRedundancy = defaultRedundancy == null ? DynamicfsApi.DEFAULT_REDUNDANCY : defaultRedundancy;
        return this;
    }
}
