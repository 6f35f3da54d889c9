package io.dynamicfs.daemon.control;

import io.dynamicfs.control.v1.AddDiskRequest;
import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.CheckEvent;
import io.dynamicfs.control.v1.CheckProgress;
import io.dynamicfs.control.v1.CheckRequest;
import io.dynamicfs.control.v1.ClosePoolRequest;
import io.dynamicfs.control.v1.ClosePoolResponse;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.CreateVolumeRequest;
import io.dynamicfs.control.v1.DeleteVolumeRequest;
import io.dynamicfs.control.v1.DeleteVolumeResponse;
import io.dynamicfs.control.v1.DestroyPoolRequest;
import io.dynamicfs.control.v1.DestroyPoolResponse;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.EngineControlGrpc;
import io.dynamicfs.control.v1.EngineInfo;
import io.dynamicfs.control.v1.FailedPool;
import io.dynamicfs.control.v1.GetCapacityRequest;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.GetPoolRequest;
import io.dynamicfs.control.v1.KeepConnectionsRequest;
import io.dynamicfs.control.v1.KeepConnectionsResponse;
import io.dynamicfs.control.v1.ListMountsRequest;
import io.dynamicfs.control.v1.ListMountsResponse;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.ListPoolsResponse;
import io.dynamicfs.control.v1.ListVolumesRequest;
import io.dynamicfs.control.v1.ListVolumesResponse;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.MountRequest;
import io.dynamicfs.control.v1.OpenPoolRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.ProbeDisksRequest;
import io.dynamicfs.control.v1.ProbeDisksResponse;
import io.dynamicfs.control.v1.ServeRequest;
import io.dynamicfs.control.v1.ServeResponse;
import io.dynamicfs.control.v1.SetPoolRequest;
import io.dynamicfs.control.v1.SetVolumeRequest;
import io.dynamicfs.control.v1.UnmountRequest;
import io.dynamicfs.control.v1.UnmountResponse;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.daemon.Version;
import io.dynamicfs.daemon.engine.Engine;
import io.dynamicfs.daemon.engine.MountedVolume;
import io.dynamicfs.daemon.engine.MountedVolumes;
import io.dynamicfs.daemon.engine.OpenPool;
import io.dynamicfs.engine.commit.OpenOptions;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.fs.CheckOptions;
import io.dynamicfs.engine.fs.PoolChange;
import io.dynamicfs.engine.fs.VolumeChange;
import io.dynamicfs.engine.fs.VolumeSpec;
import io.dynamicfs.engine.fs.VolumeStatus;
import io.dynamicfs.engine.mount.MountOption;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers control calls from the engine. Every method is one call: messages in, engine, messages out. */
public final class ControlService extends EngineControlGrpc.EngineControlImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(ControlService.class);

    private final Engine engine;
    private final EngineFacts facts;

    public ControlService(Engine engine, EngineFacts facts) {
        this.engine = engine;
        this.facts = facts;
    }

    @Override
    public void getEngineInfo(GetEngineInfoRequest request, StreamObserver<EngineInfo> observer) {
        answer(
                observer,
                () -> EngineInfo.newBuilder()
                        .setVersion(Version.text())
                        .setPid(ProcessHandle.current().pid())
                        .setJava(Runtime.version().toString())
                        .setStartedMillis(facts.startedMillis())
                        .setSocket(engine.settings().socket().toString())
                        .setStateDirectory(engine.settings().stateDirectory().toString())
                        .setMemoryDirectory(engine.settings().memoryDirectory().toString())
                        .setHashKernel(facts.hashKernel())
                        .setErasureKernel(facts.erasureKernel())
                        .setInstance(facts.instance())
                        .addAllFailedPools(engine.failedPools().stream()
                                .map(ControlService::failedPool)
                                .toList())
                        .build());
    }

    @Override
    public void createPool(CreatePoolRequest request, StreamObserver<Pool> observer) {
        answer(
                observer,
                () -> message(engine.createPool(
                        request.getName(),
                        Redundancy.parse(request.getRedundancy()),
                        !request.getSkipWriteVerification(),
                        paths(request.getDisksList()),
                        request.getOverwriteSignaturesList())));
    }

    @Override
    public void openPool(OpenPoolRequest request, StreamObserver<Pool> observer) {
        answer(observer, () -> {
            @Nullable Long rollback = request.hasAcceptRollback() ? request.getAcceptRollback() : null;
            OpenOptions options = new OpenOptions(null, request.getDegraded(), rollback, request.getReadOnly());
            return message(engine.openPool(request.getPool(), paths(request.getDisksList()), options));
        });
    }

    @Override
    public void getPool(GetPoolRequest request, StreamObserver<Pool> observer) {
        answer(observer, () -> message(engine.registry().find(request.getPool())));
    }

    @Override
    public void listPools(ListPoolsRequest request, StreamObserver<ListPoolsResponse> observer) {
        answer(
                observer,
                () -> ListPoolsResponse.newBuilder()
                        .addAllPools(engine.registry().pools().stream()
                                .map(this::message)
                                .toList())
                        .build());
    }

    @Override
    public void closePool(ClosePoolRequest request, StreamObserver<ClosePoolResponse> observer) {
        answer(observer, () -> {
            engine.closePool(request.getPool());
            return ClosePoolResponse.getDefaultInstance();
        });
    }

    @Override
    public void destroyPool(DestroyPoolRequest request, StreamObserver<DestroyPoolResponse> observer) {
        answer(observer, () -> {
            List<Path> erased = engine.destroyPool(request.getPool(), request.getConfirmName());
            return DestroyPoolResponse.newBuilder()
                    .addAllErasedDisks(erased.stream().map(Path::toString).toList())
                    .build();
        });
    }

    @Override
    public void setPool(SetPoolRequest request, StreamObserver<Pool> observer) {
        answer(
                observer,
                () -> message(engine.setPool(
                        request.getPool(),
                        new PoolChange(redundancy(request.getRedundancy()), request.getNotesMap()))));
    }

    @Override
    public void getCapacity(GetCapacityRequest request, StreamObserver<Capacity> observer) {
        answer(
                observer,
                () -> Messages.capacity(engine.registry()
                        .find(request.getPool())
                        .pool()
                        .capacity(redundancy(request.getRedundancy()))));
    }

    private static @Nullable Redundancy redundancy(String text) {
        return text.isEmpty() ? null : Redundancy.parse(text);
    }

    @Override
    public void addDisk(AddDiskRequest request, StreamObserver<Disk> observer) {
        answer(observer, () -> {
            Path disk = Path.of(request.getDisk());
            int index = engine.addDisk(request.getPool(), disk, request.getOverwriteSignaturesList());
            return engine.registry().find(request.getPool()).pool().status().disks().stream()
                    .filter(status -> status.index() == index)
                    .map(Messages::disk)
                    .findFirst()
                    .orElseThrow();
        });
    }

    @Override
    public void probeDisks(ProbeDisksRequest request, StreamObserver<ProbeDisksResponse> observer) {
        answer(
                observer,
                () -> ProbeDisksResponse.newBuilder()
                        .addAllDisks(engine.registry().probe(paths(request.getDisksList())).stream()
                                .map(Messages::probed)
                                .toList())
                        .build());
    }

    @Override
    public void createVolume(CreateVolumeRequest request, StreamObserver<Volume> observer) {
        answer(observer, () -> {
            @Nullable Redundancy redundancy = redundancy(request.getRedundancy());
            VolumeSpec spec = new VolumeSpec(
                    request.getName(),
                    request.getQuotaBytes(),
                    request.getQuotaInodes(),
                    redundancy,
                    request.getReserve());
            return message(request.getPool(), engine.createVolume(request.getPool(), spec));
        });
    }

    @Override
    public void listVolumes(ListVolumesRequest request, StreamObserver<ListVolumesResponse> observer) {
        answer(observer, () -> {
            List<OpenPool> pools = request.getPool().isEmpty()
                    ? engine.registry().pools()
                    : List.of(engine.registry().find(request.getPool()));
            return ListVolumesResponse.newBuilder()
                    .addAllVolumes(pools.stream().flatMap(this::volumes).toList())
                    .build();
        });
    }

    @Override
    public void setVolume(SetVolumeRequest request, StreamObserver<Volume> observer) {
        answer(observer, () -> {
            VolumeChange change = new VolumeChange(
                    request.hasQuotaBytes() ? (Long) request.getQuotaBytes() : null,
                    request.hasQuotaInodes() ? (Long) request.getQuotaInodes() : null,
                    request.hasRedundancy() ? Redundancy.parse(request.getRedundancy()) : null,
                    request.getReserve());
            return message(request.getPool(), engine.setVolume(request.getPool(), request.getName(), change));
        });
    }

    @Override
    public void deleteVolume(DeleteVolumeRequest request, StreamObserver<DeleteVolumeResponse> observer) {
        answer(observer, () -> {
            engine.deleteVolume(request.getPool(), request.getName(), request.getConfirmName());
            return DeleteVolumeResponse.getDefaultInstance();
        });
    }

    @Override
    public void mount(MountRequest request, StreamObserver<MountPoint> observer) {
        answer(
                observer,
                () -> Messages.mount(engine.mount(
                        request.getPool(),
                        request.getVolume(),
                        Path.of(request.getMountPoint()),
                        options(MountOption.parse(request.getOptionsList()), request.getReadOnly()))));
    }

    @Override
    public void serve(ServeRequest request, StreamObserver<ServeResponse> observer) {
        answer(observer, () -> {
            MountedVolumes.Kept kept = new MountedVolumes.Kept(
                    request.getVolume(),
                    connection(request.getConnection()),
                    Path.of(request.getMountPoint()),
                    options(MountOption.named(request.getOptionsList()), request.getReadOnly()),
                    request.hasResume() ? Messages.negotiated(request.getResume()) : null);
            return ServeResponse.newBuilder()
                    .setNegotiated(Messages.negotiated(engine.serve(request.getPool(), kept)))
                    .build();
        });
    }

    private static Set<MountOption> options(Set<MountOption> named, boolean readOnly) {
        if (readOnly) {
            named.add(MountOption.READ_ONLY);
        }
        return named;
    }

    private static long connection(String text) {
        try {
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "connection: expected an unsigned decimal number of 64 bits, found \"" + text + "\"", e);
        }
    }

    @Override
    public void keepConnections(KeepConnectionsRequest request, StreamObserver<KeepConnectionsResponse> observer) {
        answer(
                observer,
                () -> KeepConnectionsResponse.newBuilder()
                        .addAllConnections(engine.keepConnections())
                        .build());
    }

    @Override
    public void unmount(UnmountRequest request, StreamObserver<UnmountResponse> observer) {
        answer(observer, () -> {
            engine.unmount(Path.of(request.getMountPoint()), request.getForce());
            return UnmountResponse.getDefaultInstance();
        });
    }

    @Override
    public void listMounts(ListMountsRequest request, StreamObserver<ListMountsResponse> observer) {
        answer(
                observer,
                () -> ListMountsResponse.newBuilder()
                        .addAllMounts(engine.mounts().list().stream()
                                .map(Messages::mount)
                                .toList())
                        .build());
    }

    @Override
    public void check(CheckRequest request, StreamObserver<CheckEvent> observer) {
        answer(observer, () -> {
            OpenPool pool = engine.registry().find(request.getPool());
            io.dynamicfs.engine.fs.CheckReport report = pool.pool()
                    .check(
                            new CheckOptions(request.getData()),
                            (step, done, total) -> observer.onNext(progress(step, done, total)));
            return CheckEvent.newBuilder()
                    .setReport(Messages.report(pool.name(), report))
                    .build();
        });
    }

    private static CheckEvent progress(String step, long done, long total) {
        return CheckEvent.newBuilder()
                .setProgress(
                        CheckProgress.newBuilder().setStep(step).setDone(done).setTotal(total))
                .build();
    }

    private static <T> void answer(StreamObserver<T> observer, Callable<T> call) {
        T response;
        try {
            response = call.call();
        } catch (Exception e) {
            StatusRuntimeException refusal = Refusals.of(e);
            if (refusal.getStatus().getCode() == Status.Code.INTERNAL) {
                LOG.error("event=control-call-failed", e);
            }
            observer.onError(refusal);
            return;
        }
        observer.onNext(response);
        observer.onCompleted();
    }

    private Pool message(OpenPool open) {
        return Messages.pool(
                open.pool().status(),
                open.stoppedReason(),
                open.pool().volumes().size(),
                engine.mounts().of(open).size());
    }

    private Volume message(String nameOrId, VolumeStatus status) throws Exception {
        OpenPool pool = engine.registry().find(nameOrId);
        return message(pool, status);
    }

    private Volume message(OpenPool pool, VolumeStatus status) {
        @Nullable
        MountedVolume mounted = engine.mounts().of(pool, status.name()).orElse(null);
        return Messages.volume(pool.name(), status, mounted);
    }

    private Stream<Volume> volumes(OpenPool pool) {
        List<Volume> volumes = new ArrayList<>();
        pool.pool().volumes().forEach(status -> volumes.add(message(pool, status)));
        return volumes.stream();
    }

    private static FailedPool failedPool(Engine.FailedPool failed) {
        return FailedPool.newBuilder()
                .setName(failed.name())
                .setId(failed.id())
                .setReason(failed.reason())
                .setMessage(failed.message())
                .build();
    }

    private static List<Path> paths(List<String> names) {
        return names.stream().map(Path::of).toList();
    }
}
