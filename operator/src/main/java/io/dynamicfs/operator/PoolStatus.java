package io.dynamicfs.operator;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.HumanBytes;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.PoolMember;
import io.dynamicfs.crd.v1alpha1.PoolPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Sums up what the nodes report. Pure: of the pool, its claims and what was seen. */
final class PoolStatus {
    static final String HEALTHY = "Healthy";
    static final String CREATING = "Creating";
    static final String SUSPECT = "Suspect";
    static final String DEGRADED = "Degraded";
    static final String SILENT = "Silent";
    static final String NODE_GONE = "NodeGone";
    static final String FAILED = "Failed";

    private static final int MEMBERS_MAX = 1000;

    /** From bad to good. */
    private static final List<String> WORST_FIRST =
            List.of(FAILED, NODE_GONE, SILENT, DEGRADED, SUSPECT, CREATING, HEALTHY);

    private final StoragePool pool;
    private final Claims claims;
    private final StorageClasses.Verdict storageClass;
    private final List<Seen> nodes;
    private final ConditionList conditions;

    /** One node, and what is to be thought of it. */
    private record Seen(
            StoragePoolMember member, StoragePoolMemberStatus report, String health, String reason, String message) {
        String node() {
            return member.getSpec().getNodeName();
        }

        boolean isOpen() {
            return report.getPhase() == MemberPhase.Open && !health.equals(NODE_GONE) && !health.equals(SILENT);
        }

        String text() {
            return node() + ": " + (message.isEmpty() ? reason : message);
        }
    }

    private PoolStatus(StoragePool pool, Claims claims, StorageClasses.Verdict storageClass, ClusterView cluster) {
        this.pool = pool;
        this.claims = claims;
        this.storageClass = storageClass;
        this.nodes = cluster.membersOf(pool).stream()
                .map(member -> see(member, cluster))
                .sorted(Comparator.comparingInt((Seen seen) -> WORST_FIRST.indexOf(seen.health()))
                        .thenComparing(Seen::node))
                .toList();
        this.conditions = new ConditionList(previousConditions(pool), generation(pool), cluster.now());
    }

    static StoragePoolStatus of(
            StoragePool pool, Claims claims, StorageClasses.Verdict storageClass, ClusterView cluster) {
        PoolStatus status = new PoolStatus(pool, claims, storageClass, cluster);
        status.ready();
        status.healthy();
        status.redundant();
        status.disksAvailable();
        status.progressing();
        status.storageClassReady();
        List<Condition> conditions = status.conditions.build();
        return status.sums().setConditions(conditions).setPhase(status.phase(conditions));
    }

    /** Of a pool that is being deleted: what its nodes are, and what is waited for. */
    static StoragePoolStatus deleting(StoragePool pool, Deletion deletion, ClusterView cluster) {
        Claims none = new Claims(new TreeMap<>(), List.of(), List.of(), false);
        PoolStatus status = new PoolStatus(pool, none, new StorageClasses.Verdict.NotWanted(), cluster);
        String message =
                deletion.waiting().isEmpty() ? "no node has to be waited for" : Texts.sentences(deletion.waiting());
        status.conditions.add(Conditions.READY, ConditionList.FALSE, deletion.reason(), message);
        status.healthy();
        status.redundant();
        status.conditions.add(Conditions.DELETING, ConditionList.TRUE, deletion.reason(), message);
        return status.sums().setConditions(status.conditions.build()).setPhase(PoolPhase.Deleting);
    }

    /** The status as it was, with what stopped this round. */
    static StoragePoolStatus failing(StoragePool pool, String reason, String message, Instant now) {
        ConditionList changed = new ConditionList(previousConditions(pool), generation(pool), now);
        List<Condition> conditions = new ArrayList<>();
        previousConditions(pool).stream()
                .filter(condition -> !condition.getType().equals(Conditions.PROGRESSING))
                .forEach(conditions::add);
        changed.add(Conditions.PROGRESSING, ConditionList.FALSE, reason, message);
        conditions.addAll(changed.build());
        StoragePoolStatus before = pool.getStatus() == null ? new StoragePoolStatus() : pool.getStatus();
        StoragePoolStatus copy = Serialization.clone(before);
        return copy.setConditions(conditions);
    }

