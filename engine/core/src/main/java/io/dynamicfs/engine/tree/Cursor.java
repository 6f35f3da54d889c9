package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Stands before the first entry of a range; {@link #next()} moves on. Over an editor it sees what was put or removed ahead of
 * it since the last move. One thread; a move that threw {@link CorruptNodeException} may be tried again.
 */
public final class Cursor {
    private final TreeReader reader;
    private final boolean forward;
    private final byte[] from;
    private final byte @Nullable [] to;
    private final boolean toInclusive;

    /** The path to the entry: nodes[0] is the root, nodes[depth - 1] the leaf. */
    private final @Nullable Node[] nodes = new Node[NodeLayout.LEVEL_MAX + 1];

    private final int[] slots = new int[NodeLayout.LEVEL_MAX + 1];
    private int depth;
    private boolean placed;
    private long changesSeen;
    private byte @Nullable [] key;
    private byte @Nullable [] value;
    private boolean ended;

    private Cursor(TreeReader reader, boolean forward, byte[] from, byte @Nullable [] to, boolean toInclusive) {
        this.reader = reader;
        this.forward = forward;
        this.from = from;
        this.to = to;
        this.toInclusive = toInclusive;
    }

    static Cursor forward(TreeReader reader, byte[] from, byte @Nullable [] toExclusive) {
        return new Cursor(reader, true, from, toExclusive, false);
    }

    static Cursor backward(TreeReader reader, byte[] from, byte @Nullable [] toExclusive) {
        return new Cursor(reader, false, from, toExclusive, false);
    }

    static Cursor atOrBelow(TreeReader reader, byte[] to) {
        return new Cursor(reader, false, new byte[0], to, true);
    }

    /** Moves to the next entry; false at the end of the range, from then on. */
    public boolean next() {
        if (ended) {
            return false;
        }
        boolean current = placed && changesSeen == reader.changes();
        boolean there = current ? step() : seek();
        if (there) {
            Node leaf = node(depth - 1);
            byte[] at = leaf.keys[slots[depth - 1]];
            there = within(at);
            key = at;
            value = leaf.values[slots[depth - 1]];
        }
        if (!there) {
            ended = true;
            key = null;
            value = null;
            Arrays.fill(nodes, null);
        }
        return there;
    }

    /** The key of the entry that the last {@link #next()} moved to. */
    public byte[] key() {
        return present(key);
    }

    public byte[] value() {
        return present(value);
    }

    Map.@Nullable Entry<byte[], byte[]> nextEntry() {
        return next() ? Map.entry(key(), value()) : null;
    }

    private static byte[] present(byte @Nullable [] bytes) {
        if (bytes == null) {
            throw new IllegalStateException("the cursor is not at an entry");
        }
        return bytes;
    }

    private boolean within(byte[] at) {
        if (forward) {
            return to == null || Arrays.compareUnsigned(at, to) < 0;
        }
        return Arrays.compareUnsigned(at, from) >= 0;
    }

    private boolean step() {
        placed = false;
        slots[depth - 1] += forward ? 1 : -1;
        placed = settle();
        return placed;
    }

    /** Descends anew to the entry behind the current one, or to the first of the range. */
    private boolean seek() {
        placed = false;
        changesSeen = reader.changes();
        NodeRef root = reader.rootRef();
        if (root == null) {
            return false;
        }
        byte[] bound = key != null ? key : forward ? from : to;
        boolean inclusive = key == null && (forward || toInclusive);
        depth = 0;
        Node node = reader.context.root(reader.treeId, root);
        while (!node.isLeaf()) {
            int slot = bound == null ? node.count - 1 : node.childSlot(bound);
            push(node, slot);
            node = reader.context.child(reader.treeId, node, slot);
        }
        push(node, bound == null ? node.count - 1 : leafSlot(node, bound, inclusive));
        placed = settle();
        return placed;
    }

    private int leafSlot(Node leaf, byte[] bound, boolean inclusive) {
        int found = leaf.search(bound);
        if (found >= 0) {
            return inclusive ? found : forward ? found + 1 : found - 1;
        }
        int above = -found - 1;
        return forward ? above : above - 1;
    }

    /** Leaves a leaf whose end was passed for its neighbour; false at the edge of the tree. */
    private boolean settle() {
        int slot = slots[depth - 1];
        if (slot >= 0 && slot < node(depth - 1).count) {
            return true;
        }
        int level = depth - 2;
        while (level >= 0 && slots[level] == (forward ? node(level).count - 1 : 0)) {
            level--;
        }
        if (level < 0) {
            return false;
        }
        slots[level] += forward ? 1 : -1;
        depth = level + 1;
        Node node = node(level);
        while (!node.isLeaf()) {
            node = reader.context.child(reader.treeId, node, slots[depth - 1]);
            push(node, forward ? 0 : node.count - 1);
        }
        return true;
    }

    private void push(Node node, int slot) {
        nodes[depth] = node;
        slots[depth] = slot;
        depth++;
    }

    private Node node(int level) {
        Node node = nodes[level];
        if (node == null) {
            throw new IllegalStateException("no node at depth " + level);
        }
        return node;
    }
}
