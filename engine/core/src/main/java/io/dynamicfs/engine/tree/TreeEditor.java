package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes the next version of a tree by path copying; lookups see its edits. One thread. Nodes it has made itself are changed in
 * place until {@link #build()}.
 *
 * <p>Invariants after each edit: every node but an empty tree's has an entry, every inner node two children, all entries fit.
 */
public final class TreeEditor extends TreeReader {
    private static final byte[] NO_KEY = new byte[0];
    /** Below this a node that lost an entry is merged with a neighbour or evened out with it. */
    static final int ENTRY_BYTES_MIN = NodeLayout.ENTRY_BYTES_MAX / 3;

    private final EditToken token = new EditToken();
    private final List<NodeRef> replaced = new ArrayList<>();
    private @Nullable NodeRef root;
    private long changes;
    private int newNodes;
    private State state = State.OPEN;

    /** The path to the leaf being changed: pathRefs[0] is the root; pathSlots[i] is the slot of pathRefs[i + 1]. */
    private final NodeRef[] pathRefs = new NodeRef[NodeLayout.LEVEL_MAX + 1];

    private final Node[] pathNodes = new Node[NodeLayout.LEVEL_MAX + 1];
    private final int[] pathSlots = new int[NodeLayout.LEVEL_MAX + 1];
    private int pathLength;

    private enum State {
        OPEN,
        BROKEN,
        BUILT
    }

    TreeEditor(Tree base) {
        super(base.context, base.treeId);
        this.root = base.rootRef();
    }

    @Override
    @Nullable
    NodeRef rootRef() {
        return root;
    }

    @Override
    long changes() {
        return changes;
    }

    /** Nodes of the coming version that this editor has made, each to be written unless replaced again. */
    public int newNodes() {
        return newNodes;
    }

    /**
     * Sets the value of a key. The arrays become the tree's. Throws {@link IllegalArgumentException} when one is too long
     * ({@link NodeLayout#KEY_BYTES_MAX}, {@link NodeLayout#VALUE_BYTES_MAX}).
     */
    public void put(byte[] key, byte[] value) {
        checkLength("key", key, NodeLayout.KEY_BYTES_MAX);
        checkLength("value", value, NodeLayout.VALUE_BYTES_MAX);
        checkOpen();
        NodeRef top = root;
        if (top == null) {
            root = made(Node.leaf(token, NO_KEY, null, new byte[][] {key}, new byte[][] {value}));
            changes++;
            return;
        }
        descend(top, key);
        int found = pathNodes[pathLength - 1].search(key);
        if (found >= 0 && Arrays.equals(pathNodes[pathLength - 1].values[found], value)) {
            return;
        }
        changes++;
        ownPath();
        Node leaf = pathNodes[pathLength - 1];
        int slot = found >= 0 ? found : -found - 1;
        if (found >= 0) {
            leaf.setValue(slot, value);
        } else {
            leaf.insertValue(slot, key, value);
        }
        splitUpward(pathLength - 1, slot);
    }

    /**
     * Removes a key; false when it is not there. When a neighbour of a shrunken node cannot be read, the exception leaves the
     * editor unusable: drop it.
     */
    public boolean remove(byte[] key) {
        checkOpen();
        NodeRef top = root;
        if (top == null) {
            return false;
        }
        descend(top, key);
        int found = pathNodes[pathLength - 1].search(key);
        if (found < 0) {
            return false;
        }
        changes++;
        ownPath();
        pathNodes[pathLength - 1].remove(found);
        state = State.BROKEN;
        rebalanceUpward();
        state = State.OPEN;
        return true;
    }

    /** Ends the editing: gives the new version and what it replaces. */
    public TreeEdit build() {
        checkOpen();
        state = State.BUILT;
        return new TreeEdit(new Tree(context, treeId, root), List.copyOf(replaced));
    }

    private void checkOpen() {
        if (state != State.OPEN) {
            throw new IllegalStateException(
                    state == State.BUILT
                            ? "the editor has built its version"
                            : "the editor met a corrupt node halfway through an edit");
        }
    }

    private static void checkLength(String what, byte[] bytes, int max) {
        if (bytes.length > max) {
            throw new IllegalArgumentException(
                    "a " + what + " has at most " + max + " bytes, this one has " + bytes.length);
        }
    }

    private void descend(NodeRef top, byte[] key) {
        Node node = context.root(treeId, top);
        pathRefs[0] = top;
        pathNodes[0] = node;
        pathLength = 1;
        while (!node.isLeaf()) {
            int slot = node.childSlot(key);
            pathSlots[pathLength - 1] = slot;
            pathRefs[pathLength] = node.children[slot];
            node = context.child(treeId, node, slot);
            pathNodes[pathLength] = node;
            pathLength++;
        }
    }

    /** Replaces the nodes of the path that are not this editor's own by copies that are. */
    private void ownPath() {
        for (int depth = 0; depth < pathLength; depth++) {
            if (pathNodes[depth].owner == token) {
                continue;
            }
            NodeRef before = pathRefs[depth];
            Node copy = pathNodes[depth].copy(token);
            NodeRef after = made(copy);
            replaced.add(before);
            pathNodes[depth] = copy;
            pathRefs[depth] = after;
            if (depth == 0) {
                root = after;
            } else {
                pathNodes[depth - 1].children[pathSlots[depth - 1]] = after;
            }
        }
    }

    private NodeRef made(Node node) {
        newNodes++;
        return new NodeRef(node);
    }

    /** Takes an edge out of the version: one of its own is forgotten, one of the version before is remembered. */
    private void drop(NodeRef ref, Node node) {
        if (node.owner == token) {
            newNodes--;
        } else {
            replaced.add(ref);
        }
    }

    /** Splits the path's node at {@code depth}, then its parents, as long as one overflows; {@code slot} is where it grew. */
    private void splitUpward(int depth, int slot) {
        int at = depth;
        int grown = slot;
        while (pathNodes[at].entryBytes > NodeLayout.ENTRY_BYTES_MAX) {
            Node full = pathNodes[at];
            int middle = splitPoint(full, grown);
            byte[] separator = separator(full, middle);
            NodeRef left = made(full.part(token, 0, middle, full.lower, separator));
            NodeRef right = made(full.part(token, middle, full.count, separator, full.upper));
            drop(pathRefs[at], full);
            if (at == 0) {
                root = made(Node.inner(
                        token,
                        full.level + 1,
                        full.lower,
                        full.upper,
                        new byte[][] {full.lower, separator},
                        new NodeRef[] {left, right}));
                return;
            }
            Node parent = pathNodes[at - 1];
            int parentSlot = pathSlots[at - 1];
            parent.children[parentSlot] = left;
            parent.insertChild(parentSlot + 1, separator, right);
            at--;
            grown = parentSlot + 1;
        }
    }

    /**
     * Keys that come in order leave full nodes behind: at the end of a node only the newest entry (two children) moves to the
     * right; at the end of a group of keys, as of a file that grows, what follows the group does.
     */
    private static int splitPoint(Node full, int grown) {
        int fewest = full.isLeaf() ? 1 : 2;
        int middle = -1;
        if (grown == full.count - 1) {
            middle = full.count - fewest;
        } else if (grown > 0 && endsGroup(full, grown)) {
            middle = full.entryBytes(0, grown + 1) <= NodeLayout.ENTRY_BYTES_MAX ? grown + 1 : grown;
        }
        boolean possible = middle >= fewest
                && middle <= full.count - fewest
                && full.entryBytes(0, middle) <= NodeLayout.ENTRY_BYTES_MAX
                && full.entryBytes(middle, full.count) <= NodeLayout.ENTRY_BYTES_MAX;
        return possible ? middle : evenSplit(full);
    }

    /** Whether the key has more in common with the one before, and with the next only what all keys of the node have. */
    private static boolean endsGroup(Node node, int slot) {
        int all = common(node.keys[0], node.keys[node.count - 1]);
        return common(node.keys[slot], node.keys[slot + 1]) == all
                && common(node.keys[slot - 1], node.keys[slot]) > all;
    }

    private static int common(byte[] one, byte[] other) {
        int mismatch = Arrays.mismatch(one, other);
        return mismatch < 0 ? one.length : mismatch;
    }

    private static int evenSplit(Node full) {
        int fewest = full.isLeaf() ? 1 : 2;
        int left = full.entryBytes(0, fewest);
        int middle = fewest;
        while (middle < full.count - fewest && 2 * left + full.entryBytes(middle) <= full.entryBytes) {
            left += full.entryBytes(middle);
            middle++;
        }
        return middle;
    }

    /** The shortest key above entry {@code middle - 1} and not above entry {@code middle}. */
    private static byte[] separator(Node node, int middle) {
        byte[] right = node.keys[middle];
        if (!node.isLeaf()) {
            return right;
        }
        int common = Arrays.mismatch(node.keys[middle - 1], right);
        return common + 1 == right.length ? right : Arrays.copyOf(right, common + 1);
    }

    /** Repairs the path from the leaf, which lost an entry, up to the root. */
    private void rebalanceUpward() {
        for (int depth = pathLength - 1; depth > 0; depth--) {
            if (pathNodes[depth].entryBytes < ENTRY_BYTES_MIN) {
                rebalance(depth);
            } else if (pathNodes[depth].entryBytes > NodeLayout.ENTRY_BYTES_MAX) {
                splitUpward(depth, -1);
                return;
            }
        }
        splitUpward(0, -1);
        collapseRoot();
    }

    /** Merges the path's node at {@code depth} with a neighbour, or evens both out; the parent then may be too small or large. */
    private void rebalance(int depth) {
        Node parent = pathNodes[depth - 1];
        int slot = pathSlots[depth - 1];
        int leftSlot = slot > 0 ? slot - 1 : slot;
        NodeRef leftRef = parent.children[leftSlot];
        NodeRef rightRef = parent.children[leftSlot + 1];
        Node left = context.child(treeId, parent, leftSlot);
        Node right = context.child(treeId, parent, leftSlot + 1);
        Node both = left.concat(token, right);
        drop(leftRef, left);
        drop(rightRef, right);
        if (both.entryBytes <= NodeLayout.ENTRY_BYTES_MAX) {
            parent.children[leftSlot] = made(both);
            parent.remove(leftSlot + 1);
            return;
        }
        int middle = evenSplit(both);
        byte[] separator = separator(both, middle);
        parent.children[leftSlot] = made(both.part(token, 0, middle, both.lower, separator));
        parent.children[leftSlot + 1] = made(both.part(token, middle, both.count, separator, both.upper));
        parent.setKey(leftSlot + 1, separator);
    }

    private void collapseRoot() {
        NodeRef top = root;
        while (top != null) {
            Node node = context.root(treeId, top);
            NodeRef below;
            if (node.count == 0) {
                below = null;
            } else if (node.count == 1 && !node.isLeaf()) {
                below = node.children[0];
            } else {
                return;
            }
            drop(top, node);
            root = below;
            top = below;
        }
    }
}
