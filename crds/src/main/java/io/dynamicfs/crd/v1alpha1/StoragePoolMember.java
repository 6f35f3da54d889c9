package io.dynamicfs.crd.v1alpha1;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.Serial;

/** The part of a StoragePool that is on one node. The operator writes the spec, that node the status. */
@Group(DynamicfsApi.GROUP)
@Version(DynamicfsApi.VERSION)
@Kind("StoragePoolMember")
@Singular("storagepoolmember")
@Plural("storagepoolmembers")
@ShortNames("spm")
public class StoragePoolMember extends CustomResource<StoragePoolMemberSpec, StoragePoolMemberStatus> {
    @Serial
    private static final long serialVersionUID = 1;

    @Override
    protected StoragePoolMemberSpec initSpec() {
        return new StoragePoolMemberSpec();
    }
}
