package io.dynamicfs.operator;

import io.dynamicfs.crd.report.EventRecorder;
import io.dynamicfs.crd.report.Note;
import io.dynamicfs.crd.v1alpha1.DeletionPolicy;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.FieldManagers;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Reasons;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.VolumeAttachment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the operator does about a StoragePool. A round is repeated after every change and every few seconds. */
@ControllerConfiguration(
        name = "storagepool",
        finalizerName = DynamicfsApi.POOL_FINALIZER,
        fieldManager = FieldManagers.OPERATOR)
final class StoragePoolReconciler implements Reconciler<StoragePool>, Cleaner<StoragePool> {
    /** Agents that fall silent make no event, and the framework may miss a change that races a write. */
    static final Duration RESYNC = Duration.ofSeconds(15);

    private static final Duration SOON = Duration.ofSeconds(2);
    private static final Logger log = LoggerFactory.getLogger(StoragePoolReconciler.class);

    private final KubernetesClient client;
    private final ApiWriter writer;
    private final EventRecorder events;
    private final Clock clock;
    private final PoolMeters meters;
    private final Map<String, StoragePoolStatus> written = new ConcurrentHashMap<>();
    private @Nullable Sources sources;

    /** The caches that a round looks at. */
    private record Sources(
            InformerEventSource<StoragePoolMember, StoragePool> members,
            InformerEventSource<Disk, StoragePool> disks,
            InformerEventSource<Node, StoragePool> nodes,
            InformerEventSource<StorageClass, StoragePool> storageClasses,
            InformerEventSource<PersistentVolume, StoragePool> volumes,
            InformerEventSource<PersistentVolumeClaim, StoragePool> volumeClaims,
            InformerEventSource<VolumeAttachment, StoragePool> attachments) {}

    StoragePoolReconciler(KubernetesClient client, EventRecorder events, Clock clock, PoolMeters meters) {
        this.client = client;
        this.writer = new ApiWriter(client);
        this.events = events;
        this.clock = clock;
        this.meters = meters;
    }

    @Override
    public UpdateControl<StoragePool> reconcile(StoragePool pool, Context<StoragePool> context) {
        ClusterView cluster = look();
        Claims.orphaned(poolNames(context), cluster).forEach(writer::free);
        Claims claims = Claims.desired(pool, cluster);
        takeDisks(pool, claims);
        applyMembers(pool, claims, cluster);
        StorageClasses.Verdict storageClass = StorageClasses.decide(pool, cluster);
        carryOut(storageClass, pool);
        writeStatus(pool, PoolStatus.of(pool, claims, storageClass, cluster));
        tellClaimsWithoutRoom(pool, cluster);
        return UpdateControl.<StoragePool>noUpdate().rescheduleAfter(claims.settling() ? SOON : RESYNC);
    }

    @Override
    public DeleteControl cleanup(StoragePool pool, Context<StoragePool> context) {
        if (isApiGoing()) {
            log.info("pool let go with the API, nothing is released pool={}", nameOf(pool));
            return finished(pool);
        }
        ClusterView cluster = look();
        Deletion deletion = Deletion.next(pool, cluster);
        if (wipes(pool) && !deletion.orders().isEmpty()) {
            deletion = Deletion.next(pool, withVolumesOfNow(cluster));
        }
        deletion.orders().forEach(writer::apply);
        deletion.freed().forEach(writer::free);
        deletion.finished().forEach(writer::delete);
        deletion.abandoned().forEach(message -> events.tell(pool, new Note(true, Reasons.NODE_AGENT_SILENT, message)));
        writeStatus(pool, PoolStatus.deleting(pool, deletion, cluster));
        if (!deletion.waiting().isEmpty()) {
            return DeleteControl.noFinalizerRemoval().rescheduleAfter(SOON);
        }
        events.tell(
                pool,
                wipes(pool)
                        ? new Note(false, Reasons.WIPED, "the pool is destroyed, its disks are free")
                        : new Note(false, Reasons.RELEASED, "the pool is released, its data is untouched"));
        return finished(pool);
    }

