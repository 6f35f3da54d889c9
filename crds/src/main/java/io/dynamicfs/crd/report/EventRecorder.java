package io.dynamicfs.crd.report;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Kubernetes Events. One that repeats is counted in the same object. Never fails: an Event is not worth a
 * round.
 */
public final class EventRecorder {
    private static final Logger log = LoggerFactory.getLogger(EventRecorder.class);
    private static final Duration REPEAT_AFTER = Duration.ofMinutes(5);
    private static final int MESSAGE_LENGTH_MAX = 1024;
    private static final int NAME_LENGTH_MAX = 220;

    /** Enough for every claim that may wait at once; what falls out is at worst told once more. */
    private static final int REMEMBERED_MAX = 4096;

    private final KubernetesClient client;
    private final InstantSource clock;
    private final String component;
    private final String instance;
    private final Map<String, Instant> told = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
            return size() > REMEMBERED_MAX;
        }
    };

    /** {@code component} is who writes, such as {@code dynamicfs-operator}, {@code instance} which one of several. */
    public EventRecorder(KubernetesClient client, InstantSource clock, String component, String instance) {
        this.client = client;
        this.clock = clock;
        this.component = component;
        this.instance = instance;
    }

    /** Something that happened now. */
    public void tell(HasMetadata about, Note note) {
        log.info(
                "event kind={} name={} reason={} message={}",
                about.getKind(),
                about.getMetadata().getName(),
                note.reason(),
                note.message());
        write(about, note);
    }

    /** Something that is still so, and is told again only now and then. */
    public void tellAgain(HasMetadata about, Note note) {
        String key = nameOf(about, note);
        Instant now = clock.instant();
        synchronized (told) {
            Instant before = told.get(key);
            if (before != null && before.plus(REPEAT_AFTER).isAfter(now)) {
                return;
            }
            told.put(key, now);
        }
        tell(about, note);
    }

    private void write(HasMetadata about, Note note) {
        String namespace = Objects.requireNonNullElse(about.getMetadata().getNamespace(), "default");
        Event event = event(about, note, namespace);
        try {
            client.v1().events().inNamespace(namespace).resource(event).create();
        } catch (KubernetesClientException e) {
            if (e.getCode() == HttpURLConnection.HTTP_CONFLICT) {
                countUp(namespace, event);
            } else {
                log.warn(
                        "event not written name={} reason={} error={}",
                        event.getMetadata().getName(),
                        note.reason(),
                        e.getMessage());
            }
        }
    }

    private void countUp(String namespace, Event event) {
        try {
            client.v1()
                    .events()
                    .inNamespace(namespace)
                    .withName(event.getMetadata().getName())
                    .edit(existing -> new EventBuilder(existing)
                            .withCount((existing.getCount() == null ? 1 : existing.getCount()) + 1)
                            .withMessage(event.getMessage())
                            .withLastTimestamp(event.getLastTimestamp())
                            .build());
        } catch (KubernetesClientException e) {
            log.warn("event not counted name={} error={}", event.getMetadata().getName(), e.getMessage());
        }
    }

    private Event event(HasMetadata about, Note note, String namespace) {
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        return new EventBuilder()
                .withNewMetadata()
                .withName(nameOf(about, note))
                .withNamespace(namespace)
                .endMetadata()
                .withNewInvolvedObject()
                .withApiVersion(about.getApiVersion())
                .withKind(about.getKind())
                .withName(about.getMetadata().getName())
                .withNamespace(about.getMetadata().getNamespace())
                .withUid(about.getMetadata().getUid())
                .endInvolvedObject()
                .withType(note.warning() ? "Warning" : "Normal")
                .withReason(note.reason())
                .withMessage(bounded(note.message()))
                .withFirstTimestamp(now)
                .withLastTimestamp(now)
                .withCount(1)
                .withNewSource()
                .withComponent(component)
                .endSource()
                .withReportingComponent(component)
                .withReportingInstance(instance)
                .build();
    }

    private static String nameOf(HasMetadata about, Note note) {
        String name = about.getMetadata().getName();
        int hash = Objects.hash(about.getMetadata().getUid(), about.getKind(), note.reason(), note.message());
        return name.substring(0, Math.min(name.length(), NAME_LENGTH_MAX)) + "." + Integer.toHexString(hash);
    }

    private static String bounded(String message) {
        return message.length() <= MESSAGE_LENGTH_MAX ? message : message.substring(0, MESSAGE_LENGTH_MAX - 1) + "…";
    }
}
