package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.PoolAudit;
import io.dynamicfs.engine.commit.PoolStore;
import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.fs.CheckReport.Finding;
import io.dynamicfs.engine.fs.CheckReport.Severity;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.Tree;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Checks a durable state of a pool from its labels down to the files that damage reaches. Changes nothing. */
final class PoolChecker {
    /** Inodes whose names are counted at once: about 30 bytes each. */
    private static final int WINDOW_INODES = 1 << 18;

    private final PoolAudit audit;
    private final CheckOptions options;
    private final List<Finding> findings = new ArrayList<>();
    private final Map<Long, Long> liveBytes = new HashMap<>();
    private long leftOut;

    PoolChecker(PoolStore store, CheckOptions options, CheckProgress progress) {
        this.options = options;
        this.audit = new PoolAudit(
                store,
                new PoolAudit.Findings() {
                    @Override
                    public void repairable(String disk, String message) {
                        add(new Finding(Severity.REPAIRABLE, "", "", 0, 0, disk, message));
                    }

                    @Override
                    public void lost(String disk, String message) {
                        add(new Finding(Severity.LOST, "", "", 0, 0, disk, message));
                    }
                },
                progress::at);
    }

    private void add(Finding finding) {
        if (findings.size() < CheckReport.FINDINGS_MAX) {
            findings.add(finding);
        } else {
            leftOut++;
        }
    }

    CheckReport run() {
        audit.checkLabels();
        if (audit.checkPoolNodes()) {
            List<VolumeRecord> volumes = audit.volumes();
            boolean complete = true;
            for (VolumeRecord volume : volumes) {
                complete &= checkVolume(volume);
            }
            boolean allTrees = complete;
            guarded("the extents", () -> audit.checkExtents(options.data(), liveBytes));
            if (allTrees) {
                guarded("the free space", audit::checkSpace);
            }
            if (!audit.lostExtents().isEmpty()) {
                volumes.forEach(this::nameLostFiles);
            }
        }
        if (leftOut > 0) {
            findings.set(
                    findings.size() - 1,
                    new Finding(
                            Severity.LOST,
                            "",
                            "",
                            0,
                            0,
                            "",
                            "and " + (leftOut + 1) + " more findings that are not listed"));
        }
        // What is gone comes first: a reader may not get to the end of the list.
        findings.sort(Comparator.comparing(Finding::severity).reversed());
        PoolAudit.Totals totals = audit.totals();
        return new CheckReport(
                audit.generation(),
                totals.nodes(),
                totals.nodeCopies(),
                totals.extents(),
                totals.fragments(),
                totals.bytesRead(),
                findings);
    }

    private boolean checkVolume(VolumeRecord volume) {
        Tree tree = audit.tree(volume);
        if (!audit.checkNodes(tree, "volume " + volume.name())) {
            return false;
        }
        guarded("volume " + volume.name(), () -> {
            if (!volume.deleting()) {
                checkNames(volume, tree);
            }
            countSlices(volume, tree);
        });
        return true;
    }

    private void checkNames(VolumeRecord volume, Tree tree) {
        NamespaceVerifier.Totals totals = new NamespaceVerifier(
                        tree, WINDOW_INODES, finding -> add(inVolume(volume, finding.toString())))
                .verify();
        if (totals.inodes() != volume.inodes()) {
            add(inVolume(volume, "it says that it has " + volume.inodes() + " inodes, it has " + totals.inodes()));
        }
        if (totals.storedBytes() != volume.storedBytes()) {
            add(inVolume(
                    volume,
                    "it says that " + volume.storedBytes() + " bytes are stored, its inodes say "
                            + totals.storedBytes()));
        }
    }

    private static Finding inVolume(VolumeRecord volume, String message) {
        return new Finding(Severity.LOST, volume.name(), "", 0, 0, "", message);
    }

    private void countSlices(VolumeRecord volume, Tree tree) {
        long inode = 0;
        long end = 0;
        Cursor cursor = tree.scan(new byte[0], null);
        while (cursor.next()) {
            if (VolumeKeys.kindOf(cursor.key()) != VolumeKeys.SLICE) {
                continue;
            }
            FileMap.Placed placed = new FileMap.Placed(VolumeKeys.numberOf(cursor.key()), Slice.decode(cursor.value()));
            if (VolumeKeys.inodeOf(cursor.key()) != inode) {
                inode = VolumeKeys.inodeOf(cursor.key());
                end = 0;
            }
            if (placed.offset() < end) {
                add(inVolume(volume, "inode " + inode + " has slices that overlap at " + placed.offset()));
            }
            end = placed.end();
            if (placed.slice() instanceof Slice.OfExtent(int length, long extent, int ignored)) {
                liveBytes.merge(extent, (long) length, Long::sum);
            }
        }
    }

    private void nameLostFiles(VolumeRecord volume) {
        guarded("volume " + volume.name(), () -> {
            Tree tree = audit.tree(volume);
            NamespaceReader names = new NamespaceReader(tree, NamespaceReader.nameHash(tree));
            Cursor cursor = tree.scan(new byte[0], null);
            while (cursor.next()) {
                if (VolumeKeys.kindOf(cursor.key()) == VolumeKeys.SLICE
                        && Slice.decode(cursor.value())
                                instanceof Slice.OfExtent(int length, long extent, int offset)) {
                    PoolAudit.LostRanges lost = audit.lostExtents().get(extent);
                    if (lost != null && lost.isLost(offset, offset + length)) {
                        long inode = VolumeKeys.inodeOf(cursor.key());
                        String path = names.path(inode);
                        add(new Finding(
                                Severity.LOST,
                                volume.name(),
                                path == null ? "inode " + inode : path,
                                VolumeKeys.numberOf(cursor.key()),
                                length,
                                "",
                                "extent " + extent + " cannot be read and not be reconstructed"));
                    }
                }
            }
        });
    }

    private interface Part {
        void run() throws FsException;
    }

    /** Damage in one part does not keep the others from being checked. */
    private void guarded(String what, Part part) {
        try {
            part.run();
        } catch (FsException e) {
            add(new Finding(Severity.LOST, "", "", 0, 0, "", what + " cannot be checked: " + e.getMessage()));
        } catch (RuntimeException e) {
            if (!PoolAudit.isDamage(e)) {
                throw e;
            }
            add(new Finding(Severity.LOST, "", "", 0, 0, "", what + " cannot be checked: " + e.getMessage()));
        }
    }
}
