package io.dynamicfs.crd.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The disks of a pool: listed, selected, or both. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonIgnoreProperties(ignoreUnknown = true)
@ValidationRule(
        value = "(has(self.devices) && size(self.devices) > 0) || has(self.selector)",
        message = "say which disks the pool takes: list them in disks.devices as {node, path}, or describe "
                + "them in disks.selector, for example {minSize: 100G, rotational: false}")
public class PoolDisks {
    @JsonPropertyDescription("Devices by node and path. They are taken whenever they are listed.")
    @Size(max = 1024)
    private List<ListedDevice> devices = new ArrayList<>();

    @JsonPropertyDescription("Takes eligible disks while the pool is formed on a node, and later only with autoGrow.")
    private @Nullable DiskSelector selector;

    public List<ListedDevice> getDevices() {
        return devices;
    }

    public PoolDisks setDevices(@Nullable List<ListedDevice> devices) {
        this.devices = devices == null ? new ArrayList<>() : devices;
        return this;
    }

    public @Nullable DiskSelector getSelector() {
        return selector;
    }

    public PoolDisks setSelector(@Nullable DiskSelector selector) {
        this.selector = selector;
        return this;
    }
}