    private void ready() {
        List<Seen> closed = nodes.stream().filter(seen -> !seen.isOpen()).toList();
        if (nodes.isEmpty()) {
            conditions.add(
                    Conditions.READY, ConditionList.FALSE, firstProblem(), problemsOr("no node has a disk for it yet"));
        } else if (closed.isEmpty()) {
            conditions.add(
                    Conditions.READY,
                    ConditionList.TRUE,
                    Reasons.ALL_NODES_OPEN,
                    "open on " + Texts.count(nodes.size(), "node"));
        } else {
            String reason = closed.stream().map(Seen::reason).distinct().count() == 1
                    ? closed.getFirst().reason()
                    : Reasons.NODES_NOT_OPEN;
            conditions.add(
                    Conditions.READY,
                    ConditionList.FALSE,
                    reason,
                    closed.size() + " of " + Texts.count(nodes.size(), "node") + " not open: "
                            + Texts.sentences(closed.stream().map(Seen::text).toList()));
        }
    }

    private void healthy() {
        List<String> failed = failedDisks();
        long suspect = count(DiskCounts::getSuspect);
        if (!failed.isEmpty()) {
            conditions.add(
                    Conditions.HEALTHY,
                    ConditionList.FALSE,
                    Reasons.DISKS_FAILED,
                    "failed or missing: " + Texts.list(failed)
                            + "; what was on them is read through the other disks. Give the pool disks in their place");
        } else if (count(DiskCounts::getFailed) + count(DiskCounts::getMissing) > 0) {
            conditions.add(
                    Conditions.HEALTHY,
                    ConditionList.FALSE,
                    Reasons.DISKS_FAILED,
                    Texts.count((int) (count(DiskCounts::getFailed) + count(DiskCounts::getMissing)), "disk")
                            + " failed or missing; kubectl get disks shows them");
        } else if (suspect > 0) {
            conditions.add(
                    Conditions.HEALTHY,
                    ConditionList.FALSE,
                    Reasons.DISKS_SUSPECT,
                    Texts.count((int) suspect, "disk") + " with errors; kubectl get disks shows them");
        } else if (nodes.stream().noneMatch(Seen::isOpen)) {
            conditions.add(Conditions.HEALTHY, ConditionList.UNKNOWN, Reasons.UNKNOWN, "no node has it open");
        } else {
            conditions.add(
                    Conditions.HEALTHY,
                    ConditionList.TRUE,
                    Reasons.ALL_DISKS_HEALTHY,
                    Texts.count((int) count(DiskCounts::getTotal), "disk") + " without complaint");
        }
    }

    private void redundant() {
        String wished = pool.getSpec().getRedundancy().getDefaultRedundancy();
        Optional<Redundancy> redundancy = Redundancy.parse(wished);
        List<String> lost = new ArrayList<>();
        List<String> impossible = new ArrayList<>();
        List<String> reduced = new ArrayList<>();
        boolean unknown = nodes.isEmpty();
        for (Seen seen : nodes) {
            Integer margin = seen.report().getRedundancyMargin();
            int disks = seen.member().getSpec().getDisks().size();
            int losses = Redundancy.parse(seen.report().getRedundancy())
                    .or(() -> redundancy)
                    .map(Redundancy::parityFragments)
                    .orElse(0);
            if (!seen.isOpen() || margin == null) {
                unknown = true;
            } else if (margin < 0) {
                lost.add(seen.node());
            } else if (redundancy.isPresent() && disks < redundancy.get().fragments()) {
                impossible.add(seen.node() + " has " + Texts.count(disks, "disk") + ", " + wished + " needs "
                        + redundancy.get().fragments());
            } else if (seen.report().getRedundancy() != null
                    && !wished.equals(seen.report().getRedundancy())) {
                impossible.add(seen.node() + " still has " + seen.report().getRedundancy() + ", not " + wished
                        + (seen.message().isEmpty() ? "" : " (" + seen.message() + ")"));
            } else if (margin < losses) {
                reduced.add(seen.node() + ": " + margin + " of " + losses + " disks may still be lost");
            }
        }
        if (!lost.isEmpty()) {
            conditions.add(
                    Conditions.REDUNDANT,
                    ConditionList.FALSE,
                    Reasons.DATA_LOST,
                    "more disks are lost than the redundancy covers on " + Texts.list(lost)
                            + "; bring lost disks back, nothing is deleted meanwhile");
        } else if (!impossible.isEmpty()) {
            conditions.add(
                    Conditions.REDUNDANT,
                    ConditionList.FALSE,
                    Reasons.REDUNDANCY_IMPOSSIBLE,
                    Texts.sentences(impossible)
                            + "; add disks or choose another redundancy, what is stored keeps the one it has");
        } else if (!reduced.isEmpty()) {
            conditions.add(
                    Conditions.REDUNDANT, ConditionList.FALSE, Reasons.REDUNDANCY_REDUCED, Texts.sentences(reduced));
        } else if (unknown) {
            conditions.add(Conditions.REDUNDANT, ConditionList.UNKNOWN, Reasons.UNKNOWN, "not every node has reported");
        } else {
            conditions.add(
                    Conditions.REDUNDANT,
                    ConditionList.TRUE,
                    Reasons.FULLY_REDUNDANT,
                    "everything is stored with " + wished);
        }
    }

