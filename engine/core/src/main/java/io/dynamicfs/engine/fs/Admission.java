package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.commit.PoolStore;
import io.dynamicfs.engine.commit.SurvivorLog;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.OperationLayout;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.syscall.Errno;
import java.util.concurrent.locks.Lock;

/**
 * Decides which changes a pool takes: those for which there is room for the record, the data and the metadata, whatever pieces
 * the free space is in. What has been answered can then be stored. A change without room commits, because commits free memory and
 * space, and is refused when that does not help. Changes that give space back may use what is reserved for them.
 *
 * <p>Counts what is taken and not durable yet, each at the most that it can need.
 */
final class Admission {
    /** Nodes that a commit writes at most, about 64 MiB: beyond this, changes of names commit first. */
    private static final long DIRTY_NODES_MAX = 4096;

    /** Nodes that ordinary changes leave to changes that give space back, and these to the commit itself. */
    private static final long METADATA_RESERVE_NODES = 128;

    private static final long DELETING_RESERVE_NODES = 48;

    /** Blocks kept free beyond what is counted. */
    private static final long SLACK_BLOCKS = 16;

    /** What one write to the last room may have: a request of the kernel. */
    private static final long LAST_BLOCKS_MAX = (1 << 20) / DiskGeometry.BLOCK_BYTES;

    /** The share of the survivor memory that only changes may use that give space back: files that no disk has room for fill it. */
    private static final int SURVIVOR_RESERVE_FRACTION = 16;

    private static final int OPERATION_HEADER_BYTES = 48;

    /** Commits after which space that was freed before them can be used again. */
    private static final int COMMITS_UNTIL_REUSE = 5;

    /** What the records of an extent, its fragments and its slice take in nodes that are half full. */
    private static final long RECORD_BYTES_PER_PIECE = 600;

    private static final long CHECKSUM_BYTES_PER_BLOCK = 80;
    private static final long SLICE_BYTES = 80;

    /** A small file in a node that is half full. */
    private static final long INLINE_RECORD_BYTES = 2 * (Slice.INLINE_BYTES_MAX + SLICE_BYTES);

    /** Slices that a commit removes from a file at once; more are taken out bit by bit. */
    static final int CUT_AT_ONCE = 16;

    /** Slices or records that one commit removes of what was deleted, where there is room for much metadata, and where not. */
    private static final int REAP_BUDGET = 2000;

    private static final int REAP_BUDGET_MIN = 4;

    /** The leaf of an inode, and its share of the nodes above, for it and for what keeps account of them. */
    private static final int NODES_PER_ACCESS = 4;

    /**
     * What a change of content needs at the most: {@code blocks} of data before redundancy, {@code touched} nodes of the trees that
     * are there, and {@code recordBytes} of new records.
     */
    record Cost(long blocks, long touched, long recordBytes) {
        static final Cost NONE = new Cost(0, 0, 0);

        Cost plus(Cost other) {
            return new Cost(blocks + other.blocks, touched + other.touched, recordBytes + other.recordBytes);
        }

        Cost minus(Cost other) {
            return new Cost(blocks - other.blocks, touched - other.touched, recordBytes - other.recordBytes);
        }
    }

    private final StoragePool pool;
    private final PoolStore store;
    private final SurvivorLog survivor;

    /** Guards the survivor memory's positions. */
    private final Lock lock;

    /** Content in layers, and of changes that have room and are being recorded. */
    private Cost dirty = Cost.NONE;

    private Cost inHand = Cost.NONE;

    /** Nodes that changes of names have made, and those that a commit under way is writing. */
    private long newNodes;

    private long committingNodes;

    Admission(StoragePool pool, PoolStore store, SurvivorLog survivor, Lock lock) {
        this.pool = pool;
        this.store = store;
        this.survivor = survivor;
        this.lock = lock;
    }

    // What is taken

    /** Counts nodes of the next commit; true when they are many. */
    synchronized boolean countNewNodes(int nodes) {
        newNodes += nodes;
        return newNodes > DIRTY_NODES_MAX;
    }

    synchronized void countDirty(Cost cost) {
        dirty = dirty.plus(cost);
    }

    /** A commit takes what there is. */
    synchronized void committing() {
        committingNodes += newNodes;
        newNodes = 0;
    }

    /** A commit is durable; {@code stillDirty} is what the layers need now. */
    synchronized void committed(Cost stillDirty) {
        committingNodes = 0;
        dirty = stillDirty;
    }

    synchronized long dirtyBytes() {
        return (dirty.blocks + inHand.blocks) * DiskGeometry.BLOCK_BYTES;
    }

    /** Whether a commit is due because its nodes take much of the room there is. */
    synchronized boolean needsCommit() {
        return newNodes > DIRTY_NODES_MAX || 2 * nodesNeeded(Cost.NONE) > store.metadataRoomNodes(dirty.blocks);
    }

