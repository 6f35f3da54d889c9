package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.CheckReport;
import io.dynamicfs.control.v1.Counters;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.Finding;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.control.v1.ProbedDisk;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.daemon.terminal.Sizes;
import io.dynamicfs.daemon.terminal.Table;
import java.io.PrintWriter;
import java.util.List;

/** What people read: the engine's answers as tables. */
final class Views {
    private static final int FINDINGS_SHOWN = 50;

    private Views() {}

    static void pools(PrintWriter out, List<Pool> pools) {
        if (pools.isEmpty()) {
            out.println("No pool is open.");
            return;
        }
        Table table = new Table("POOL", "STATE", "REDUNDANCY", ">DISKS", ">VOLUMES", ">USED", ">USABLE", ">RAW");
        for (Pool pool : pools) {
            table.row(
                    pool.getName(),
                    state(pool),
                    pool.getRedundancy(),
                    pool.getDisksCount(),
                    pool.getVolumes(),
                    Sizes.human(pool.getUsedBytes()),
                    Sizes.human(pool.getUsableBytes()),
                    Sizes.human(pool.getRawBytes()));
        }
        table.print(out);
        pools.stream()
                .filter(pool -> !pool.getReason().isEmpty())
                .forEach(pool -> out.println(pool.getName() + ": " + pool.getReason()));
    }

    static void pool(PrintWriter out, Pool pool, Capacity capacity) {
        out.println("pool        " + pool.getName() + "  (" + pool.getId() + ")");
        out.println("state       " + state(pool) + (pool.getReason().isEmpty() ? "" : ": " + pool.getReason()));
        out.println("redundancy  " + pool.getRedundancy()
                + (pool.getWriteVerification() ? "" : ", writes are not read back"));
        out.println("space       " + Sizes.human(pool.getUsedBytes()) + " used of " + Sizes.human(pool.getRawBytes())
                + " raw, room for " + Sizes.human(pool.getUsableBytes()) + " of files in all");
        out.println("promised    " + Sizes.human(capacity.getReservedBytes()) + " to volumes, "
                + Sizes.human(capacity.getAvailableBytes()) + " can be promised to one more");
        out.println("can lose    " + lose(pool.getRedundancyMargin()));
        out.println("generation  " + pool.getGeneration() + ", epoch " + pool.getEpoch());
        out.println();
        disks(out, pool.getDisksList());
        out.println();
        counters(out, pool.getCounters());
    }

    private static String lose(int margin) {
        return switch (margin) {
            case -1 -> "nothing: more disks are gone than the redundancy survives";
            case 0 -> "no further disk";
            case 1 -> "1 more disk";
            default -> margin + " more disks";
        };
    }

    static void disks(PrintWriter out, List<Disk> disks) {
        Table table = new Table(
                ">#",
                "DISK",
                "HEALTH",
                ">SIZE",
                ">USED",
                ">READ ERR",
                ">WRITE ERR",
                ">CHECKSUM",
                ">REPAIRED",
                "REASON");
        for (Disk disk : disks) {
            table.row(
                    disk.getIndex(),
                    disk.getName(),
                    ProtoJson.word(disk.getHealth().getValueDescriptor()),
                    Sizes.human(disk.getSizeBytes()),
                    Sizes.human(disk.getUsedBytes()),
                    disk.getReadErrors(),
                    disk.getWriteErrors(),
                    disk.getChecksumErrors(),
                    disk.getRepaired(),
                    disk.getReason());
        }
        table.print(out);
    }

    static void probed(PrintWriter out, List<ProbedDisk> disks) {
        if (disks.isEmpty()) {
            out.println("No disk was found.");
            return;
        }
        Table table = new Table("DISK", ">SIZE", "HOLDS", "DETAIL");
        for (ProbedDisk disk : disks) {
            String detail = disk.getPoolId().isEmpty()
                    ? disk.getDetail()
                    : "disk " + disk.getIndex() + " of " + disk.getPoolName() + " (" + disk.getPoolId() + ")";
            table.row(
                    disk.getPath(),
                    Sizes.human(disk.getSizeBytes()),
                    ProtoJson.word(disk.getContent().getValueDescriptor()),
                    detail);
        }
        table.print(out);
    }

