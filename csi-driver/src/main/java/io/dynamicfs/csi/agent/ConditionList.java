package io.dynamicfs.csi.agent;

import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Builds the conditions of one status; a condition whose truth stays the same keeps its transition time. */
final class ConditionList {
    private final List<Condition> before;
    private final @Nullable Long generation;
    private final Instant now;
    private final List<Condition> conditions = new ArrayList<>();

    ConditionList(@Nullable List<Condition> before, @Nullable Long generation, Instant now) {
        this.before = before == null ? List.of() : before;
        this.generation = generation;
        this.now = now.truncatedTo(ChronoUnit.SECONDS);
    }

    /** {@code truth} null is Unknown. */
    ConditionList add(String type, @Nullable Boolean truth, String reason, String message) {
        String status = truth == null ? "Unknown" : truth ? "True" : "False";
        Condition condition = new Condition();
        condition.setType(type);
        condition.setStatus(status);
        condition.setReason(reason);
        condition.setMessage(message);
        condition.setObservedGeneration(generation);
        condition.setLastTransitionTime(since(type, status));
        conditions.add(condition);
        return this;
    }

    List<Condition> toList() {
        return conditions;
    }

    private String since(String type, String status) {
        return before.stream()
                .filter(condition -> condition.getType().equals(type)
                        && condition.getStatus().equals(status)
                        && condition.getLastTransitionTime() != null)
                .map(Condition::getLastTransitionTime)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(now.toString());
    }
}