    /** How many slices the commit under way may remove of what was deleted. */
    synchronized int reapBudget() {
        long left = store.metadataRoomNodes(dirty.blocks) - nodesNeeded(Cost.NONE) - DELETING_RESERVE_NODES;
        return Math.clamp(left / (touchedPerPiece(pool.redundancy()) + 1), REAP_BUDGET_MIN, REAP_BUDGET);
    }

    /** How many times of access the commit under way may store: they need not be, so they leave room for everything else. */
    synchronized int accessBudget() {
        long left = store.metadataRoomNodes(dirty.blocks) - nodesNeeded(Cost.NONE) - METADATA_RESERVE_NODES;
        return Math.clamp(left / NODES_PER_ACCESS, 0, 4 * Volume.ACCESSES_MAX);
    }

    /** What bytes of a file need that lie over {@code replaced} stored slices. */
    Cost costOfWrite(Redundancy policy, long offset, long length, long replaced) {
        long blocks = Layer.blocks(offset, length);
        boolean whole = store.hasWholeRuns(policy.fragments(), blocks + dirtyBytes() / DiskGeometry.BLOCK_BYTES);
        long pieces = whole ? 1 + blocks / DiskSpace.RUN_BLOCKS : blocks;
        return new Cost(
                blocks,
                2 + (pieces + replaced) * touchedPerPiece(policy),
                pieces * RECORD_BYTES_PER_PIECE + blocks * CHECKSUM_BYTES_PER_BLOCK + inlineBytes(offset + length));
    }

    /** What it needs to put slices of one file into another: their records, and how often each extent is shown. */
    Cost costOfShare(long slices) {
        return new Cost(0, 4 + 2 * slices, slices * SLICE_BYTES);
    }

    /** What it needs to remove {@code slices} slices, or parts of them, from a file that is {@code size} bytes or more then. */
    Cost costOfCut(Redundancy policy, long slices, long size) {
        return slices <= CUT_AT_ONCE
                ? new Cost(0, 2 + slices * touchedPerPiece(policy), SLICE_BYTES + inlineBytes(size))
                : new Cost(0, 4 + 2 * touchedPerPiece(policy), slices * SLICE_BYTES + inlineBytes(size));
    }

    /** A file that may be so small goes into the tree as a whole. */
    private static long inlineBytes(long size) {
        return size <= Slice.INLINE_BYTES_MAX ? INLINE_RECORD_BYTES : 0;
    }

    /** The nodes that hold an extent's record, the reverse records of its fragments, and the slice. */
    private long touchedPerPiece(Redundancy policy) {
        return 2L + Math.max(policy.fragments(), store.root().metadataLosses() + 1);
    }

    private long nodesNeeded(Cost more) {
        Cost all = dirty.plus(inHand).plus(more);
        return 2 * (newNodes + committingNodes)
                + Math.min(all.touched, store.usedNodes())
                + all.recordBytes / NodeLayout.BYTES;
    }

    // Making room

    /** Commits while a change of names has no room for its record or its nodes; refuses it when that does not help. */
    void makeRoomForChange(boolean deletes) throws FsException {
        pool.requireWritable();
        makeRoomForRecord(OperationLayout.BYTES_MAX, deletes);
        for (int fruitless = 0; fruitless <= COMMITS_UNTIL_REUSE; ) {
            if (hasNodes(deletes)) {
                return;
            }
            long before = room();
            pool.commitFor();
            fruitless = room() > before ? 0 : fruitless + 1;
        }
        throw new FsException(Errno.ENOSPC, "pool " + pool.name() + " has no room for metadata left");
    }

    /** Nodes that changes of names may still take. */
    synchronized long freeNodes() {
        return Math.max(
                0,
                store.metadataRoomNodes(dirty.blocks + inHand.blocks)
                        - nodesNeeded(Cost.NONE)
                        - METADATA_RESERVE_NODES);
    }

    /** Commits until the survivor memory has room for a record. Others may take what a commit freed; only one that frees nothing ends it. */
    void makeRoomForRecord(long bytes, boolean deletes) throws FsException {
        while (!hasMemory(bytes, deletes)) {
            long before = trimmed();
            pool.commitFor();
            if (trimmed() == before && !hasMemory(bytes, deletes)) {
                throw new FsException(Errno.ENOSPC, "the survivor memory is full of data that no disk has room for");
            }
        }
    }

    private synchronized boolean hasNodes(boolean deletes) {
        return newNodes < 2 * DIRTY_NODES_MAX && hasNodesFor(Cost.NONE, deletes);
    }