    private void disksAvailable() {
        if (!claims.problems().isEmpty()) {
            conditions.add(Conditions.DISKS_AVAILABLE, ConditionList.FALSE, firstProblem(), problemsOr(""));
        } else if (claims.settling()) {
            conditions.add(
                    Conditions.DISKS_AVAILABLE,
                    ConditionList.UNKNOWN,
                    Reasons.DISKS_APPEARING,
                    "nodes are still showing their disks");
        } else {
            conditions.add(
                    Conditions.DISKS_AVAILABLE,
                    ConditionList.TRUE,
                    Reasons.ALL_DISKS_TAKEN,
                    "the pool has every disk that it asks for");
        }
    }

    private void progressing() {
        List<String> busy = nodes.stream()
                .filter(seen -> seen.health().equals(CREATING) || seen.isOpen() && isGrowing(seen))
                .map(Seen::text)
                .toList();
        if (claims.settling() || !busy.isEmpty()) {
            conditions.add(
                    Conditions.PROGRESSING,
                    ConditionList.TRUE,
                    Reasons.CREATING,
                    busy.isEmpty() ? "nodes are still showing their disks" : Texts.sentences(busy));
        } else {
            conditions.add(Conditions.PROGRESSING, ConditionList.FALSE, Reasons.SETTLED, "nothing is under way");
        }
    }

    private static boolean isGrowing(Seen seen) {
        DiskCounts disks = seen.report().getDisks();
        return disks != null
                && disks.getTotal() < seen.member().getSpec().getDisks().size();
    }

    private void storageClassReady() {
        switch (storageClass) {
            case StorageClasses.Verdict.NotWanted() -> {}
            case StorageClasses.Verdict.AsWished(String name) ->
                conditions.add(
                        Conditions.STORAGE_CLASS_READY,
                        ConditionList.TRUE,
                        Reasons.STORAGE_CLASS_EXISTS,
                        "claims can use StorageClass " + name);
            case StorageClasses.Verdict.Create(var wished) ->
                conditions.add(
                        Conditions.STORAGE_CLASS_READY,
                        ConditionList.TRUE,
                        Reasons.STORAGE_CLASS_EXISTS,
                        "claims can use StorageClass " + wished.getMetadata().getName());
            case StorageClasses.Verdict.Change(var wished) ->
                conditions.add(
                        Conditions.STORAGE_CLASS_READY,
                        ConditionList.TRUE,
                        Reasons.STORAGE_CLASS_EXISTS,
                        "claims can use StorageClass " + wished.getMetadata().getName());
            case StorageClasses.Verdict.Stuck(String reason, String message) ->
                conditions.add(Conditions.STORAGE_CLASS_READY, ConditionList.FALSE, reason, message);
        }
    }

    private PoolPhase phase(List<Condition> conditions) {
        if (nodes.isEmpty()) {
            return PoolPhase.Pending;
        }
        if (nodes.stream().noneMatch(Seen::isOpen)) {
            return nodes.stream().anyMatch(seen -> seen.health().equals(CREATING))
                    ? PoolPhase.Creating
                    : PoolPhase.Failed;
        }
        boolean well = ConditionList.isTrue(conditions, Conditions.READY)
                && ConditionList.isTrue(conditions, Conditions.HEALTHY)
                && ConditionList.isTrue(conditions, Conditions.REDUNDANT);
        return well ? PoolPhase.Ready : PoolPhase.Degraded;
    }

    private StoragePoolStatus sums() {
        CapacityBytes sum = new CapacityBytes()
                .setRaw(sum(CapacityBytes::getRaw))
                .setUsable(sum(CapacityBytes::getUsable))
                .setUsed(sum(CapacityBytes::getUsed))
                .setReserved(sum(CapacityBytes::getReserved))
                .setAvailable(sum(CapacityBytes::getAvailable));
        return new StoragePoolStatus()
                .setObservedGeneration(generation(pool))
                .setNodes(nodes.size())
                .setDisks((int) nodes.stream()
                        .mapToLong(seen -> seen.member().getSpec().getDisks().size())
                        .sum())
                .setHealth(nodes.isEmpty() ? null : nodes.getFirst().health())
                .setRedundancy(redundancy())
                .setCapacity(HumanBytes.of(sum.getUsable()))
                .setAvailable(HumanBytes.of(sum.getAvailable()))
                .setCapacityBytes(sum)
                .setMembers(
                        nodes.stream().limit(MEMBERS_MAX).map(PoolStatus::entry).toList())
                .setFailedDisks(failedDisks().stream().limit(MEMBERS_MAX).toList());
    }

