package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Foreign;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.ListedDevice;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which disks a pool has and takes. A disk with anything foreign on it is never taken; one that carries the label of
 * this very pool always is.
 */
record Claims(SortedMap<String, NodeClaim> nodes, List<Disk> givenBack, List<Problem> problems, boolean settling) {
    /**
     * A node that has just come up shows its disks one after the other; forming a pool waits until no new one came so
     * long.
     */
    static final Duration SETTLE = Duration.ofSeconds(5);

    /** A blank disk may be another driver's, between attach and mkfs; growing by selector waits so long. */
    static final Duration WATCH_BEFORE_GROWING = Duration.ofMinutes(5);

    /** Disks that the pool has on a node, and those that it shall get. */
    record NodeClaim(List<Disk> held, List<Disk> taken) {
        static NodeClaim holding(List<Disk> held) {
            return new NodeClaim(held, List.of());
        }

        boolean isEmpty() {
            return held.isEmpty() && taken.isEmpty();
        }
    }

    /** Why the pool does not get what its spec asks for. An empty node means all of them. */
    record Problem(String node, String reason, String message) {}

    static Claims desired(StoragePool pool, ClusterView cluster) {
        Decision decision = new Decision(pool, cluster);
        decision.decide();
        return new Claims(decision.claims, decision.givenBack, List.copyOf(decision.problems), decision.settling);
    }

    /**
     * Disks that are claimed for pools that do not exist, as after somebody took a finalizer away, and carry nothing of
     * them: the claim would hold for ever.
     */
    static List<Disk> orphaned(Set<String> pools, ClusterView cluster) {
        Set<String> known = cluster.members().stream()
                .map(member -> member.getSpec().getStoragePool())
                .collect(Collectors.toCollection(TreeSet::new));
        known.addAll(pools);
        return cluster.disks().stream()
                .filter(disk -> !isFree(disk) && !known.contains(disk.getSpec().getPool()))
                .filter(disk -> disk.getStatus() != null && disk.getStatus().getPoolName() == null)
                .toList();
    }

    List<Disk> taken() {
        return nodes.values().stream().flatMap(node -> node.taken().stream()).toList();
    }

    boolean isEmpty() {
        return nodes.values().stream().allMatch(NodeClaim::isEmpty);
    }

    private static final class Decision {
        private final StoragePool pool;
        private final String name;
        private final ClusterView cluster;
        private final SortedMap<String, NodeClaim> claims = new TreeMap<>();
        private final Set<Problem> problems = new LinkedHashSet<>();
        private final List<Disk> givenBack = new ArrayList<>();
        private boolean settling;

        Decision(StoragePool pool, ClusterView cluster) {
            this.pool = pool;
            this.name = pool.getMetadata().getName();
            this.cluster = cluster;
        }

        void decide() {
            SortedSet<String> matching = matchingNodes();
            SortedSet<String> all = new TreeSet<>(matching);
            cluster.disks().stream()
                    .filter(disk -> isHeld(disk) || isLabelled(disk))
                    .forEach(disk -> all.add(disk.getSpec().getNodeName()));
            for (String node : all) {
                NodeClaim claim = onNode(node, matching.contains(node));
                if (!claim.isEmpty()) {
                    claims.put(node, claim);
                }
            }
            listedElsewhere(matching);
            if (claims.isEmpty() && problems.isEmpty() && !settling) {
                problems.add(nothingMatches(matching));
            }
        }

        private NodeClaim onNode(String node, boolean matching) {
            List<Disk> disks = cluster.disksOn(node);
            List<Disk> held = disks.stream().filter(this::isHeld).toList();
            @Nullable String poolId = poolIdOn(node);
            Set<String> identities = identities(disks);
            if (poolId == null && identities.size() > 1) {
                problems.add(new Problem(node, Reasons.POOL_AMBIGUOUS, ambiguous(node, identities)));
                return NodeClaim.holding(held);
            }
            Map<String, Disk> taken = new LinkedHashMap<>();
            disks.stream()
                    .filter(disk -> isLabelled(disk) && isFree(disk) && carries(disk, poolId))
                    .forEach(disk -> put(taken, disk));
            boolean adopting = poolId == null && !identities.isEmpty();
            if (matching && !adopting) {
                listed(node, disks).forEach(disk -> put(taken, disk));
                if (poolId == null) {
                    selected(disks).forEach(disk -> put(taken, disk));
                } else if (pool.getSpec().isAutoGrow()) {
                    selected(disks).stream().filter(this::isWatchedLongEnough).forEach(disk -> put(taken, disk));
                }
            }
            if (poolId == null && !adopting && !(held.isEmpty() && taken.isEmpty())) {
                if (isSettling(disks)) {
                    return NodeClaim.holding(held);
                }
                if (!canForm(node, disks, held.size() + taken.size())) {
                    return NodeClaim.holding(keptThoughTooFew(node, held));
                }
            }
            return new NodeClaim(held, List.copyOf(taken.values()));
        }

