package io.dynamicfs.engine.format;

import io.dynamicfs.engine.hash.Digest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One state of the pool, the same on every disk of {@code rootDisks}. {@code previous} is the shared digest of the root
 * before it; {@code operationSequence} is the last namespace operation that this state contains.
 */
public record RootRecord(
        long generation,
        long epoch,
        long incarnation,
        Digest previous,
        boolean clean,
        long wallMillis,
        int metadataLosses,
        int metadataCopies,
        List<Integer> rootDisks,
        NodePointer poolTree,
        ChunkMap chunkMap,
        Log log,
        long operationSequence,
        long nextExtentId,
        long nextVolumeId) {
    public static final int ROOT_DISKS_MAX = 16;
    public static final int COPIES_MAX = 8;

    /** Where the chunk map is: {@code bytes} of it at each of the copies. */
    public record ChunkMap(int bytes, Digest digest, List<BlockAddress> copies) {
        public static final ChunkMap NONE = new ChunkMap(0, Digest.ZERO, List.of());

        public ChunkMap {
            copies = checkedCopies(copies);
            if (bytes < 0) {
                throw new IllegalArgumentException(
                        "a chunk map has at most 2 GiB, not " + Integer.toUnsignedLong(bytes));
            }
        }
    }

    /**
     * Where the intent log is: {@code blocks} from each of the copies on. Replay starts at the monotonic position
     * {@code startBlock}, with the record {@code startSequence}.
     */
    public record Log(List<BlockAddress> copies, int blocks, long startBlock, long startSequence) {
        public static final Log NONE = new Log(List.of(), 0, 0, 0);

        public Log {
            copies = checkedCopies(copies);
            if (blocks < 0) {
                throw new IllegalArgumentException(
                        "a log has at most 2^31-1 blocks, not " + Integer.toUnsignedLong(blocks));
            }
        }
    }

    /** Sorts the root disks; throws {@link IllegalArgumentException} for what cannot be written. */
    public RootRecord {
        rootDisks = rootDisks.stream().sorted().toList();
        if (rootDisks.isEmpty() || rootDisks.size() > ROOT_DISKS_MAX) {
            throw new IllegalArgumentException(
                    "a root has 1 to " + ROOT_DISKS_MAX + " root disks, not " + rootDisks.size());
        }
        Set<Integer> distinct = new HashSet<>(rootDisks);
        if (distinct.size() != rootDisks.size()
                || rootDisks.getFirst() < 0
                || rootDisks.getLast() > Identity.DISK_INDEX_MAX) {
            throw new IllegalArgumentException("root disks must be distinct disk indexes, not " + rootDisks);
        }
        if (metadataCopies < 1
                || metadataCopies > COPIES_MAX
                || metadataLosses < 0
                || metadataLosses >= metadataCopies) {
            throw new IllegalArgumentException(
                    "metadata has 1 to " + COPIES_MAX + " copies and survives fewer losses, not " + metadataCopies
                            + " copies and " + metadataLosses + " losses");
        }
    }

    private static List<BlockAddress> checkedCopies(List<BlockAddress> copies) {
        if (copies.size() > COPIES_MAX) {
            throw new IllegalArgumentException("at most " + COPIES_MAX + " copies, not " + copies.size());
        }
        return List.copyOf(copies);
    }
}
