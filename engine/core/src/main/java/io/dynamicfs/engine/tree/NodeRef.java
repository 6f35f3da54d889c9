package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodePointer;
import org.jspecify.annotations.Nullable;

/**
 * The edge to a node, shared by all tree versions that contain it. It is dirty (node, no pointer), then written (both), then
 * clean (pointer; the node is in the cache or the store). Readers look at {@code node} first: it is only cleared after the
 * pointer has become final, so they need no lock.
 */
public final class NodeRef {
    private volatile @Nullable Node node;
    private volatile @Nullable NodePointer pointer;

    NodeRef(Node node) {
        this.node = node;
    }

    NodeRef(NodePointer pointer) {
        this.pointer = pointer;
    }

    /** Where the node was written, or null when it never was (or its commit was abandoned). */
    public @Nullable NodePointer pointer() {
        return pointer;
    }

    public boolean isDirty() {
        return pointer == null;
    }

    /** The node while this edge holds it itself. */
    @Nullable
    Node held() {
        return node;
    }

    void written(NodePointer at) {
        pointer = at;
    }

    void release() {
        node = null;
    }

    void abandon() {
        pointer = null;
    }
}
