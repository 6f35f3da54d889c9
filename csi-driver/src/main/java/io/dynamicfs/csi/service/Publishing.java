package io.dynamicfs.csi.service;

import io.dynamicfs.csi.keeper.Keeper;
import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.v1.NodePublishVolumeRequest;
import io.dynamicfs.csi.volume.VolumeId;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountTable;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A staged volume once more for each pod. Needs no engine: only the kernel's tree of mounts changes. */
final class Publishing {
    private static final String STAGING = "staging path";
    private static final String TARGET = "target path";

    private final Keeper keeper;
    private final MountPaths paths;
    private final Detacher detacher;

    Publishing(Keeper keeper, MountPaths paths, Detacher detacher) {
        this.keeper = keeper;
        this.paths = paths;
        this.detacher = detacher;
    }

    void publish(VolumeId id, NodePublishVolumeRequest request) throws Refusal, MountException, KernelException {
        boolean readOnly = request.getReadonly()
                || Capabilities.flags(request.getVolumeCapability()).readOnly()
                || Capabilities.isReadOnly(request.getVolumeCapability());
        MountTable.Entry staged = staged(id, request.getStagingTargetPath());
        Path target = paths.resolve(TARGET, request.getTargetPath())
                .orElseThrow(() -> new Refusal(
                        Status.Code.FAILED_PRECONDITION,
                        TARGET + " " + request.getTargetPath() + ": expected its parent to exist, found nothing;"
                                + " create it"));
        if (isPublished(id, staged, target, readOnly)) {
            return;
        }
        if (Capabilities.isSingleWriter(request.getVolumeCapability())) {
            refuseSecondTarget(id, staged, target);
        }
        MountPaths.requireDirectory(TARGET, target);
        Mounts.bind(staged.point(), target, readOnly);
        Optional<MountTable.Entry> bound = MountPaths.table().at(target);
        if (bound.isEmpty() || !bound.get().device().equals(staged.device())) {
            throw new Refusal(
                    Status.Code.INTERNAL,
                    TARGET + " " + target + ": expected volume " + id + " there, found "
                            + bound.map(MountTable.Entry::source).orElse("nothing")
                            + "; somebody else changes mounts there");
        }
    }

    void unpublish(String volume, String path) throws Refusal, InterruptedException {
        Optional<Path> target = paths.resolve(TARGET, path);
        if (target.isPresent()) {
            detacher.unmount(TARGET, target.get(), volume);
            MountPaths.remove(TARGET, target.get());
        }
    }

    private MountTable.Entry staged(VolumeId id, String path) throws Refusal {
        if (path.isEmpty()) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION, STAGING + ": expected the one of volume " + id + ", found none");
        }
        Optional<MountTable.Entry> mount = paths.resolve(STAGING, path).isPresent()
                ? MountPaths.table().at(paths.resolve(STAGING, path).get())
                : Optional.empty();
        boolean ours = mount.filter(entry -> entry.type().equals(Keeper.TYPE))
                .flatMap(keeper::behind)
                .map(KeptConnection::volume)
                .filter(id.toString()::equals)
                .isPresent();
        if (!ours) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    STAGING + " " + path + ": expected volume " + id + " to be staged there, found "
                            + mount.map(MountTable.Entry::source).orElse("nothing") + "; stage it first");
        }
        if (keeper.condition(mount.orElseThrow()) == Keeper.Condition.DEAD) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    STAGING + " " + path + ": expected a live mount of volume " + id
                            + ", found that its connection has ended; unstage and stage it");
        }
        return mount.orElseThrow();
    }

    private boolean isPublished(VolumeId id, MountTable.Entry staged, Path target, boolean readOnly) throws Refusal {
        for (Optional<MountTable.Entry> top = MountPaths.table().at(target);
                top.isPresent();
                top = MountPaths.table().at(target)) {
            MountTable.Entry mount = top.get();
            if (mount.device().equals(staged.device())) {
                if (mount.isReadOnly() != (readOnly || staged.isReadOnly())) {
                    throw new Refusal(
                            Status.Code.ALREADY_EXISTS,
                            "volume " + id + ": expected it at " + target + (readOnly ? " read-only" : " for writing")
                                    + ", found it there " + (mount.isReadOnly() ? "read-only" : "for writing")
                                    + "; unpublish it first");
                }
                return true;
            }
            boolean dead = mount.type().equals(Keeper.TYPE) && keeper.condition(mount) == Keeper.Condition.DEAD;
            if (!dead) {
                throw new Refusal(
                        Status.Code.FAILED_PRECONDITION,
                        TARGET + " " + target + ": expected nothing mounted, found " + mount.source() + " of type "
                                + mount.type() + "; unmount it");
            }
            detacher.detachDead(target);
        }
        return false;
    }

    private static void refuseSecondTarget(VolumeId id, MountTable.Entry staged, Path target) throws Refusal {
        List<Path> others = MountPaths.table().ofDevice(staged.device()).stream()
                .map(MountTable.Entry::point)
                .filter(point -> !point.equals(staged.point()) && !point.equals(target))
                .toList();
        if (!others.isEmpty()) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    "volume " + id + ": expected no other pod to use a ReadWriteOncePod volume, found it at "
                            + others.getFirst());
        }
    }
}
