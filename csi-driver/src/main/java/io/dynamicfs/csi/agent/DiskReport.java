package io.dynamicfs.csi.agent;

import io.dynamicfs.crd.report.ConditionList;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskHealth;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi.Conditions;
import io.dynamicfs.crd.v1alpha1.ForeignContent;
import io.dynamicfs.csi.agent.EngineView.OpenPool;
import io.dynamicfs.csi.disk.BlockDisk;
import io.dynamicfs.csi.disk.DiskContent;
import io.dynamicfs.csi.disk.Ineligibility;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The status of a Disk, from what the node and its engine see. */
final class DiskReport {
    /** Used bytes are told in this many steps: each step is a write to the API server. */
    private static final int USED_STEPS = 200;

    private DiskReport() {}

    /** {@code found} is null while the node does not see the disk. */
    static DiskStatus status(Disk disk, @Nullable BlockDisk found, EngineView engine, Instant now) {
        DiskStatus before = disk.getStatus() == null ? new DiskStatus() : disk.getStatus();
        DiskStatus status = new DiskStatus();
        status.setObservedGeneration(disk.getMetadata().getGeneration());
        if (found == null) {
            copyIdentity(before, status);
        } else {
            describe(found, status);
        }
        // A dying disk cannot be asked for its label any more.
        if (found != null && found.content() instanceof DiskContent.Unreadable) {
            status.setPoolName(before.getPoolName());
            status.setPoolId(before.getPoolId());
            status.setDiskIndex(before.getDiskIndex());
        }
        judge(found != null, status, engine);
        status.setSince(
                before.getHealth() == status.getHealth() && before.getSince() != null
                        ? before.getSince()
                        : seconds(now));
        status.setLastSeen(found != null ? null : before.getLastSeen() == null ? seconds(now) : before.getLastSeen());
        status.setConditions(conditions(disk, before, status, found, now));
        return status;
    }

    private static void describe(BlockDisk found, DiskStatus status) {
        status.setDevice(found.path().toString());
        status.setById(found.byId().stream().map(Path::toString).toList());
        status.setSerial(found.serial());
        status.setWwn(found.wwn());
        status.setModel(found.model());
        status.setSizeBytes(found.sizeBytes());
        status.setSize(Quantities.human(found.sizeBytes()));
        status.setRotational(found.rotational());
        status.setRemovable(found.removable());
        List<ForeignContent> foreign = new ArrayList<>();
        for (Ineligibility ineligibility : found.ineligibilities()) {
            foreign.add(new ForeignContent()
                    .setReason(ineligibility.reason().text())
                    .setMessage("the disk " + ineligibility.message()));
        }
        if (found.content() instanceof DiskContent.Member member) {
            status.setPoolName(member.poolName());
            status.setPoolId(member.poolId().toString());
            status.setDiskIndex(member.index());
        }
        status.setForeign(foreign);
    }

    private static void copyIdentity(DiskStatus before, DiskStatus status) {
        status.setById(before.getById())
                .setSerial(before.getSerial())
                .setWwn(before.getWwn())
                .setModel(before.getModel())
                .setSizeBytes(before.getSizeBytes())
                .setSize(before.getSize())
                .setRotational(before.getRotational())
                .setRemovable(before.getRemovable())
                .setPoolName(before.getPoolName())
                .setPoolId(before.getPoolId())
                .setDiskIndex(before.getDiskIndex());
    }

    private static void judge(boolean present, DiskStatus status, EngineView engine) {
        OpenPool pool = status.getPoolId() == null ? null : engine.byId(status.getPoolId());
        io.dynamicfs.control.v1.Disk member =
                pool == null || status.getDiskIndex() == null ? null : pool.disk(status.getDiskIndex());
        if (member != null) {
            status.setReadErrors(member.getReadErrors());
            status.setWriteErrors(member.getWriteErrors());
            status.setChecksumErrors(member.getChecksumErrors());
            status.setUsedBytes(inSteps(member.getUsedBytes(), member.getSizeBytes()));
            status.setUsed(Quantities.human(status.getUsedBytes()));
        }
        if (!present) {
            status.setHealth(DiskHealth.Missing);
            status.setReason("Missing");
        } else if (member == null) {
            status.setHealth(DiskHealth.Unknown);
            status.setReason(
                    status.getForeign().isEmpty()
                            ? null
                            : status.getForeign().getFirst().getReason());
        } else {
            status.setHealth(health(member));
            status.setReason(member.getReason().isEmpty() ? null : member.getReason());
        }
    }

    private static DiskHealth health(io.dynamicfs.control.v1.Disk member) {
        return switch (member.getHealth()) {
            case DISK_HEALTH_HEALTHY -> member.getPresent() ? DiskHealth.Healthy : DiskHealth.Missing;
            case DISK_HEALTH_SUSPECT, DISK_HEALTH_DEGRADED, DISK_HEALTH_DRAINING -> DiskHealth.Suspect;
            case DISK_HEALTH_FAILED -> DiskHealth.Failed;
            case DISK_HEALTH_UNSPECIFIED, UNRECOGNIZED -> DiskHealth.Unknown;
        };
    }

    private static List<io.fabric8.kubernetes.api.model.Condition> conditions(
            Disk disk, DiskStatus before, DiskStatus status, @Nullable BlockDisk found, Instant now) {
        ConditionList conditions =
                new ConditionList(before.getConditions(), disk.getMetadata().getGeneration(), now);
        if (found == null) {
            conditions.add(Conditions.ELIGIBLE, false, "Missing", "the node does not see the disk");
            conditions.add(
                    Conditions.READY,
                    false,
                    "Missing",
                    "the node does not see the disk; attach it again or replace it");
        } else {
            conditions.add(
                    Conditions.ELIGIBLE,
                    status.getForeign().isEmpty(),
                    status.getForeign().isEmpty()
                            ? "Free"
                            : status.getForeign().getFirst().getReason(),
                    String.join(
                            "; ",
                            status.getForeign().stream()
                                    .map(ForeignContent::getMessage)
                                    .filter(Objects::nonNull)
                                    .toList()));
            conditions.add(Conditions.READY, true, "Present", "");
        }
        @Nullable String reason = status.getReason();
        DiskHealth health = Objects.requireNonNull(status.getHealth());
        conditions.add(
                Conditions.HEALTHY,
                health == DiskHealth.Unknown ? null : health == DiskHealth.Healthy,
                health.name(),
                health == DiskHealth.Healthy || reason == null ? "" : reason);
        return conditions.build();
    }

    private static long inSteps(long bytes, long size) {
        long step = Math.max(1, size / USED_STEPS);
        return bytes / step * step;
    }

    private static String seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }
}
