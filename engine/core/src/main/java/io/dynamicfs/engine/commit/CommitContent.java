package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.VolumeRecord;
import io.dynamicfs.engine.tree.NodeRef;
import io.dynamicfs.engine.tree.Tree;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** What the file system hands to a commit, step by step. All but {@link #gather} and {@link #freeze} run without its lock. */
public interface CommitContent {

    /** A run of file bytes that shall become one extent. */
    interface Piece {
        long volume();

        long inode();

        /** 1 to {@link io.dynamicfs.engine.format.ExtentRecord#LENGTH_MAX}. */
        int length();

        /** The wanted redundancy; the committer narrows it when disks are missing. */
        Redundancy redundancy();

        /** Fills {@code target}, {@link #length} bytes; fails when it needs older bytes of the file that are lost. */
        void copyTo(MemorySegment target) throws LostDataException;

        /** Pieces for the same new bytes that need no older ones; empty when there is no such way. */
        List<? extends Piece> withoutOlderBytes();

        /** Two pieces instead of this one, or what is left of it when one of them is only older bytes; empty at one block. */
        List<? extends Piece> halves();

        /** False when the file will not be part of this commit: another of its pieces could not be stored. */
        boolean isWanted();

        /** The piece is on the disks, durable and verified, as this extent. */
        void stored(long extent);

        /** The piece cannot be stored now; its file is left out of this commit and stays dirty. */
        void notStored();
    }

    /** Stores pieces while {@link #freeze} holds the lock. */
    interface Storer {
        void store(List<? extends Piece> pieces);
    }

    /** A volume as a commit shall write it; {@code record}'s root is the old one. A removed volume has an empty tree. */
    record FrozenVolume(VolumeRecord record, Tree tree, boolean removed) {}

    /**
     * One moment of all volumes. {@code replaced} are the edges of nodes that no volume refers to any more;
     * {@code releasedBytes} says how many bytes of which extent slices show no longer; less than 0 where more slices show it; {@code operationSequence} is
     * the last namespace operation inside.
     */
    record Frozen(
            List<FrozenVolume> volumes,
            List<NodeRef> replaced,
            Map<Long, Integer> releasedBytes,
            long operationSequence) {}

    /** The dirty file contents of this moment. Until {@link #freeze} they stay readable where they are. */
    List<? extends Piece> gather();

    /**
     * Makes what was stored part of the volume trees and gives the state to be committed. Files whose rename over another one
     * would expose them without their data are stored here and now.
     */
    Frozen freeze(Storer storer);

    /** The records of file content that the last {@link #freeze} had to leave out, as the intent log keeps them. */
    List<MemorySegment> unstored();

    /** The state of the last {@link #freeze} is durable as {@code generation}. */
    void published(long generation);
}
