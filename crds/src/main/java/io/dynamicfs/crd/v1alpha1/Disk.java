package io.dynamicfs.crd.v1alpha1;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.Serial;

/** A block device of a node. The node makes it and writes the status; the operator claims it for a pool. */
@Group(DynamicfsApi.GROUP)
@Version(DynamicfsApi.VERSION)
@Kind("Disk")
@Singular("disk")
@Plural("disks")
public class Disk extends CustomResource<DiskSpec, DiskStatus> {
    @Serial
    private static final long serialVersionUID = 1;

    @Override
    protected DiskSpec initSpec() {
        return new DiskSpec();
    }
}