        /** A pool is formed once, with all it can get, because later it takes only what is listed, or grows. */
        private boolean isSettling(List<Disk> disks) {
            if (disks.stream().noneMatch(disk -> cluster.age(disk).compareTo(SETTLE) < 0)) {
                return false;
            }
            settling = true;
            return true;
        }

        /**
         * Two pools may have begun to take the same disks; the one that got too few lets go, before any node was told.
         */
        private List<Disk> keptThoughTooFew(String node, List<Disk> held) {
            if (cluster.member(pool, node).isPresent()) {
                return held;
            }
            givenBack.addAll(held);
            return List.of();
        }

        private boolean canForm(String node, List<Disk> disks, int count) {
            int needed = Redundancy.parse(pool.getSpec().getRedundancy().getDefaultRedundancy())
                    .map(Redundancy::fragments)
                    .orElse(1);
            if (count >= needed) {
                return true;
            }
            problems.add(new Problem(
                    node,
                    Reasons.TOO_FEW_DISKS,
                    node + " has " + Texts.count(count, "disk") + " for the pool, "
                            + pool.getSpec().getRedundancy().getDefaultRedundancy() + " needs " + needed
                            + " on each node: add disks, or choose a redundancy such as " + count + "x"
                            + notEligible(disks)));
            return false;
        }

        private static String notEligible(List<Disk> disks) {
            List<String> others = disks.stream()
                    .filter(disk -> !isEligible(disk) && isFree(disk))
                    .map(disk -> disk.getMetadata().getName() + " (" + reasonOf(disk) + ")")
                    .toList();
            return others.isEmpty() ? "" : "; not eligible: " + Texts.list(others);
        }

        private List<Disk> listed(String node, List<Disk> disks) {
            List<Disk> result = new ArrayList<>();
            for (ListedDevice device : pool.getSpec().getDisks().getDevices()) {
                if (!device.getNode().equals(node)) {
                    continue;
                }
                List<Disk> named = disks.stream()
                        .filter(disk -> names(disk).anyMatch(device.getPath()::equals))
                        .toList();
                if (named.isEmpty()) {
                    problems.add(notFound(device, disks));
                    continue;
                }
                Disk disk = named.getFirst();
                if (isHeld(disk) || isLabelled(disk)) {
                    continue;
                }
                if (!isFree(disk)) {
                    problems.add(new Problem(
                            node,
                            Reasons.DISK_CLAIMED_BY_ANOTHER_POOL,
                            device.getPath() + " on " + node + " (Disk "
                                    + disk.getMetadata().getName()
                                    + ") belongs to the StoragePool "
                                    + disk.getSpec().getPool() + "; list another disk"));
                } else if (!isEligible(disk)) {
                    problems.add(new Problem(
                            node,
                            Reasons.DISK_NOT_ELIGIBLE,
                            device.getPath() + " on " + node + " (Disk "
                                    + disk.getMetadata().getName() + ") is not eligible: " + reasonOf(disk) + ", "
                                    + messageOf(disk)));
                } else {
                    result.add(disk);
                }
            }
            return result;
        }

        private static Problem notFound(ListedDevice device, List<Disk> disks) {
            String there = disks.isEmpty()
                    ? "the node has not reported any disk; look whether its dynamicfs-node pod runs"
                    : "its disks are "
                            + Texts.list(disks.stream()
                                    .map(disk -> names(disk).findFirst().orElse("?"))
                                    .toList());
            return new Problem(
                    device.getNode(),
                    Reasons.DISK_NOT_FOUND,
                    device.getPath() + " does not exist on " + device.getNode() + ": " + there);
        }

        private List<Disk> selected(List<Disk> disks) {
            if (pool.getSpec().getDisks().getSelector() == null) {
                return List.of();
            }
            Selection selection = new Selection(pool.getSpec().getDisks().getSelector(), cluster);
            return disks.stream()
                    .filter(disk -> isFree(disk) && isEligible(disk) && selection.matches(disk))
                    .toList();
        }

        private void listedElsewhere(SortedSet<String> matching) {
            for (ListedDevice device : pool.getSpec().getDisks().getDevices()) {
                if (matching.contains(device.getNode())) {
                    continue;
                }
                String why = cluster.hasNode(device.getNode())
                        ? "does not match the pool's nodeSelector; correct one of them"
                        : "does not exist; the nodes are "
                                + Texts.list(cluster.nodes().stream()
                                        .map(node -> node.getMetadata().getName())
                                        .toList());
                problems.add(new Problem(
                        device.getNode(),
                        Reasons.NO_MATCHING_NODE,
                        "node " + device.getNode() + " of " + device.getPath() + " " + why));
            }
        }