    private String redundancy() {
        return nodes.stream()
                .map(seen -> seen.report().getRedundancy())
                .filter(Objects::nonNull)
                .distinct()
                .sorted()
                .reduce((left, right) -> left + ", " + right)
                .orElse(pool.getSpec().getRedundancy().getDefaultRedundancy());
    }

    private static PoolMember entry(Seen seen) {
        CapacityBytes capacity = seen.report().getCapacityBytes();
        return new PoolMember()
                .setNode(seen.node())
                .setPhase(
                        seen.report().getPhase() == null
                                ? MemberPhase.Pending
                                : seen.report().getPhase())
                .setHealth(seen.health())
                .setAvailableBytes(capacity == null || !seen.isOpen() ? 0 : capacity.getAvailable())
                .setReason(seen.reason().isEmpty() ? null : seen.reason())
                .setMessage(seen.message().isEmpty() ? null : seen.message());
    }

    private static Seen see(StoragePoolMember member, ClusterView cluster) {
        String node = member.getSpec().getNodeName();
        StoragePoolMemberStatus report =
                member.getStatus() == null ? new StoragePoolMemberStatus() : member.getStatus();
        if (!cluster.hasNode(node)) {
            return new Seen(
                    member,
                    report,
                    NODE_GONE,
                    Reasons.NODE_GONE,
                    "the node is not in the cluster any more; its volumes are back when it is, or when its disks are in another");
        }
        if (cluster.isSilent(member)) {
            return new Seen(
                    member,
                    report,
                    SILENT,
                    Reasons.NODE_AGENT_SILENT,
                    (report.getLastHeartbeat() == null
                                    ? "the agent never reported"
                                    : "the agent is silent since " + report.getLastHeartbeat())
                            + "; look whether the node and its dynamicfs-node pod run");
        }
        MemberPhase phase = report.getPhase();
        if (phase == MemberPhase.Open) {
            return new Seen(
                    member, report, openHealth(report), orEmpty(report.getReason()), orEmpty(report.getMessage()));
        }
        if (phase == MemberPhase.Failed) {
            return new Seen(
                    member,
                    report,
                    FAILED,
                    report.getReason() == null ? FAILED : report.getReason(),
                    orEmpty(report.getMessage()));
        }
        return new Seen(
                member,
                report,
                CREATING,
                report.getReason() == null ? Reasons.CREATING : report.getReason(),
                report.getMessage() == null ? "making the pool" : report.getMessage());
    }

    private static String openHealth(StoragePoolMemberStatus report) {
        DiskCounts disks = report.getDisks();
        Integer margin = report.getRedundancyMargin();
        int losses = Redundancy.parse(report.getRedundancy())
                .map(Redundancy::parityFragments)
                .orElse(0);
        if (margin != null && margin < 0) {
            return FAILED;
        }
        if (disks != null && disks.getFailed() + disks.getMissing() > 0 || margin != null && margin < losses) {
            return DEGRADED;
        }
        return disks != null && disks.getSuspect() > 0 ? SUSPECT : HEALTHY;
    }

    private List<String> failedDisks() {
        return nodes.stream()
                .flatMap(seen -> seen.report().getFailedDisks().stream())
                .sorted()
                .toList();
    }

    private long count(ToLongFunction<DiskCounts> field) {
        return nodes.stream()
                .map(seen -> seen.report().getDisks())
                .filter(Objects::nonNull)
                .mapToLong(field)
                .sum();
    }

    private long sum(ToLongFunction<CapacityBytes> field) {
        return nodes.stream()
                .map(seen -> seen.report().getCapacityBytes())
                .filter(Objects::nonNull)
                .mapToLong(field)
                .sum();
    }

    private String firstProblem() {
        if (claims.problems().isEmpty()) {
            return claims.settling() ? Reasons.DISKS_APPEARING : Reasons.CREATING;
        }
        return claims.problems().getFirst().reason();
    }

    private String problemsOr(String other) {
        return claims.problems().isEmpty()
                ? other
                : Texts.sentences(
                        claims.problems().stream().map(Claims.Problem::message).toList());
    }

    private static List<Condition> previousConditions(StoragePool pool) {
        return pool.getStatus() == null ? List.of() : pool.getStatus().getConditions();
    }

    private static long generation(StoragePool pool) {
        Long generation = pool.getMetadata().getGeneration();
        return generation == null ? 0 : generation;
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