    @Override
    public ErrorStatusUpdateControl<StoragePool> updateErrorStatus(
            StoragePool pool, Context<StoragePool> context, Exception e) {
        if (!ApiWriter.isConflict(e)) {
            tellFailure(pool, ApiWriter.isForbidden(e) ? Reasons.FORBIDDEN : Reasons.RECONCILE_FAILED, e);
        }
        return ErrorStatusUpdateControl.noStatusUpdate();
    }

    /** One pool at a time, so that two that want the same disks do not get half of them each. */
    private synchronized void takeDisks(StoragePool pool, Claims claims) {
        claims.givenBack().forEach(writer::free);
        for (Disk disk : claims.taken()) {
            writer.claim(disk, nameOf(pool));
            events.tell(disk, new Note(false, Reasons.DISKS_CLAIMED, "the StoragePool " + nameOf(pool) + " takes it"));
        }
        claims.nodes().forEach((node, claim) -> {
            if (!claim.taken().isEmpty()) {
                List<String> names = claim.taken().stream()
                        .map(StoragePoolReconciler::nameOf)
                        .toList();
                events.tell(
                        pool, new Note(false, Reasons.DISKS_CLAIMED, "takes on " + node + ": " + Texts.list(names)));
            }
        });
    }

    private void applyMembers(StoragePool pool, Claims claims, ClusterView cluster) {
        Members.desired(pool, claims, cluster).stream()
                .filter(member -> !Members.isSame(member, cluster))
                .forEach(writer::apply);
    }

    private void carryOut(StorageClasses.Verdict verdict, StoragePool pool) {
        switch (verdict) {
            case StorageClasses.Verdict.NotWanted() -> {}
            case StorageClasses.Verdict.AsWished(String name) -> {}
            case StorageClasses.Verdict.Stuck(String reason, String message) -> {}
            case StorageClasses.Verdict.Create(StorageClass wished) -> {
                writer.apply(wished);
                events.tell(
                        pool, new Note(false, Reasons.STORAGE_CLASS_CREATED, "made StorageClass " + nameOf(wished)));
            }
            case StorageClasses.Verdict.Change(StorageClass wished) -> {
                writer.apply(wished);
                events.tell(
                        pool,
                        new Note(
                                false,
                                Reasons.STORAGE_CLASS_CHANGED,
                                "changed StorageClass " + nameOf(wished)
                                        + ": whether it is the default, or lets claims grow"));
            }
        }
    }

    private void writeStatus(StoragePool pool, StoragePoolStatus status) {
        meters.report(nameOf(pool), status);
        StoragePoolStatus last = written.get(pool.getMetadata().getUid());
        if (Json.same(pool.getStatus(), status) && (last == null || Json.same(last, status))) {
            return;
        }
        writer.writeStatus(pool, status);
        written.put(pool.getMetadata().getUid(), status);
        PoolEvents.between(last == null ? pool.getStatus() : last, status).forEach(note -> events.tell(pool, note));
    }

    private void tellClaimsWithoutRoom(StoragePool pool, ClusterView cluster) {
        sources()
                .volumeClaims()
                .list()
                .filter(RoomForClaims::isWaiting)
                .forEach(claim -> RoomForClaims.lacking(claim, pool, cluster)
                        .ifPresent(
                                message -> events.tellAgain(claim, new Note(true, Reasons.NO_NODE_HAS_ROOM, message))));
    }

    private void tellFailure(StoragePool pool, String reason, Exception e) {
        String message = ApiWriter.messageOf(e);
        events.tellAgain(pool, new Note(true, reason, message));
        try {
            writer.writeStatus(pool, PoolStatus.failing(pool, reason, message, clock.instant()));
            written.remove(pool.getMetadata().getUid());
        } catch (RuntimeException again) {
            log.warn("failure not written into status pool={} error={}", nameOf(pool), ApiWriter.messageOf(again));
        }
    }

