package io.dynamicfs.csi.agent;

import io.dynamicfs.control.v1.SetPoolRequest;
import io.dynamicfs.crd.report.EventRecorder;
import io.dynamicfs.crd.report.Note;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskHealth;
import io.dynamicfs.crd.v1alpha1.DiskSpec;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.agent.MemberStep.Blocked;
import io.dynamicfs.csi.agent.MemberStep.Settled;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.disk.DiskContent;
import io.dynamicfs.csi.disk.DiskWatch;
import io.dynamicfs.csi.engine.EngineClient;
import io.dynamicfs.csi.engine.EngineFailure;
import io.dynamicfs.csi.engine.EngineLink;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the Disks and StoragePoolMembers of one node true, and makes the node what the operator wrote into them. Holds nothing
 * that is not on the disks or in the API server, so it may be ended and started at any moment.
 */
public final class NodeAgent implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeAgent.class);

    private static final long ROUND_MILLIS = 5_000;

    /** Changes that come together are one round. */
    private static final long SETTLE_MILLIS = 200;

    private static final int STEPS_PER_ROUND_MAX = 64;
    private static final Duration HEARTBEAT = Duration.ofSeconds(20);

    /** How long a disk that no pool knows is remembered after it has gone. */
    private static final Duration GONE_DISK_KEPT = Duration.ofMinutes(10);

    private static final long END_MILLIS = 10_000;

    private final KubernetesClient client;
    private final NodeAccess node;
    private final String nodeName;
    private final InstantSource clock;
    private final ClusterView cluster;
    private final MemberActions actions;
    private final PoolManifest manifests;
    private final EventRecorder events;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private volatile boolean ending;
    private String lastFailure = "";

    /** An agent of the node plugin that these parts belong to. */
    public NodeAgent(
            KubernetesClient client,
            EngineClient engine,
            EngineLink link,
            DiskWatch disks,
            String nodeName,
            InstantSource clock) {
        this(client, new PluginAccess(engine, link, disks), nodeName, clock);
    }

    NodeAgent(KubernetesClient client, NodeAccess node, String nodeName, InstantSource clock) {
        this.client = client;
        this.node = node;
        this.nodeName = nodeName;
        this.clock = clock;
        this.cluster = new ClusterView(client, nodeName, this::wakeUp);
        this.actions = new MemberActions(node);
        this.manifests = new PoolManifest(client.getKubernetesSerialization());
        this.events = new EventRecorder(client, clock, DynamicfsApi.FieldManagers.NODE, nodeName);
        this.thread = Thread.ofPlatform().name("node-agent").unstarted(this::run);
    }

    public NodeAgent start() {
        cluster.start();
        thread.start();
        return this;
    }

    /** Looks at once instead of at the next round; for who knows of a change. */
    public void wakeUp() {
        wake.release();
    }

    @Override
    public void close() {
        ending = true;
        wakeUp();
        try {
            thread.join(END_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        cluster.close();
    }

    private void run() {
        while (!ending) {
            try {
                if (cluster.isKnown()) {
                    round();
                    lastFailure = "";
                }
            } catch (KubernetesClientException e) {
                complain("the API server: " + e.getMessage());
            } catch (RuntimeException e) {
                complain(e.toString());
                LOG.debug("event=agent-round-failed", e);
            }
            sleep();
        }
    }

    /** Disks first, so that the operator has something to decide on; then what it decided; then how it is now. */
    private void round() {
        Round round = new Round();
        round.makeDiskResources();
        Map<String, MemberStep> outcomes = new HashMap<>();
        for (StoragePoolMember member : cluster.members()) {
            outcomes.put(member.getMetadata().getName(), round.improve(member));
        }
        round.adopt();
        round.keepManifests();
        round.reportDisks();
        for (StoragePoolMember member : cluster.members()) {
            MemberStep outcome = outcomes.getOrDefault(member.getMetadata().getName(), new Settled());
            round.report(member, outcome);
        }
    }

    /** One look at everything, renewed after each step that changed something. */
    private final class Round {
        private Map<String, BlockDisk> found;
        private EngineView engine;

        Round() {
            this.found = byName(node.disks());
            this.engine = node.engine();
        }

        private void lookAgain() {
            found = byName(node.disksAfterChange());
            engine = node.engine();
        }

        private Map<String, BlockDisk> byName(List<BlockDisk> present) {
            Map<String, BlockDisk> disks = new TreeMap<>();
            Set<String> ambiguous = new HashSet<>();
            for (BlockDisk disk : present) {
                String name = DynamicfsApi.diskName(nodeName, disk.stableId());
                if (disks.put(name, disk) != null) {
                    ambiguous.add(name);
                }
            }
            for (String name : ambiguous) {
                disks.remove(name);
                complain("several disks call themselves " + name + "; none of them is used");
            }
            return disks;
        }

        void makeDiskResources() {
            for (String name : found.keySet()) {
                if (cluster.disk(name).isEmpty()) {
                    create(name);
                }
            }
        }

        private void create(String name) {
            Disk disk = new Disk();
            ObjectMeta metadata = new ObjectMeta();
            metadata.setName(name);
            metadata.setLabels(Map.of(DynamicfsApi.Labels.NODE, DynamicfsApi.nodeLabel(nodeName)));
            disk.setMetadata(metadata);
            disk.setSpec(new DiskSpec().setNodeName(nodeName));
            try {
                Disk created = client.resource(disk).create();
                cluster.remember(created);
            } catch (KubernetesClientException e) {
                if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
                    throw e;
                }
            }
        }

        MemberStep improve(StoragePoolMember member) {
            if (!engine.answers()) {
                return new Settled();
            }
            MemberStep step = MemberStep.next(member, engine, found);
            for (int i = 0; i < STEPS_PER_ROUND_MAX; i++) {
                if (step instanceof Settled || step instanceof Blocked) {
                    return step;
                }
                MemberStep done = actions.carryOut(step);
                lookAgain();
                if (done instanceof Blocked) {
                    return done;
                }
                announce(member, done);
                step = MemberStep.next(member, engine, found);
            }
            return step;
        }

        private void announce(StoragePoolMember member, MemberStep step) {
            String pool = member.getSpec().getStoragePool();
            switch (step) {
                case MemberStep.CreatePool create ->
                    events.tell(
                            member,
                            Note.normal(
                                    "PoolCreated",
                                    "pool " + pool + " made from "
                                            + create.disks().size() + " disks"));
                case MemberStep.AddDisk add ->
                    events.tell(member, Note.normal("DiskAdded", "disk " + add.disk() + " added to pool " + pool));
                case MemberStep.ChangeRedundancy change ->
                    events.tell(
                            member,
                            Note.normal(
                                    "RedundancyChanged", "new data of pool " + pool + " is " + change.redundancy()));
                case MemberStep.LetGo letGo ->
                    events.tell(
                            member,
                            Note.normal(
                                    "PoolReleased",
                                    "pool " + pool + " is not managed any more; its data stays on the disks"));
                case MemberStep.TakeBack takeBack ->
                    events.tell(member, Note.normal("PoolTakenBack", "pool " + pool + " is managed again"));
                case MemberStep.Destroy destroy ->
                    events.tell(member, Note.normal("PoolWiped", "pool " + pool + " is destroyed, its disks are free"));
                case Settled settled -> {}
                case Blocked blocked -> {}
            }
        }

        /** A pool without a StoragePool has lost it, unless it was let go: it gets back the one that it carries. */
        void adopt() {
            for (OpenPool pool : engine.pools()) {
                Map<String, String> notes = pool.pool().getNotesMap();
                String manifest = notes.getOrDefault(PoolManifest.NOTE, "");
                if (manifest.isEmpty()
                        || Boolean.parseBoolean(notes.getOrDefault(MemberStep.DO_NOT_ADOPT, ""))
                        || cluster.storagePool(pool.name()).isPresent()
                        || hasMember(pool.name())) {
                    continue;
                }
                try {
                    StoragePool adopted =
                            client.resource(manifests.read(manifest)).create();
                    events.tell(
                            adopted,
                            Note.normal(
                                    "PoolAdopted",
                                    "found pool " + pool.name() + " (" + pool.id() + ") on the disks of node "
                                            + nodeName));
                } catch (KubernetesClientException e) {
                    if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
                        throw e;
                    }
                }
            }
        }

        private boolean hasMember(String pool) {
            return cluster.members().stream()
                    .anyMatch(member -> member.getSpec().getStoragePool().equals(pool));
        }

        void keepManifests() {
            for (OpenPool pool : engine.pools()) {
                Optional<StoragePool> resource = cluster.storagePool(pool.name());
                if (resource.isEmpty() || resource.get().isMarkedForDeletion()) {
                    continue;
                }
                String manifest = manifests.write(resource.get());
                if (!manifest.equals(pool.pool().getNotesOrDefault(PoolManifest.NOTE, ""))) {
                    keep(pool, manifest);
                }
            }
        }

        private void keep(OpenPool pool, String manifest) {
            SetPoolRequest request = SetPoolRequest.newBuilder()
                    .setPool(pool.id())
                    .putNotes(PoolManifest.NOTE, manifest)
                    .build();
            try {
                var ignored = node.call(engine -> engine.setPool(request));
            } catch (EngineFailure e) {
                complain("the manifest of pool " + pool.name() + " was not kept: " + e.getMessage());
            }
        }

        void reportDisks() {
            Set<String> names = new HashSet<>(found.keySet());
            cluster.disks().forEach(disk -> names.add(disk.getMetadata().getName()));
            for (String name : names) {
                Optional<Disk> disk = cluster.disk(name);
                if (disk.isPresent()) {
                    report(disk.get(), found.get(name));
                }
            }
        }

        private void report(Disk disk, @Nullable BlockDisk seen) {
            DiskStatus status = DiskReport.status(disk, seen, engine, clock.instant());
            if (seen == null && isForgotten(disk, status)) {
                client.resource(disk).delete();
                return;
            }
            if (cluster.writeStatus(disk, status)) {
                announce(disk, status);
            }
        }

        private boolean isForgotten(Disk disk, DiskStatus status) {
            boolean unclaimed = disk.getSpec().getPool() == null && status.getPoolId() == null;
            return unclaimed
                    && status.getSince() != null
                    && Instant.parse(status.getSince()).plus(GONE_DISK_KEPT).isBefore(clock.instant());
        }

        private void announce(Disk disk, DiskStatus status) {
            DiskHealth before =
                    disk.getStatus() == null ? null : disk.getStatus().getHealth();
            DiskHealth now = status.getHealth();
            if (before == now || now == null) {
                return;
            }
            String where = status.getPoolName() == null ? "" : " in pool " + status.getPoolName();
            switch (now) {
                case Failed, Suspect, Missing ->
                    events.tell(
                            disk,
                            Note.warning("Disk" + now, "disk" + where + " is " + now + ": " + status.getReason()));
                case Healthy -> events.tell(disk, Note.normal("DiskHealthy", "disk" + where + " is healthy"));
                case Unknown -> {
                    if (before == null) {
                        events.tell(
                                disk,
                                Note.normal("DiskDiscovered", "disk " + status.getDevice() + ", " + status.getSize()));
                    }
                }
            }
        }

        void report(StoragePoolMember member, MemberStep outcome) {
            StoragePoolMemberStatus status = MemberReport.status(member, engine, outcome, diskNames(), clock.instant());
            if (cluster.writeStatus(member, status, HEARTBEAT)) {
                announce(member, status);
            }
        }

        private void announce(StoragePoolMember member, StoragePoolMemberStatus status) {
            StoragePoolMemberStatus before =
                    member.getStatus() == null ? new StoragePoolMemberStatus() : member.getStatus();
            String pool = member.getSpec().getStoragePool();
            if (status.getPhase() != before.getPhase() && status.getPhase() == MemberPhase.Open) {
                events.tell(member, Note.normal("PoolOpen", "pool " + pool + " (" + status.getPoolId() + ") is open"));
            }
            boolean wasWell = before.getReason() == null;
            if (status.getReason() != null && !status.getReason().equals(before.getReason())) {
                events.tell(member, Note.warning(status.getReason(), String.valueOf(status.getMessage())));
            } else if (status.getReason() == null && !wasWell) {
                events.tell(member, Note.normal("PoolWell", "pool " + pool + " is open, healthy and redundant again"));
            }
        }

        private Map<String, String> diskNames() {
            Map<String, String> names = new HashMap<>();
            for (Disk disk : cluster.disks()) {
                DiskStatus status = disk.getStatus();
                if (status != null && status.getPoolId() != null && status.getDiskIndex() != null) {
                    names.put(
                            MemberReport.diskKey(status.getPoolId(), status.getDiskIndex()),
                            disk.getMetadata().getName());
                }
            }
            found.forEach((name, disk) -> {
                if (disk.content() instanceof DiskContent.Member member) {
                    names.put(MemberReport.diskKey(member.poolId().toString(), member.index()), name);
                }
            });
            return names;
        }
    }

    private void complain(String failure) {
        if (!failure.equals(lastFailure)) {
            lastFailure = failure;
            LOG.warn("event=agent-hindered node={} message={}", nodeName, failure);
        }
    }

    private void sleep() {
        try {
            if (wake.tryAcquire(ROUND_MILLIS, TimeUnit.MILLISECONDS)) {
                TimeUnit.MILLISECONDS.sleep(SETTLE_MILLIS);
                wake.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            ending = true;
        }
    }
}
