package io.dynamicfs.daemon.control;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.CheckReport;
import io.dynamicfs.control.v1.Counters;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.DiskContent;
import io.dynamicfs.control.v1.DiskHealth;
import io.dynamicfs.control.v1.Finding;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.control.v1.ProbedDisk;
import io.dynamicfs.control.v1.Severity;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.daemon.engine.DiskProbe;
import io.dynamicfs.daemon.engine.MountedVolume;
import io.dynamicfs.engine.fs.DiskStatus;
import io.dynamicfs.engine.fs.PoolCapacity;
import io.dynamicfs.engine.fs.PoolCounters;
import io.dynamicfs.engine.fs.PoolStatus;
import io.dynamicfs.engine.fs.VolumeStatus;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The engine's records as control messages. Pure. */
public final class Messages {
    private Messages() {}

    static Pool pool(PoolStatus status, String stoppedReason, int volumes, int mounts) {
        PoolState state = state(status, stoppedReason);
        return Pool.newBuilder()
                .setName(status.name())
                .setId(status.id().toString())
                .setState(state)
                .setReason(reason(status, state, stoppedReason))
                .setGeneration(status.generation())
                .setEpoch(status.epoch())
                .setRedundancy(status.redundancy().toString())
                .setWriteVerification(status.verifyWrites())
                .setRawBytes(status.rawBytes())
                .setUsableBytes(status.usableBytes())
                .setUsedBytes(status.usedBytes())
                .addAllDisks(status.disks().stream().map(Messages::disk).toList())
                .setCounters(counters(status.counters()))
                .setVolumes(volumes)
                .setMounts(mounts)
                .putAllNotes(status.notes())
                .setMissingDisks(status.missingDisks())
                .setReservedBytes(status.reservedBytes())
                .setRedundancyMargin(status.redundancyMargin())
                .build();
    }

    static Capacity capacity(PoolCapacity capacity) {
        return Capacity.newBuilder()
                .setRawBytes(capacity.rawBytes())
                .setUsableBytes(capacity.usableBytes())
                .setUsedBytes(capacity.usedBytes())
                .setReservedBytes(capacity.reservedBytes())
                .setAvailableBytes(capacity.availableBytes())
                .build();
    }

    static Negotiated negotiated(io.dynamicfs.engine.fuse.Negotiated negotiated) {
        return Negotiated.newBuilder()
                .setMinor(negotiated.minor())
                .setReadAheadBytes(negotiated.readAheadBytes())
                .setFeatures(negotiated.features())
                .setPagesMax(negotiated.pagesMax())
                .build();
    }

    static io.dynamicfs.engine.fuse.Negotiated negotiated(Negotiated message) {
        return new io.dynamicfs.engine.fuse.Negotiated(
                message.getMinor(), message.getReadAheadBytes(), message.getFeatures(), message.getPagesMax());
    }

    static Disk disk(DiskStatus disk) {
        return Disk.newBuilder()
                .setIndex(disk.index())
                .setName(disk.name())
                .setSerial(disk.serial())
                .setId(disk.uuid().toString())
                .setSizeBytes(disk.sizeBytes())
                .setUsedBytes(disk.usedBytes())
                .setHealth(health(disk))
                .setReason(disk.reason())
                .setSinceMillis(disk.sinceMillis())
                .setReadErrors(disk.readErrors())
                .setWriteErrors(disk.writeErrors())
                .setChecksumErrors(disk.checksumErrors())
                .setRepaired(disk.repaired())
                .setPresent(disk.present())
                .setPath(disk.present() ? disk.name() : "")
                .build();
    }

    static Volume volume(String pool, VolumeStatus status, @Nullable MountedVolume mounted) {
        return Volume.newBuilder()
                .setPool(pool)
                .setName(status.name())
                .setId(status.id())
                .setUsedBytes(status.usedBytes())
                .setUsedInodes(status.usedInodes())
                .setQuotaBytes(status.quotaBytes())
                .setQuotaInodes(status.quotaInodes())
                .setRedundancy(status.redundancy().toString())
                .setRedundancyInherited(status.inherited())
                .setMountPoint(mounted == null ? "" : mounted.path().toString())
                .build();
    }

    static MountPoint mount(MountedVolume mount) {
        return MountPoint.newBuilder()
                .setPool(mount.pool())
                .setVolume(mount.volume())
                .setPath(mount.path().toString())
                .setReadOnly(mount.readOnly())
                .setSinceMillis(mount.sinceMillis())
                .setConnection(mount.connection())
                .build();
    }

