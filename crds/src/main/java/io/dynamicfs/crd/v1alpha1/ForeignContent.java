package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import org.jspecify.annotations.Nullable;

/** Why a pool may not take a disk. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class ForeignContent {
    @JsonPropertyDescription(
            "Mounted, Partitioned, Signature, TooSmall, ReadOnly, InUse, Removable, Virtual or PoolMember.")
    @Required
    private String reason = "";

    @JsonPropertyDescription("What was found and what to do.")
    private @Nullable String message;

    public String getReason() {
        return reason;
    }

    public ForeignContent setReason(@Nullable String reason) {
        this.reason = reason == null ? "" : reason;
        return this;
    }

    public @Nullable String getMessage() {
        return message;
    }

    public ForeignContent setMessage(@Nullable String message) {
        this.message = message;
        return this;
    }
}