    private boolean hasNodesFor(Cost cost, boolean deletes) {
        long reserve = deletes ? DELETING_RESERVE_NODES : METADATA_RESERVE_NODES;
        return store.metadataRoomNodes(dirty.blocks + inHand.blocks + cost.blocks) - nodesNeeded(cost) > reserve;
    }

    /** What a change of content would need, as far as is known when it is asked. */
    interface Pricing {
        Cost price() throws FsException;
    }

    /**
     * Commits while a change of content has no room; refuses it when the pool is full. The change is counted until
     * {@link #done}, which must follow.
     */
    Cost makeRoomForContent(Redundancy policy, long recordBytes, boolean deletes, Pricing pricing) throws FsException {
        pool.requireWritable();
        makeRoomForRecord(recordBytes + OperationLayout.BYTES_MAX, deletes);
        for (int fruitless = 0; fruitless <= COMMITS_UNTIL_REUSE; ) {
            Cost cost = pricing.price();
            if (take(policy, cost, deletes)) {
                return cost;
            }
            if (!canGain(cost)) {
                break;
            }
            long before = room();
            pool.commitFor();
            // Of what was freed one commit takes back only so much.
            fruitless = room() > before ? 0 : fruitless + 1;
        }
        throw new FsException(Errno.ENOSPC, "pool " + pool.name() + " is full");
    }

    /** Commits while bytes that are to be written later have no room; refuses them when that does not help. Nothing is kept for them. */
    void requireRoom(Volume volume, Need need) throws FsException {
        pool.requireWritable();
        long least = Long.MAX_VALUE;
        for (int fruitless = 0; fruitless <= COMMITS_UNTIL_REUSE; ) {
            long missing = need.bytes() - pool.statistics(volume).availableBytes();
            if (missing <= 0) {
                return;
            }
            if (!mayGrow()) {
                break;
            }
            fruitless = missing < least ? 0 : fruitless + 1;
            least = Math.min(least, missing);
            pool.commitFor();
        }
        throw new FsException(Errno.ENOSPC, "pool " + pool.name() + " has no room for what is to be written later");
    }

    /** How many bytes need room that is not there yet. */
    interface Need {
        long bytes() throws FsException;
    }

    private boolean mayGrow() {
        synchronized (this) {
            if (isDirty() || store.pendingBlocks() > 0) {
                return true;
            }
        }
        return pool.isDeleting();
    }

    private synchronized boolean take(Redundancy policy, Cost cost, boolean deletes) {
        long blocks = dirty.blocks + inHand.blocks + cost.blocks;
        boolean fits = cost.blocks == 0 || store.availableBlocks(copies()) >= blocks + SLACK_BLOCKS;
        if (!fits && blocks == cost.blocks && blocks <= LAST_BLOCKS_MAX) {
            // The last room is filled one write at a time; as single blocks one has a place in what is kept beyond the
            // reserve.
            fits = store.availableBytes(policy) >= blocks * DiskGeometry.BLOCK_BYTES;
        }
        if (!fits || !hasNodesFor(cost, deletes)) {
            return false;
        }
        inHand = inHand.plus(cost);
        return true;
    }

    /** The change is recorded and counted as dirty, or did not happen. */
    synchronized void done(Cost cost) {
        inHand = inHand.minus(cost);
    }

    /** Whether commits may find the room: what is dirty turns out smaller, what was deleted comes back. */
    private boolean canGain(Cost cost) {
        synchronized (this) {
            long missing = inHand.blocks + cost.blocks + SLACK_BLOCKS - store.availableBlocks(copies());
            if (isDirty() || missing <= 0 || store.pendingBlocks() >= missing * copies()) {
                return true;
            }
        }
        return pool.isDeleting();
    }

    /** Whether a commit stores or removes content. What is cut off has no blocks, but gives some back. */
    private boolean isDirty() {
        return !dirty.equals(Cost.NONE);
    }

    private long room() {
        return store.availableBlocks(copies()) + store.metadataRoomNodes(0);
    }

    /** Copies of the smallest extents of the file that promises most. */
    private int copies() {
        return store.root().metadataLosses() + 1;
    }

    /** Bytes that a commit may store again only to keep files in larger pieces. */
    synchronized long spareBytes() {
        long spare = store.availableBlocks(copies()) - dirty.blocks - inHand.blocks - SLACK_BLOCKS;
        return Math.max(0, spare) * DiskGeometry.BLOCK_BYTES;
    }

    private long trimmed() {
        lock.lock();
        try {
            return survivor.trimmed();
        } finally {
            lock.unlock();
        }
    }

    private boolean hasMemory(long bytes, boolean deletes) {
        long reserve = deletes ? 0 : survivor.capacity() / SURVIVOR_RESERVE_FRACTION;
        lock.lock();
        try {
            return survivor.hasRoomFor(bytes + reserve, OPERATION_HEADER_BYTES);
        } finally {
            lock.unlock();
        }
    }
}