    static ProbedDisk probed(DiskProbe probe) {
        ProbedDisk.Builder message =
                ProbedDisk.newBuilder().setPath(probe.path().toString()).setSizeBytes(probe.sizeBytes());
        return switch (probe.content()) {
            case DiskProbe.Empty ignored ->
                message.setContent(DiskContent.DISK_CONTENT_EMPTY).build();
            case DiskProbe.Member member ->
                message.setContent(DiskContent.DISK_CONTENT_POOL)
                        .setPoolName(member.poolName())
                        .setPoolId(member.poolId().toString())
                        .setDiskId(member.diskId().toString())
                        .setIndex(member.index())
                        .build();
            case DiskProbe.Foreign foreign ->
                message.setContent(DiskContent.DISK_CONTENT_FOREIGN)
                        .setDetail(foreign.signature())
                        .build();
            case DiskProbe.Busy busy ->
                message.setContent(DiskContent.DISK_CONTENT_BUSY)
                        .setDetail(busy.reason())
                        .build();
            case DiskProbe.Unreadable unreadable ->
                message.setContent(DiskContent.DISK_CONTENT_UNREADABLE)
                        .setDetail(unreadable.reason())
                        .build();
        };
    }

    /** The report of a check, for the service and for the offline command alike. */
    public static CheckReport report(String pool, io.dynamicfs.engine.fs.CheckReport report) {
        return CheckReport.newBuilder()
                .setPool(pool)
                .setGeneration(report.generation())
                .setNodes(report.nodes())
                .setNodeCopies(report.nodeCopies())
                .setExtents(report.extents())
                .setFragments(report.fragments())
                .setBytesRead(report.bytesRead())
                .setRepairable(report.count(io.dynamicfs.engine.fs.CheckReport.Severity.REPAIRABLE))
                .setLost(report.count(io.dynamicfs.engine.fs.CheckReport.Severity.LOST))
                .addAllFindings(
                        report.findings().stream().map(Messages::finding).toList())
                .build();
    }

    private static Finding finding(io.dynamicfs.engine.fs.CheckReport.Finding finding) {
        return Finding.newBuilder()
                .setSeverity(
                        switch (finding.severity()) {
                            case REPAIRABLE -> Severity.SEVERITY_REPAIRABLE;
                            case LOST -> Severity.SEVERITY_LOST;
                        })
                .setVolume(finding.volume())
                .setPath(finding.path())
                .setOffset(finding.offset())
                .setLength(finding.length())
                .setDisk(finding.disk())
                .setMessage(finding.message())
                .build();
    }

    private static PoolState state(PoolStatus status, String stoppedReason) {
        if (!stoppedReason.isEmpty()) {
            return PoolState.POOL_STATE_STOPPED;
        }
        if (!status.readOnlyReason().isEmpty()) {
            return PoolState.POOL_STATE_READ_ONLY;
        }
        return status.healthy() ? PoolState.POOL_STATE_HEALTHY : PoolState.POOL_STATE_DEGRADED;
    }

    private static String reason(PoolStatus status, PoolState state, String stoppedReason) {
        return switch (state) {
            case POOL_STATE_STOPPED -> stoppedReason + "; close the pool and open it again";
            case POOL_STATE_READ_ONLY -> status.readOnlyReason();
            case POOL_STATE_DEGRADED -> unhealthy(status.disks()) + "; all data is read through the other disks";
            case POOL_STATE_HEALTHY, POOL_STATE_UNSPECIFIED, UNRECOGNIZED -> "";
        };
    }

    private static String unhealthy(List<DiskStatus> disks) {
        return disks.stream()
                .filter(disk -> health(disk) != DiskHealth.DISK_HEALTH_HEALTHY)
                .map(disk ->
                        "disk " + disk.index() + " (" + disk.name() + ") is " + disk.health() + ": " + disk.reason())
                .collect(Collectors.joining(", "));
    }

    private static DiskHealth health(DiskStatus disk) {
        return switch (disk.health()) {
            case HEALTHY -> DiskHealth.DISK_HEALTH_HEALTHY;
            case SUSPECT -> DiskHealth.DISK_HEALTH_SUSPECT;
            case DEGRADED -> DiskHealth.DISK_HEALTH_DEGRADED;
            case DRAINING -> DiskHealth.DISK_HEALTH_DRAINING;
            case FAILED -> DiskHealth.DISK_HEALTH_FAILED;
        };
    }

    private static Counters counters(PoolCounters counters) {
        return Counters.newBuilder()
                .setCommits(counters.commits())
                .setSyncsServed(counters.syncsServed())
                .setLogRecords(counters.logRecords())
                .setOperationsRecovered(counters.operationsRecovered())
                .setBytesRead(counters.bytesRead())
                .setBytesWritten(counters.bytesWritten())
                .setChecksumErrors(counters.checksumErrors())
                .setReconstructedReads(counters.reconstructedReads())
                .setReconstructedBytes(counters.reconstructedBytes())
                .setRepairedFragments(counters.repairedFragments())
                .setRepairedNodes(counters.repairedNodes())
                .setUnreadable(counters.unreadable())
                .build();
    }
}
