package io.dynamicfs.operator;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.report.Note;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.PoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What of two statuses, one after the other, a person would want to know. */
final class PoolEvents {
    private PoolEvents() {}

    static List<Note> between(@Nullable StoragePoolStatus before, StoragePoolStatus after) {
        List<Note> notes = new ArrayList<>();
        List<Condition> old = before == null ? List.of() : before.getConditions();
        for (Condition condition : after.getConditions()) {
            Optional<Condition> was = ConditionList.find(old, condition.getType());
            boolean changed = was.isEmpty()
                    || !was.get().getStatus().equals(condition.getStatus())
                    || !was.get().getReason().equals(condition.getReason())
                    || isGettingWorse(condition, was.get());
            if (changed && isWorthTelling(condition, was)) {
                notes.add(new Note(isBad(condition), condition.getReason(), condition.getMessage()));
            }
        }
        Map<String, PoolMember> members = before == null
                ? Map.of()
                : before.getMembers().stream()
                        .collect(Collectors.toMap(PoolMember::getNode, member -> member, (one, two) -> one));
        for (PoolMember member : after.getMembers()) {
            PoolMember was = members.get(member.getNode());
            if (member.getPhase() == MemberPhase.Open && (was == null || was.getPhase() != MemberPhase.Open)) {
                notes.add(new Note(false, Reasons.POOL_OPENED, "the pool is open on " + member.getNode()));
            }
        }
        return notes.stream().distinct().toList();
    }

    private static boolean isWorthTelling(Condition condition, Optional<Condition> was) {
        return switch (condition.getType()) {
            case Conditions.PROGRESSING -> isBad(condition);
            case Conditions.DELETING -> true;
            default ->
                !condition.getStatus().equals(ConditionList.UNKNOWN)
                        && (was.isPresent()
                                || isBad(condition)
                                || condition.getType().equals(Conditions.READY))
                        && !condition.getReason().equals(Reasons.CREATING)
                        && !condition.getReason().equals(Reasons.DISKS_APPEARING);
        };
    }

    /** Another disk failed, or one more may not be lost. */
    private static boolean isGettingWorse(Condition condition, Condition was) {
        return isBad(condition)
                && (condition.getType().equals(Conditions.HEALTHY)
                        || condition.getType().equals(Conditions.REDUNDANT))
                && !condition.getMessage().equals(was.getMessage());
    }

    private static boolean isBad(Condition condition) {
        return switch (condition.getType()) {
            case Conditions.PROGRESSING ->
                condition.getReason().equals(Reasons.FORBIDDEN)
                        || condition.getReason().equals(Reasons.RECONCILE_FAILED);
            case Conditions.DELETING -> condition.getReason().equals(Reasons.PERSISTENT_VOLUMES_EXIST);
            default ->
                condition.getStatus().equals(ConditionList.FALSE)
                        && !condition.getReason().equals(Reasons.RELEASING)
                        && !condition.getReason().equals(Reasons.WIPING);
        };
    }
}
