package io.dynamicfs.csi.agent;

import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells people of changes, as Events. One that cannot be written is only logged: the status says the same. */
final class Announcer {
    private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);
    private static final String COMPONENT = "dynamicfs-node";

    /** Where Events of objects without a namespace are. */
    private static final String NAMESPACE = "default";

    private static final int MESSAGE_LENGTH_MAX = 1024;

    private final KubernetesClient client;
    private final String node;
    private final InstantSource clock;
    private final AtomicLong sequence;

    Announcer(KubernetesClient client, String node, InstantSource clock) {
        this.client = client;
        this.node = node;
        this.clock = clock;
        this.sequence = new AtomicLong(clock.millis() * 1_000);
    }

    void normal(HasMetadata about, String reason, String message) {
        write("Normal", about, reason, message);
    }

    void warning(HasMetadata about, String reason, String message) {
        write("Warning", about, reason, message);
    }

    private void write(String type, HasMetadata about, String reason, String message) {
        LOG.info(
                "event={} kind={} name={} message={}",
                reason,
                about.getKind(),
                about.getMetadata().getName(),
                message);
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        String name = about.getMetadata().getName() + "." + Long.toHexString(sequence.incrementAndGet());
        try {
            client.v1()
                    .events()
                    .inNamespace(NAMESPACE)
                    .resource(new EventBuilder()
                            .withNewMetadata()
                            .withName(name)
                            .withNamespace(NAMESPACE)
                            .endMetadata()
                            .withNewInvolvedObject()
                            .withApiVersion(about.getApiVersion())
                            .withKind(about.getKind())
                            .withName(about.getMetadata().getName())
                            .withUid(about.getMetadata().getUid())
                            .endInvolvedObject()
                            .withType(type)
                            .withReason(reason)
                            .withMessage(
                                    message.length() <= MESSAGE_LENGTH_MAX
                                            ? message
                                            : message.substring(0, MESSAGE_LENGTH_MAX))
                            .withFirstTimestamp(now)
                            .withLastTimestamp(now)
                            .withCount(1)
                            .withNewSource()
                            .withComponent(COMPONENT)
                            .withHost(node)
                            .endSource()
                            .withReportingComponent(COMPONENT)
                            .withReportingInstance(node)
                            .build())
                    .create();
        } catch (KubernetesClientException e) {
            LOG.warn("event=announcement-failed reason={} message={}", reason, e.getMessage());
        }
    }
}
