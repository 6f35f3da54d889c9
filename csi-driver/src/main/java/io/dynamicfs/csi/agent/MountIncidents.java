package io.dynamicfs.csi.agent;

import io.dynamicfs.crd.report.EventRecorder;
import io.dynamicfs.crd.report.Note;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.csi.engine.Incidents;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells of mounts that ended as Events on the claims of their volumes, and in the log. */
public final class MountIncidents implements Incidents, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MountIncidents.class);

    private final KubernetesClient client;
    private final EventRecorder events;
    private final Incidents log = Incidents.logged();

    /** Nobody who ends a mount waits for the API server. */
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("mount-incidents").factory());

    public MountIncidents(KubernetesClient client, String node, InstantSource clock) {
        this.client = client;
        this.events = new EventRecorder(client, clock, DynamicfsApi.FieldManagers.NODE, node);
    }

    @Override
    public void aborted(KeptConnection connection, String why) {
        log.aborted(connection, why);
        announce(connection, "MountAborted", "the volume's mount was ended: " + why + ". Start its pods again");
    }

    @Override
    public void lost(KeptConnection connection) {
        log.lost(connection);
        announce(
                connection,
                "MountLost",
                "the volume's mount ended together with the processes that served it. Start its pods again");
    }

    private void announce(KeptConnection connection, String reason, String message) {
        thread.execute(() -> {
            try {
                subject(connection.volume()).ifPresent(subject -> events.tell(subject, Note.warning(reason, message)));
            } catch (KubernetesClientException e) {
                LOG.warn("event=announcement-failed reason={} message={}", reason, e.getMessage());
            }
        });
    }

    /** The claim of the volume, or the volume itself when nothing claims it. */
    private Optional<HasMetadata> subject(String handle) {
        Optional<PersistentVolume> volume = client.persistentVolumes().list().getItems().stream()
                .filter(candidate -> candidate.getSpec().getCsi() != null
                        && DynamicfsApi.DRIVER.equals(
                                candidate.getSpec().getCsi().getDriver())
                        && handle.equals(candidate.getSpec().getCsi().getVolumeHandle()))
                .findFirst();
        if (volume.isEmpty() || volume.get().getSpec().getClaimRef() == null) {
            return volume.map(found -> found);
        }
        var claim = volume.get().getSpec().getClaimRef();
        PersistentVolumeClaim found = client.persistentVolumeClaims()
                .inNamespace(claim.getNamespace())
                .withName(claim.getName())
                .get();
        return Optional.of(found == null ? volume.get() : found);
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