    static void volumes(PrintWriter out, List<Volume> volumes) {
        if (volumes.isEmpty()) {
            out.println("There is no volume.");
            return;
        }
        Table table = new Table("VOLUME", "REDUNDANCY", ">USED", ">QUOTA", ">FILES", ">FILE QUOTA", "MOUNTED AT");
        for (Volume volume : volumes) {
            table.row(
                    volume.getPool() + "/" + volume.getName(),
                    volume.getRedundancy() + (volume.getRedundancyInherited() ? " (pool)" : ""),
                    Sizes.human(volume.getUsedBytes()),
                    volume.getQuotaBytes() == 0 ? "none" : Sizes.human(volume.getQuotaBytes()),
                    volume.getUsedInodes(),
                    volume.getQuotaInodes() == 0 ? "none" : volume.getQuotaInodes(),
                    volume.getMountPoint().isEmpty() ? "-" : volume.getMountPoint());
        }
        table.print(out);
    }

    static void mounts(PrintWriter out, List<MountPoint> mounts) {
        if (mounts.isEmpty()) {
            out.println("Nothing is mounted.");
            return;
        }
        Table table = new Table("VOLUME", "MOUNTED AT", "MODE");
        mounts.forEach(mount -> table.row(
                mount.getPool() + "/" + mount.getVolume(),
                mount.getPath(),
                mount.getReadOnly() ? "read-only" : "read-write"));
        table.print(out);
    }

    static void check(PrintWriter out, CheckReport report) {
        out.println("pool " + report.getPool() + ", generation " + report.getGeneration() + ": read "
                + Sizes.human(report.getBytesRead()) + ", " + report.getNodes() + " nodes in " + report.getNodeCopies()
                + " copies, " + report.getExtents() + " extents in " + report.getFragments() + " fragments");
        report.getFindingsList().stream().limit(FINDINGS_SHOWN).forEach(finding -> finding(out, finding));
        if (report.getFindingsCount() > FINDINGS_SHOWN) {
            out.println("... and " + (report.getFindingsCount() - FINDINGS_SHOWN) + " more; -o json lists them all.");
        }
        if (report.getFindingsCount() == 0) {
            out.println("Everything is as it should be.");
        } else {
            out.println(report.getLost() + " lost, " + report.getRepairable() + " repairable. Nothing was changed.");
        }
    }

    static String state(Pool pool) {
        return ProtoJson.word(pool.getState().getValueDescriptor());
    }

    static boolean isHealthy(Pool pool) {
        return pool.getState() == PoolState.POOL_STATE_HEALTHY;
    }

    private static void finding(PrintWriter out, Finding finding) {
        StringBuilder line =
                new StringBuilder(ProtoJson.word(finding.getSeverity().getValueDescriptor()));
        if (!finding.getVolume().isEmpty()) {
            line.append("  ").append(finding.getVolume()).append(':').append(finding.getPath());
        }
        if (finding.getLength() > 0) {
            line.append("  bytes ")
                    .append(finding.getOffset())
                    .append('-')
                    .append(finding.getOffset() + finding.getLength() - 1);
        }
        if (!finding.getDisk().isEmpty()) {
            line.append("  disk ").append(finding.getDisk());
        }
        out.println(line.append("  ").append(finding.getMessage()));
    }

    private static void counters(PrintWriter out, Counters counters) {
        out.println("since it was opened: " + counters.getCommits() + " commits, " + counters.getSyncsServed()
                + " syncs, " + Sizes.human(counters.getBytesRead()) + " read, "
                + Sizes.human(counters.getBytesWritten()) + " written");
        out.println("healing: " + counters.getChecksumErrors() + " checksum errors, " + counters.getReconstructedReads()
                + " reads reconstructed (" + Sizes.human(counters.getReconstructedBytes()) + "), "
                + counters.getRepairedFragments() + " fragments and " + counters.getRepairedNodes()
                + " metadata nodes repaired, " + counters.getUnreadable() + " reads failed");
        if (counters.getOperationsRecovered() > 0) {
            out.println("recovery: " + counters.getOperationsRecovered()
                    + " answered operations were taken over from the engine before");
        }
    }
}
