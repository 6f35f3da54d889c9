package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodePointer;
import org.jspecify.annotations.Nullable;

/** Clean nodes by pointer. The key is the whole pointer, so a reused address never finds the node that was there before. */
public final class NodeCache {
    private final BoundedCache<NodePointer, Node> nodes;

    public NodeCache(long bytesMax) {
        this.nodes = new BoundedCache<>(bytesMax, Node::heapBytes);
    }

    public BoundedCache.Statistics statistics() {
        return nodes.statistics();
    }

    /** Forgets everything. */
    public void clear() {
        nodes.clear();
    }

    @Nullable
    Node get(NodePointer pointer) {
        return nodes.get(pointer);
    }

    /** Adds the node and returns it, or the one that another thread has added before. */
    Node put(NodePointer pointer, Node node) {
        return nodes.put(pointer, node);
    }
}
