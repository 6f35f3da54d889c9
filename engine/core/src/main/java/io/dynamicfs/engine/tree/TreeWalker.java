package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Visits all nodes of a written version, parents first and in key order, past the cache where they are not in it. */
public final class TreeWalker {
    private TreeWalker() {}

    /** What is told of the nodes on the way. {@code lower} is inclusive, {@code upper} exclusive and null at the right edge. */
    public interface Visitor {
        /**
         * A node that the tree refers to, before it is read (the root, whose level only it knows itself, after). False skips
         * it and what is below it, as for a subtree that is older than a generation.
         */
        boolean reached(NodePointer pointer, int level, byte[] lower, byte @Nullable [] upper);

        /** A node that cannot be read or is not what it should be; what is below it is not visited. */
        void unreadable(NodePointer pointer, byte[] lower, byte @Nullable [] upper, CorruptNodeException reason);
    }

    /** Counts of a version; {@code entryBytes} is what the entries of the leaves take on disk. */
    public record Shape(int levels, long innerNodes, long leaves, long entries, long entryBytes) {}

    /** Walks a version that is not dirty. */
    public static void walk(Tree tree, Visitor visitor) {
        NodePointer pointer = tree.root();
        if (pointer.isNone()) {
            return;
        }
        byte[] lower = new byte[0];
        Node root;
        try {
            root = load(tree, pointer, null, 0);
        } catch (CorruptNodeException e) {
            visitor.unreadable(pointer, lower, null, e);
            return;
        }
        if (visitor.reached(pointer, root.level, lower, null)) {
            walkChildren(tree, root, visitor);
        }
    }

    private static void walkChildren(Tree tree, Node parent, Visitor visitor) {
        for (int slot = 0; slot < parent.count && !parent.isLeaf(); slot++) {
            NodePointer pointer = parent.children[slot].pointer();
            if (pointer == null) {
                throw new IllegalStateException("a written node has an unwritten child");
            }
            byte[] lower = parent.keys[slot];
            byte[] upper = parent.childUpper(slot);
            if (!visitor.reached(pointer, parent.level - 1, lower, upper)) {
                continue;
            }
            Node child;
            try {
                child = load(tree, pointer, parent, slot);
            } catch (CorruptNodeException e) {
                visitor.unreadable(pointer, lower, upper, e);
                continue;
            }
            walkChildren(tree, child, visitor);
        }
    }

    private static Node load(Tree tree, NodePointer pointer, @Nullable Node parent, int slot) {
        Node cached = tree.context.cache().get(pointer);
        return cached != null ? cached : tree.context.load(tree.treeId, pointer, parent, slot);
    }

    /** Checks every node of a version, dirty or not; throws {@link CorruptNodeException} at the first that breaks a rule. */
    public static Shape verify(Tree tree) {
        NodeRef ref = tree.rootRef();
        if (ref == null) {
            return new Shape(0, 0, 0, 0, 0);
        }
        Node root = tree.context.root(tree.treeId, ref);
        return verify(tree, root, root.level, new byte[0], null);
    }

    private static Shape verify(Tree tree, Node node, int level, byte[] lower, byte @Nullable [] upper) {
        String resource = "a level " + level + " node of tree " + tree.treeId;
        check(resource, node.level == level, "level " + level, node.level);
        check(
                resource,
                Arrays.equals(node.lower, lower) && Arrays.equals(node.upper, upper),
                "the fences that its parent says",
                "others");
        check(resource, node.count >= (node.isLeaf() ? 1 : 2), "entries", node.count);
        check(resource, node.entryBytes == node.entryBytes(0, node.count), "its size", node.entryBytes);
        check(
                resource,
                node.entryBytes <= NodeLayout.ENTRY_BYTES_MAX,
                "entries of at most " + NodeLayout.ENTRY_BYTES_MAX + " bytes",
                node.entryBytes);
        for (int i = 0; i < node.count; i++) {
            byte[] key = node.keys[i];
            boolean above = i == 0
                    ? Arrays.compareUnsigned(lower, key) <= 0
                    : Arrays.compareUnsigned(node.keys[i - 1], key) < 0;
            boolean below = upper == null || Arrays.compareUnsigned(key, upper) < 0;
            check(resource, above && below, "keys that ascend within the fences", "key " + i);
        }
        if (node.isLeaf()) {
            return new Shape(1, 0, 1, node.count, node.entryBytes);
        }
        check(resource, Arrays.equals(node.keys[0], lower), "its lower fence as first key", "another");
        long innerNodes = 1;
        long leaves = 0;
        long entries = 0;
        long entryBytes = 0;
        for (int slot = 0; slot < node.count; slot++) {
            Node child = tree.context.child(tree.treeId, node, slot);
            Shape below = verify(tree, child, level - 1, node.keys[slot], node.childUpper(slot));
            innerNodes += below.innerNodes;
            leaves += below.leaves;
            entries += below.entries;
            entryBytes += below.entryBytes;
        }
        return new Shape(level + 1, innerNodes, leaves, entries, entryBytes);
    }

    private static void check(String resource, boolean held, String expected, Object actual) {
        if (!held) {
            throw new CorruptNodeException(resource, expected, actual.toString());
        }
    }
}
