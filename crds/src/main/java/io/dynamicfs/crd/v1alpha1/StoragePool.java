package io.dynamicfs.crd.v1alpha1;

import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.Serial;

/** The wish for one pool on each matching node. */
@Group(DynamicfsApi.GROUP)
@Version(DynamicfsApi.VERSION)
@Kind("StoragePool")
@Singular("storagepool")
@Plural("storagepools")
@ShortNames("sp")
@ValidationRule(
        value = "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
        messageExpression = "'the name of a StoragePool has up to 63 lower case letters, digits and -, such as tank; "
                + "found \"' + self.metadata.name + '\"'")
public class StoragePool extends CustomResource<StoragePoolSpec, StoragePoolStatus> {
    @Serial
    private static final long serialVersionUID = 1;

    @Override
    protected StoragePoolSpec initSpec() {
        return new StoragePoolSpec();
    }
}
