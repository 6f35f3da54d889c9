package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import java.util.Objects;

/** Which changes are worth a round. Heartbeats and counters are not: the next round reads them anyway. */
final class ChangeFilters {
    private ChangeFilters() {}

    static boolean member(StoragePoolMember now, StoragePoolMember before) {
        return leaving(now, before)
                || !Json.same(now.getSpec(), before.getSpec())
                || !Json.sameBut(now.getStatus(), before.getStatus(), "lastHeartbeat", "generation");
    }

    static boolean disk(Disk now, Disk before) {
        return leaving(now, before)
                || !Json.same(now.getSpec(), before.getSpec())
                || !Json.sameBut(
                        now.getStatus(),
                        before.getStatus(),
                        "lastSeen",
                        "used",
                        "usedBytes",
                        "readErrors",
                        "writeErrors",
                        "checksumErrors");
    }

    static boolean node(Node now, Node before) {
        return leaving(now, before)
                || !Objects.equals(
                        now.getMetadata().getLabels(), before.getMetadata().getLabels());
    }

    static boolean volume(PersistentVolume now, PersistentVolume before) {
        return leaving(now, before);
    }

    static boolean claim(PersistentVolumeClaim now, PersistentVolumeClaim before) {
        return !Json.same(now.getSpec(), before.getSpec()) || !Json.same(now.getStatus(), before.getStatus());
    }

    static boolean isOurs(PersistentVolume volume) {
        return volume.getSpec() != null
                && volume.getSpec().getCsi() != null
                && DynamicfsApi.DRIVER.equals(volume.getSpec().getCsi().getDriver());
    }

    private static boolean leaving(HasMetadata now, HasMetadata before) {
        return !Objects.equals(
                now.getMetadata().getDeletionTimestamp(), before.getMetadata().getDeletionTimestamp());
    }
}
