package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The agents of all nodes, as far as the operator sees them: they do what members say, at once, and report. */
final class FakeAgents implements AutoCloseable {
    private static final long ROUND_MILLIS = 200;

    private final KubernetesClient client;
    private final Set<String> failedDisks = ConcurrentHashMap.newKeySet();
    private final List<String> orders = new ArrayList<>();
    private final Thread thread;
    private volatile boolean closed;

    FakeAgents(KubernetesClient client) {
        this.client = client;
        this.thread = Thread.ofVirtual().name("fake-agents").start(this::run);
    }

    /** Makes the Disks of a node, as its agent does. */
    void showDisks(String node, String... letters) {
        for (String letter : letters) {
            Disk shown = Fixtures.disk(node, letter);
            Disk disk = new Disk();
            disk.getMetadata().setName(shown.getMetadata().getName());
            disk.getSpec().setNodeName(node);
            client.resource(disk).serverSideApply();
            disk.setStatus(shown.getStatus());
            applyStatus(disk);
        }
    }

    void fail(String disk) {
        failedDisks.add(disk);
    }

    /** Every order that a node got: MEMBER RELEASE. */
    List<String> orders() {
        synchronized (orders) {
            return List.copyOf(orders);
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closed) {
            try {
                client.resources(StoragePoolMember.class).list().getItems().forEach(this::report);
            } catch (KubernetesClientException e) {
                // The API server is away, or something changed meanwhile; the next round sees.
            }
            try {
                Thread.sleep(ROUND_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void report(StoragePoolMember member) {
        MemberPhase phase = switch (member.getSpec().getRelease()) {
            case None -> MemberPhase.Open;
            case Retain -> MemberPhase.Released;
            case Wipe -> MemberPhase.Wiped;
        };
        if (phase != MemberPhase.Open) {
            synchronized (orders) {
                orders.add(
                        member.getMetadata().getName() + " " + member.getSpec().getRelease());
            }
        }
        List<String> failed = member.getSpec().getDisks().stream()
                .filter(failedDisks::contains)
                .toList();
        int disks = member.getSpec().getDisks().size();
        StoragePoolMemberStatus status = Fixtures.openStatus(disks)
                .setPhase(phase)
                .setRedundancy(member.getSpec().getRedundancy())
                .setRedundancyMargin(2 - failed.size())
                .setDisks(new DiskCounts()
                        .setTotal(disks)
                        .setHealthy(disks - failed.size())
                        .setFailed(failed.size()))
                .setFailedDisks(failed)
                .setLastHeartbeat(Instant.now().toString());
        StoragePoolMember reported = new StoragePoolMember();
        reported.getMetadata().setName(member.getMetadata().getName());
        reported.setSpec(member.getSpec());
        reported.setStatus(status);
        applyStatus(reported);
    }

    private void applyStatus(HasMetadata resource) {
        client.resource(resource)
                .subresource("status")
                .patch(new PatchContext.Builder()
                        .withPatchType(PatchType.SERVER_SIDE_APPLY)
                        .withFieldManager(FieldManagers.NODE)
                        .withForce(true)
                        .build());
    }
}