    private DeleteControl finished(StoragePool pool) {
        written.remove(pool.getMetadata().getUid());
        meters.forget(nameOf(pool));
        return DeleteControl.defaultDelete();
    }

    /**
     * With the definition all pools go at once: that is the API being taken away, not somebody's wish for each pool.
     */
    private boolean isApiGoing() {
        CustomResourceDefinition definition = client.apiextensions()
                .v1()
                .customResourceDefinitions()
                .withName(HasMetadata.getFullResourceName(StoragePool.class))
                .get();
        return definition == null || definition.getMetadata().getDeletionTimestamp() != null;
    }

    /** Before anything is destroyed the PersistentVolumes are asked for, not looked up in a cache. */
    private ClusterView withVolumesOfNow(ClusterView cluster) {
        return new ClusterView(
                cluster.members(),
                cluster.disks(),
                cluster.nodes(),
                cluster.storageClasses(),
                client.persistentVolumes().list().getItems(),
                cluster.attachments(),
                cluster.now());
    }

    private static Set<String> poolNames(Context<StoragePool> context) {
        return context.getPrimaryCache()
                .list()
                .map(StoragePoolReconciler::nameOf)
                .collect(Collectors.toSet());
    }

    private ClusterView look() {
        Sources caches = sources();
        return new ClusterView(
                caches.members().list().toList(),
                caches.disks().list().toList(),
                caches.nodes().list().toList(),
                caches.storageClasses().list().toList(),
                caches.volumes().list().toList(),
                caches.attachments().list().toList(),
                clock.instant());
    }

    @Override
    public List<EventSource<?, StoragePool>> prepareEventSources(EventSourceContext<StoragePool> context) {
        Function<HasMetadata, Set<ResourceID>> everyPool = resource ->
                context.getPrimaryCache().list().map(ResourceID::fromResource).collect(Collectors.toSet());
        Sources made = new Sources(
                source(
                        context,
                        StoragePoolMember.class,
                        member -> Set.of(new ResourceID(member.getSpec().getStoragePool())),
                        ChangeFilters::member),
                source(context, Disk.class, everyPool::apply, ChangeFilters::disk),
                source(context, Node.class, everyPool::apply, ChangeFilters::node),
                source(context, StorageClass.class, everyPool::apply, (now, before) -> true),
                source(
                        context,
                        PersistentVolume.class,
                        volume -> ChangeFilters.isOurs(volume) ? everyPool.apply(volume) : Set.of(),
                        ChangeFilters::volume),
                source(
                        context,
                        PersistentVolumeClaim.class,
                        claim -> RoomForClaims.isWaiting(claim) ? everyPool.apply(claim) : Set.of(),
                        ChangeFilters::claim),
                source(context, VolumeAttachment.class, attachment -> Set.of(), (now, before) -> false));
        sources = made;
        return List.of(
                made.members(),
                made.disks(),
                made.nodes(),
                made.storageClasses(),
                made.volumes(),
                made.volumeClaims(),
                made.attachments());
    }

    private static <R extends HasMetadata> InformerEventSource<R, StoragePool> source(
            EventSourceContext<StoragePool> context,
            Class<R> type,
            Function<R, Set<ResourceID>> toPools,
            OnUpdateFilter<R> filter) {
        return new InformerEventSource<>(
                InformerEventSourceConfiguration.from(type, StoragePool.class)
                        .withName(type.getSimpleName())
                        .withWatchAllNamespaces()
                        .withSecondaryToPrimaryMapper(toPools::apply)
                        .withPrimaryToSecondaryMapper(pool -> Set.of())
                        .withOnUpdateFilter(filter)
                        .build(),
                context);
    }

    private Sources sources() {
        if (sources == null) {
            throw new IllegalStateException("the operator has not been started");
        }
        return sources;
    }

    private static boolean wipes(StoragePool pool) {
        return pool.getSpec().getDeletionPolicy() == DeletionPolicy.Wipe;
    }

    private static String nameOf(HasMetadata resource) {
        return resource.getMetadata().getName();
    }
}
