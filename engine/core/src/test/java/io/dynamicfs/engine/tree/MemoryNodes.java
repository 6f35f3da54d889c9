package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Node slots in memory: allocates, stores, verifies, and reuses freed addresses at once. */
final class MemoryNodes implements NodeStore, NodeAllocator, NodeSink {
    final Map<Long, byte[]> nodes = new ConcurrentHashMap<>();
    final AtomicInteger loads = new AtomicInteger();
    private final ArrayDeque<Long> free = new ArrayDeque<>();
    private long next = NodePointer.address(7, 0);
    int writesBeforeFailure = Integer.MAX_VALUE;

    @Override
    public ByteBuffer load(NodePointer pointer) {
        loads.incrementAndGet();
        String resource = "address " + pointer.address();
        byte[] bytes = nodes.get(pointer.address());
        if (bytes == null) {
            throw new CorruptNodeException(resource, "a node", "nothing");
        }
        if (!hash(bytes).equals(pointer.digest())) {
            throw new CorruptNodeException(resource, pointer.digest().toString(), "another digest");
        }
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
    }

    byte[] bytes(long address) {
        return Objects.requireNonNull(nodes.get(address));
    }

    @Override
    public long allocate() {
        return free.isEmpty() ? next++ : free.remove();
    }

    void free(long address) {
        if (nodes.remove(address) == null) {
            throw new IllegalStateException("address " + address + " is free already");
        }
        free.add(address);
    }

    @Override
    public Digest write(long address, ByteBuffer node) {
        if (writesBeforeFailure-- <= 0) {
            throw new IllegalStateException("the sink fails");
        }
        byte[] bytes = new byte[NodeLayout.BYTES];
        node.get(0, bytes);
        if (nodes.putIfAbsent(address, bytes) != null) {
            throw new IllegalStateException("address " + address + " is written twice");
        }
        return hash(bytes);
    }

    static Digest hash(byte[] bytes) {
        try {
            return Digest.of(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** All addresses that a written version reaches. */
    static Set<Long> reachable(Tree tree) {
        Set<Long> addresses = new HashSet<>();
        TreeWalker.walk(tree, new TreeWalker.Visitor() {
            @Override
            public boolean reached(NodePointer pointer, int level, byte[] lower, byte @Nullable [] upper) {
                if (!addresses.add(pointer.address())) {
                    throw new AssertionError("address " + pointer.address() + " is reached twice");
                }
                return level > 0;
            }

            @Override
            public void unreadable(
                    NodePointer pointer, byte[] lower, byte @Nullable [] upper, CorruptNodeException reason) {
                throw reason;
            }
        });
        return addresses;
    }
}
