package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the dirty nodes of tree versions for one commit. The nodes stay in memory until {@link #complete()} says that they
 * can be read back; {@link #abandon()} makes them dirty again. One of both must happen before the next commit's writer starts.
 */
public final class TreeWriter {
    private final long generation;
    private final NodeAllocator allocator;
    private final NodeSink sink;
    private final List<Written> written = new ArrayList<>();
    private boolean ended;

    private record Written(NodeCache cache, NodeRef ref, Node node, NodePointer pointer) {}

    public TreeWriter(long generation, NodeAllocator allocator, NodeSink sink) {
        this.generation = generation;
        this.allocator = allocator;
        this.sink = sink;
    }

    /**
     * Writes what is dirty in this version, children first, and returns where its root is. What the allocator or the sink
     * throws leaves the writer ready to be abandoned.
     */
    public NodePointer write(Tree tree) {
        if (ended) {
            throw new IllegalStateException("the writer of generation " + generation + " has ended");
        }
        NodeRef root = tree.rootRef();
        if (root != null) {
            write(tree, root);
        }
        return tree.root();
    }

    private void write(Tree tree, NodeRef ref) {
        Node node = ref.held();
        if (node == null) {
            return;
        }
        NodePointer before = ref.pointer();
        if (before != null) {
            if (before.birth() != generation) {
                throw new IllegalStateException("the commit of generation " + before.birth() + " is still open");
            }
            return;
        }
        for (int i = 0; i < node.count && !node.isLeaf(); i++) {
            write(tree, node.children[i]);
        }
        long address = allocator.allocate();
        ByteBuffer buffer = sink.buffer();
        encode(tree, node, address, buffer);
        NodePointer pointer = new NodePointer(address, generation, sink.write(address, buffer));
        written.add(new Written(tree.context.cache(), ref, node, pointer));
        ref.written(pointer);
    }

    private void encode(Tree tree, Node node, long address, ByteBuffer buffer) {
        NodeLayout.Header header =
                new NodeLayout.Header(tree.treeId, node.level, generation, address, node.lower, node.upper);
        if (node.isLeaf()) {
            NodeLayout.encodeLeaf(buffer, header, node.keys, node.values, node.count);
        } else {
            NodeLayout.encodeInner(buffer, header, node.keys, node.pointers(), node.count);
        }
    }

    /** Nodes written so far. */
    public int nodes() {
        return written.size();
    }

    /** The nodes are durable and readable: hands them from the trees to the cache. */
    public void complete() {
        end();
        for (Written each : written) {
            each.cache.put(each.pointer, each.node);
            each.ref.release();
        }
        written.clear();
    }

    /** The commit failed: the next one writes the nodes anew, elsewhere. */
    public void abandon() {
        end();
        for (Written each : written) {
            each.ref.abandon();
        }
        written.clear();
    }

    private void end() {
        if (ended) {
            throw new IllegalStateException("the writer of generation " + generation + " has ended");
        }
        ended = true;
    }
}
