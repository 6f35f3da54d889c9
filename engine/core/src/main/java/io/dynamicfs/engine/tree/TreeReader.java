package io.dynamicfs.engine.tree;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lookups in one version of a tree, or in an editor's own. Keys compare as unsigned bytes; arrays that are handed out belong to
 * the tree and must not be changed. A lookup may throw {@link CorruptNodeException}.
 */
public abstract sealed class TreeReader permits Tree, TreeEditor {
    final TreeContext context;
    final long treeId;

    TreeReader(TreeContext context, long treeId) {
        this.context = context;
        this.treeId = treeId;
    }

    public final long treeId() {
        return treeId;
    }

    /** The root now, or null of an empty tree. */
    abstract @Nullable NodeRef rootRef();

    /** Grows with every change, so that a cursor notices that its place is no longer valid. */
    abstract long changes();

    public final byte @Nullable [] get(byte[] key) {
        NodeRef root = rootRef();
        if (root == null) {
            return null;
        }
        Node node = context.root(treeId, root);
        while (!node.isLeaf()) {
            node = context.child(treeId, node, node.childSlot(key));
        }
        int found = node.search(key);
        return found < 0 ? null : node.values[found];
    }

    public final boolean isEmpty() {
        return rootRef() == null;
    }

    /** The entry with the greatest key that is at most {@code key}. */
    public final Map.@Nullable Entry<byte[], byte[]> floor(byte[] key) {
        return Cursor.atOrBelow(this, key).nextEntry();
    }

    /** The entry with the least key that is at least {@code key}. */
    public final Map.@Nullable Entry<byte[], byte[]> ceiling(byte[] key) {
        return scan(key, null).nextEntry();
    }

    /** The entry with the greatest key. */
    public final Map.@Nullable Entry<byte[], byte[]> last() {
        return scanBackward(new byte[0], null).nextEntry();
    }

    /** All entries of {@code [from, toExclusive)} upwards; null as the end is that of the tree. */
    public final Cursor scan(byte[] from, byte @Nullable [] toExclusive) {
        return Cursor.forward(this, from, toExclusive);
    }

    /** All entries of {@code [from, toExclusive)} downwards; null as the end is that of the tree. */
    public final Cursor scanBackward(byte[] from, byte @Nullable [] toExclusive) {
        return Cursor.backward(this, from, toExclusive);
    }
}
