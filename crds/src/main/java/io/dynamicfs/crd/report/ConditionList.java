package io.dynamicfs.crd.report;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Conditions in the making: the time of the last transition stays while the status does. */
public final class ConditionList {
    public static final String TRUE = "True";
    public static final String FALSE = "False";
    public static final String UNKNOWN = "Unknown";

    private final List<Condition> previous;
    private final long generation;
    private final Instant now;
    private final List<Condition> conditions = new ArrayList<>();

    public ConditionList(List<Condition> previous, long generation, Instant now) {
        this.previous = previous;
        this.generation = generation;
        this.now = now;
    }

    /** {@code truth} null is Unknown. */
    public ConditionList add(String type, @Nullable Boolean truth, String reason, String message) {
        return add(type, truth == null ? UNKNOWN : truth ? TRUE : FALSE, reason, message);
    }

    /** {@code status} is {@link #TRUE}, {@link #FALSE} or {@link #UNKNOWN}. */
    public ConditionList add(String type, String status, String reason, String message) {
        String since = find(previous, type)
                .filter(before -> before.getStatus().equals(status))
                .map(Condition::getLastTransitionTime)
                .orElseGet(() -> now.truncatedTo(ChronoUnit.SECONDS).toString());
        conditions.add(new ConditionBuilder()
                .withType(type)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withObservedGeneration(generation)
                .withLastTransitionTime(since)
                .build());
        return this;
    }

    public List<Condition> build() {
        return List.copyOf(conditions);
    }

    public static Optional<Condition> find(List<Condition> conditions, String type) {
        return conditions.stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst();
    }

    public static boolean isTrue(List<Condition> conditions, String type) {
        return find(conditions, type)
                .filter(condition -> condition.getStatus().equals(TRUE))
                .isPresent();
    }
}
