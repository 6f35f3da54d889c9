package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.net.HttpURLConnection;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything that the operator writes, but Events. Every step can be repeated. */
final class ApiWriter {
    private static final Logger log = LoggerFactory.getLogger(ApiWriter.class);

    private final KubernetesClient client;

    ApiWriter(KubernetesClient client) {
        this.client = client;
    }

    /** Claims a disk, unless it changed since it was looked at: then this is a conflict, and the round is repeated. */
    void claim(Disk disk, String pool) {
        setPool(disk, "\"" + pool + "\"");
        log.info("disk claimed disk={} pool={}", disk.getMetadata().getName(), pool);
    }

    void free(Disk disk) {
        try {
            setPool(disk, "null");
            log.info(
                    "disk freed disk={} pool={}",
                    disk.getMetadata().getName(),
                    disk.getSpec().getPool());
        } catch (KubernetesClientException e) {
            ignoreGone(e);
        }
    }

    void apply(StoragePoolMember member) {
        apply((HasMetadata) member);
        log.info(
                "member applied pool={} node={} disks={} release={}",
                member.getSpec().getStoragePool(),
                member.getSpec().getNodeName(),
                member.getSpec().getDisks().size(),
                member.getSpec().getRelease());
    }

    void apply(HasMetadata resource) {
        client.resource(resource)
                .fieldManager(FieldManagers.OPERATOR)
                .forceConflicts()
                .serverSideApply();
    }

    void delete(StoragePoolMember member) {
        try {
            client.resources(StoragePoolMember.class)
                    .withName(member.getMetadata().getName())
                    .delete();
            log.info(
                    "member deleted pool={} node={}",
                    member.getSpec().getStoragePool(),
                    member.getSpec().getNodeName());
        } catch (KubernetesClientException e) {
            ignoreGone(e);
        }
    }

    void writeStatus(StoragePool pool, StoragePoolStatus status) {
        StoragePool wrapper = new StoragePool();
        wrapper.setMetadata(new ObjectMetaBuilder()
                .withName(pool.getMetadata().getName())
                .withUid(pool.getMetadata().getUid())
                .build());
        wrapper.setSpec(null);
        wrapper.setStatus(status);
        client.resource(wrapper)
                .subresource("status")
                .patch(new PatchContext.Builder()
                        .withPatchType(PatchType.SERVER_SIDE_APPLY)
                        .withFieldManager(FieldManagers.OPERATOR)
                        .withForce(true)
                        .build());
    }

    private void setPool(Disk disk, String poolJson) {
        String patch = "{\"metadata\":{\"resourceVersion\":\""
                + disk.getMetadata().getResourceVersion() + "\"},\"spec\":{\"pool\":" + poolJson + "}}";
        client.resources(Disk.class)
                .withName(disk.getMetadata().getName())
                .patch(
                        new PatchContext.Builder()
                                .withPatchType(PatchType.JSON_MERGE)
                                .withFieldManager(FieldManagers.OPERATOR)
                                .build(),
                        patch);
    }

    static boolean isConflict(@Nullable Throwable e) {
        return has(e, HttpURLConnection.HTTP_CONFLICT);
    }

    static boolean isForbidden(@Nullable Throwable e) {
        return has(e, HttpURLConnection.HTTP_FORBIDDEN);
    }

    private static boolean has(@Nullable Throwable e, int code) {
        return e instanceof KubernetesClientException answer && answer.getCode() == code
                || e != null && e.getCause() != null && has(e.getCause(), code);
    }

    /** What the API server said; for a missing permission that names verb and resource. */
    static String messageOf(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof KubernetesClientException answer
                    && answer.getStatus() != null
                    && answer.getStatus().getMessage() != null) {
                return answer.getStatus().getMessage();
            }
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static void ignoreGone(KubernetesClientException e) {
        if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
            throw e;
        }
    }
}
