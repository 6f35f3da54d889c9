package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.extent.BatchArena;
import io.dynamicfs.engine.extent.FragmentWriter;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import io.dynamicfs.engine.tree.CorruptNodeException;
import io.dynamicfs.engine.tree.NodeSink;
import io.dynamicfs.engine.tree.NodeStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The tree nodes of the pool on its disks. A logical address names a slot of a metadata chunk; the chunk map says which disks
 * hold the chunk. A node is read from the first copy that has the right digest; copies that were wrong are remembered, to be
 * written again by the next commit.
 */
final class MetadataStore implements NodeStore {
    static final int CHUNK_BLOCKS = 256;
    private static final int NODE_BLOCKS = NodeLayout.BYTES / DiskGeometry.BLOCK_BYTES;

    /** Repairs that wait for a commit; more are found again by the next read. */
    private static final int REPAIRS_MAX = 1024;

    private final DiskSet disks;
    private volatile TreeMap<Long, List<BlockAddress>> chunks;
    private final Map<NodePointer, Boolean> repairs = new ConcurrentHashMap<>();
    private final AtomicLong repaired = new AtomicLong();
    private final ThreadLocal<MemorySegment> buffers =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(NodeLayout.BYTES, DiskGeometry.BLOCK_BYTES));

    MetadataStore(DiskSet disks, TreeMap<Long, List<BlockAddress>> chunks) {
        this.disks = disks;
        this.chunks = chunks;
    }

    /** The chunk map; not to be changed. */
    SortedMap<Long, List<BlockAddress>> chunks() {
        return chunks;
    }

    void addChunk(long chunk, List<BlockAddress> copies) {
        TreeMap<Long, List<BlockAddress>> next = new TreeMap<>(chunks);
        next.put(chunk, List.copyOf(copies));
        chunks = next;
    }

    /** Forgets a chunk; returns where its copies were. */
    List<BlockAddress> removeChunk(long chunk) {
        TreeMap<Long, List<BlockAddress>> next = new TreeMap<>(chunks);
        List<BlockAddress> copies = next.remove(chunk);
        chunks = next;
        return copies == null ? List.of() : copies;
    }

    long nextChunk() {
        return chunks.isEmpty() ? 1 : chunks.lastKey() + 1;
    }

    /** Whether every copy of the chunk is on a disk that takes new data. */
    boolean isWritable(long chunk) {
        for (BlockAddress copy : copies(chunk)) {
            PoolDisk disk = disks.find(copy.disk());
            if (disk == null || !disk.isWritable()) {
                return false;
            }
        }
        return true;
    }

    /** Where the copies of a node are. */
    List<BlockAddress> places(NodePointer pointer) {
        return places(pointer.address());
    }

    private List<BlockAddress> places(long address) {
        NodePointer pointer = new NodePointer(address, 0, Digest.ZERO);
        List<BlockAddress> places = new ArrayList<>();
        for (BlockAddress copy : copies(pointer.chunk())) {
            places.add(new BlockAddress(copy.disk(), copy.block() + (long) pointer.slot() * NODE_BLOCKS));
        }
        return places;
    }

    private List<BlockAddress> copies(long chunk) {
        return chunks.getOrDefault(chunk, List.of());
    }

    @Override
    public ByteBuffer load(NodePointer pointer) {
        boolean damaged = false;
        List<BlockAddress> places = places(pointer);
        for (boolean writable : new boolean[] {true, false}) {
            for (BlockAddress place : places) {
                // While a pool is being opened, disks that are missing are not members yet.
                PoolDisk disk = disks.find(place.disk());
                if (disk == null || disk.isWritable() != writable || !disk.isReadable()) {
                    continue;
                }
                MemorySegment node = readCopy(disk, place, pointer);
                if (node != null) {
                    if (damaged && repairs.size() < REPAIRS_MAX) {
                        repairs.put(pointer, true);
                    }
                    return ByteBuffer.wrap(node.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                }
                damaged = true;
            }
        }
        throw new CorruptNodeException(
                "metadata node " + pointer.address() + " of generation " + pointer.birth(),
                "one of its " + places.size() + " copies to have BLAKE3 " + pointer.digest(),
                "none");
    }

    /** Whether the copy of a node at {@code place} is right; for checks. */
    boolean isGood(NodePointer pointer, BlockAddress place) {
        PoolDisk disk = disks.find(place.disk());
        return disk != null && disk.isReadable() && readCopy(disk, place, pointer) != null;
    }

    private @org.jspecify.annotations.Nullable MemorySegment readCopy(
            PoolDisk disk, BlockAddress place, NodePointer pointer) {
        MemorySegment buffer = buffers.get();
        try {
            disk.read(place.offsetBytes(), buffer);
        } catch (DeviceException e) {
            return null;
        }
        if (Blake3.hash(buffer).equals(pointer.digest())) {
            return buffer;
        }
        disk.countChecksumError();
        return null;
    }

    /** Takes the nodes that need a copy repaired. */
    List<NodePointer> takeRepairs() {
        List<NodePointer> taken = new ArrayList<>(repairs.keySet());
        taken.forEach(repairs::remove);
        return taken;
    }

    /** The pieces that give every copy of a node its right bytes again; {@code arena} holds them. */
    List<FragmentWriter.Piece> repairPieces(NodePointer pointer, BatchArena arena) {
        MemorySegment node = arena.allocate(NodeLayout.BYTES);
        node.asByteBuffer().put(load(pointer));
        repairs.remove(pointer);
        List<FragmentWriter.Piece> pieces = new ArrayList<>();
        for (BlockAddress place : places(pointer)) {
            PoolDisk disk = disks.find(place.disk());
            if (disk != null && disk.isWritable() && !isGood(pointer, place)) {
                pieces.add(new FragmentWriter.Piece(place, node));
                repaired.incrementAndGet();
                disk.countRepair();
            }
        }
        return pieces;
    }

    long repairedCopies() {
        return repaired.get();
    }

    /** Gathers the nodes of one commit as pieces to be written to all copies; {@code arena} holds them until then. */
    final class Sink implements NodeSink {
        private final BatchArena arena;
        private final List<FragmentWriter.Piece> pieces = new ArrayList<>();
        private MemorySegment current = MemorySegment.NULL;

        Sink(BatchArena arena) {
            this.arena = arena;
        }

        @Override
        public ByteBuffer buffer() {
            current = arena.allocate(NodeLayout.BYTES);
            return current.asByteBuffer();
        }

        @Override
        public Digest write(long address, ByteBuffer node) {
            MemorySegment bytes = current;
            for (BlockAddress place : places(address)) {
                pieces.add(new FragmentWriter.Piece(place, bytes));
            }
            return Blake3.hash(bytes);
        }

        List<FragmentWriter.Piece> pieces() {
            return pieces;
        }
    }
}
