package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodePointer;
import org.jspecify.annotations.Nullable;

/** One immutable version of a tree. Any number of threads may read it while the next version is edited or this one written. */
public final class Tree extends TreeReader {
    private final @Nullable NodeRef root;

    Tree(TreeContext context, long treeId, @Nullable NodeRef root) {
        super(context, treeId);
        this.root = root;
    }

    public static Tree empty(TreeContext context, long treeId) {
        return new Tree(context, treeId, (NodeRef) null);
    }

    /** The tree that was written with this root; {@link NodePointer#NONE} is the empty one. Reads nothing yet. */
    public static Tree at(TreeContext context, long treeId, NodePointer root) {
        return new Tree(context, treeId, root.isNone() ? null : new NodeRef(root));
    }

    /** Starts the next version; an editor that is dropped leaves nothing behind. */
    public TreeEditor edit() {
        return new TreeEditor(this);
    }

    public boolean isDirty() {
        return root != null && root.isDirty();
    }

    /** Where the root was written; {@link NodePointer#NONE} of an empty tree. Throws when the tree is dirty. */
    public NodePointer root() {
        if (root == null) {
            return NodePointer.NONE;
        }
        NodePointer pointer = root.pointer();
        if (pointer == null) {
            throw new IllegalStateException("tree " + treeId + " has not been written");
        }
        return pointer;
    }

    /** How many nodes writing this version would write; visits the dirty ones. */
    public int dirtyNodes() {
        return root == null ? 0 : dirtyNodes(root);
    }

    private static int dirtyNodes(NodeRef ref) {
        Node node = ref.held();
        if (!ref.isDirty() || node == null) {
            return 0;
        }
        int dirty = 1;
        for (int i = 0; i < node.count && !node.isLeaf(); i++) {
            dirty += dirtyNodes(node.children[i]);
        }
        return dirty;
    }

    @Override
    @Nullable
    NodeRef rootRef() {
        return root;
    }

    @Override
    long changes() {
        return 0;
    }
}