        private Problem nothingMatches(SortedSet<String> matching) {
            if (matching.isEmpty()) {
                return new Problem(
                        "",
                        Reasons.NO_MATCHING_NODE,
                        "no node has the labels of nodeSelector; label one, or correct it");
            }
            List<String> ineligible = cluster.disks().stream()
                    .filter(disk -> matching.contains(disk.getSpec().getNodeName()) && !isEligible(disk))
                    .map(disk -> disk.getMetadata().getName() + " (" + reasonOf(disk) + ")")
                    .toList();
            return new Problem(
                    "",
                    Reasons.NO_MATCHING_DISK,
                    "no free disk of " + Texts.list(List.copyOf(matching)) + " matches the selector"
                            + (ineligible.isEmpty()
                                    ? "; kubectl get disks shows them"
                                    : "; not eligible: " + Texts.list(ineligible)));
        }

        private SortedSet<String> matchingNodes() {
            Map<String, String> wanted = pool.getSpec().getNodeSelector();
            return cluster.nodes().stream()
                    .filter(node -> labels(node).entrySet().containsAll(wanted.entrySet()))
                    .map(node -> node.getMetadata().getName())
                    .collect(Collectors.toCollection(TreeSet::new));
        }

        private static Map<String, String> labels(Node node) {
            Map<String, String> labels = node.getMetadata().getLabels();
            return labels == null ? Map.of() : labels;
        }

        private @Nullable String poolIdOn(String node) {
            return cluster.member(pool, node)
                    .map(StoragePoolMember::getStatus)
                    .map(status -> status.getPoolId())
                    .orElse(null);
        }

        private Set<String> identities(List<Disk> disks) {
            return disks.stream()
                    .filter(this::isLabelled)
                    .map(disk -> disk.getStatus().getPoolId())
                    .filter(id -> id != null)
                    .collect(Collectors.toCollection(TreeSet::new));
        }

        private static boolean carries(Disk disk, @Nullable String poolId) {
            return poolId == null || poolId.equals(disk.getStatus().getPoolId());
        }

        private String ambiguous(String node, Set<String> identities) {
            return node + " has disks of " + identities.size() + " pools named " + name + " ("
                    + Texts.list(List.copyOf(identities))
                    + "); take the disks of all but one out of the node, or wipe them";
        }

        private boolean isHeld(Disk disk) {
            return name.equals(disk.getSpec().getPool());
        }

        private boolean isLabelled(Disk disk) {
            return disk.getStatus() != null && name.equals(disk.getStatus().getPoolName());
        }

        private boolean isWatchedLongEnough(Disk disk) {
            Duration eligible = disk.getStatus().getConditions().stream()
                    .filter(condition -> condition.getType().equals(Conditions.ELIGIBLE))
                    .map(Condition::getLastTransitionTime)
                    .map(cluster::age)
                    .findFirst()
                    .orElse(cluster.age(disk));
            return eligible.compareTo(WATCH_BEFORE_GROWING) >= 0;
        }

        private void put(Map<String, Disk> disks, Disk disk) {
            if (!isHeld(disk)) {
                disks.put(disk.getMetadata().getName(), disk);
            }
        }
    }

    private static boolean isFree(Disk disk) {
        return disk.getSpec().getPool() == null || disk.getSpec().getPool().isEmpty();
    }

    private static boolean isEligible(Disk disk) {
        DiskStatus status = disk.getStatus();
        return status != null
                && status.getForeign().isEmpty()
                && status.getPoolName() == null
                && status.getConditions().stream()
                        .noneMatch(condition -> condition.getType().equals(Conditions.ELIGIBLE)
                                && !condition.getStatus().equals("True"));
    }

    private static String reasonOf(Disk disk) {
        DiskStatus status = disk.getStatus();
        if (status == null) {
            return "NotReported";
        }
        return status.getForeign().isEmpty()
                ? status.getPoolName() == null ? "Unknown" : Foreign.POOL_MEMBER
                : status.getForeign().getFirst().getReason();
    }

    private static String messageOf(Disk disk) {
        DiskStatus status = disk.getStatus();
        if (status == null) {
            return "its node has not described it yet";
        }
        if (status.getForeign().isEmpty()) {
            return status.getPoolName() == null
                    ? "its condition Eligible says why"
                    : "it carries the pool " + status.getPoolName();
        }
        return Texts.sentences(status.getForeign().stream()
                .map(foreign -> foreign.getMessage() == null ? foreign.getReason() : foreign.getMessage())
                .toList());
    }

    /** Stable names first, so that messages show one of them. */
    static Stream<String> names(Disk disk) {
        DiskStatus status = disk.getStatus();
        if (status == null) {
            return Stream.empty();
        }
        return Stream.concat(status.getById().stream(), Stream.ofNullable(status.getDevice()));
    }
}
