package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import org.jspecify.annotations.Nullable;

/** One node in the status of a StoragePool. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
public class PoolMember {
    @JsonPropertyDescription("Name of the node.")
    @Required
    private String node = "";

    @JsonPropertyDescription("Where the node is with its part.")
    @JsonFormat(with = JsonFormat.Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
    private @Nullable MemberPhase phase;

    @JsonPropertyDescription("Healthy, Degraded, Failed, Silent or NodeGone.")
    private @Nullable String health;

    @JsonPropertyDescription("What one more volume there could be promised, in bytes.")
    private long availableBytes;

    @JsonPropertyDescription("Why it is not well, in one word.")
    private @Nullable String reason;

    @JsonPropertyDescription("Why it is not well, and what to do.")
    private @Nullable String message;

    public String getNode() {
        return node;
    }

    public PoolMember setNode(@Nullable String node) {
        this.node = node == null ? "" : node;
        return this;
    }

    public @Nullable MemberPhase getPhase() {
        return phase;
    }

    public PoolMember setPhase(@Nullable MemberPhase phase) {
        this.phase = phase;
        return this;
    }

    public @Nullable String getHealth() {
        return health;
    }

    public PoolMember setHealth(@Nullable String health) {
        this.health = health;
        return this;
    }

    public long getAvailableBytes() {
        return availableBytes;
    }

    public PoolMember setAvailableBytes(long availableBytes) {
        this.availableBytes = availableBytes;
        return this;
    }

    public @Nullable String getReason() {
        return reason;
    }

    public PoolMember setReason(@Nullable String reason) {
        this.reason = reason;
        return this;
    }

    public @Nullable String getMessage() {
        return message;
    }

    public PoolMember setMessage(@Nullable String message) {
        this.message = message;
        return this;
    }
}
