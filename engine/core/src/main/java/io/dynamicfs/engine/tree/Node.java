package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A node in memory. Only the editor whose token it carries changes it, and only until that editor has built its version. Key
 * {@code i} of an inner node is the lower fence of child {@code i}; key 0 is the node's own.
 */
final class Node {
    private static final byte[][] NO_VALUES = new byte[0][];
    private static final NodeRef[] NO_CHILDREN = new NodeRef[0];
    private static final int ARRAY_HEAP_BYTES = 16;
    private static final int OBJECT_HEAP_BYTES = 96;
    /** A reference in the array, the NodeRef, its pointer and digest. */
    private static final int CHILD_HEAP_BYTES = 4 + 24 + 32 + 48;

    private static final int SPARE = 8;

    final int level;
    final @Nullable EditToken owner;
    final byte[] lower;
    final byte @Nullable [] upper;
    byte[][] keys;
    byte[][] values;
    NodeRef[] children;
    int count;
    int entryBytes;

    private Node(
            int level,
            @Nullable EditToken owner,
            byte[] lower,
            byte @Nullable [] upper,
            byte[][] keys,
            byte[][] values,
            NodeRef[] children,
            int count) {
        this.level = level;
        this.owner = owner;
        this.lower = lower;
        this.upper = upper;
        this.keys = keys;
        this.values = values;
        this.children = children;
        this.count = count;
        this.entryBytes = entryBytes(0, count);
    }

    static Node leaf(@Nullable EditToken owner, byte[] lower, byte @Nullable [] upper, byte[][] keys, byte[][] values) {
        return new Node(0, owner, lower, upper, keys, values, NO_CHILDREN, keys.length);
    }

    static Node inner(
            @Nullable EditToken owner,
            int level,
            byte[] lower,
            byte @Nullable [] upper,
            byte[][] keys,
            NodeRef[] children) {
        return new Node(level, owner, lower, upper, keys, NO_VALUES, children, keys.length);
    }

    boolean isLeaf() {
        return level == 0;
    }

    /** Bytes of the entries {@code [from, to)} on disk. */
    int entryBytes(int from, int to) {
        int bytes = 0;
        for (int i = from; i < to; i++) {
            bytes += entryBytes(i);
        }
        return bytes;
    }

    int entryBytes(int i) {
        return isLeaf() ? NodeLayout.leafEntryBytes(keys[i], values[i]) : NodeLayout.innerEntryBytes(keys[i]);
    }

    /** The index of {@code key}, or {@code -(insertion point) - 1}. */
    int search(byte[] key) {
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = Arrays.compareUnsigned(keys[middle], key);
            if (order == 0) {
                return middle;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -low - 1;
    }

    /** The child whose range holds {@code key}. */
    int childSlot(byte[] key) {
        int found = search(key);
        return found >= 0 ? found : Math.max(0, -found - 2);
    }

    /** The exclusive upper fence of child {@code slot}. */
    byte @Nullable [] childUpper(int slot) {
        return slot + 1 < count ? keys[slot + 1] : upper;
    }

    Node copy(EditToken newOwner) {
        int room = count + SPARE;
        return new Node(
                level,
                newOwner,
                lower,
                upper,
                Arrays.copyOf(keys, room),
                isLeaf() ? Arrays.copyOf(values, room) : NO_VALUES,
                isLeaf() ? NO_CHILDREN : Arrays.copyOf(children, room),
                count);
    }

    /** A new node of the entries {@code [from, to)} between new fences. */
    Node part(EditToken newOwner, int from, int to, byte[] newLower, byte @Nullable [] newUpper) {
        int room = to - from + SPARE;
        return new Node(
                level,
                newOwner,
                newLower,
                newUpper,
                Arrays.copyOf(Arrays.copyOfRange(keys, from, to), room),
                isLeaf() ? Arrays.copyOf(Arrays.copyOfRange(values, from, to), room) : NO_VALUES,
                isLeaf() ? NO_CHILDREN : Arrays.copyOf(Arrays.copyOfRange(children, from, to), room),
                to - from);
    }

    /** The entries of this node followed by those of its right neighbour; may be too large for one node. */
    Node concat(EditToken newOwner, Node right) {
        int total = count + right.count;
        byte[][] allKeys = Arrays.copyOf(keys, total);
        System.arraycopy(right.keys, 0, allKeys, count, right.count);
        byte[][] allValues = NO_VALUES;
        NodeRef[] allChildren = NO_CHILDREN;
        if (isLeaf()) {
            allValues = Arrays.copyOf(values, total);
            System.arraycopy(right.values, 0, allValues, count, right.count);
        } else {
            allChildren = Arrays.copyOf(children, total);
            System.arraycopy(right.children, 0, allChildren, count, right.count);
        }
        return new Node(level, newOwner, lower, right.upper, allKeys, allValues, allChildren, total);
    }

    void insertValue(int at, byte[] key, byte[] value) {
        makeRoom();
        System.arraycopy(keys, at, keys, at + 1, count - at);
        System.arraycopy(values, at, values, at + 1, count - at);
        keys[at] = key;
        values[at] = value;
        count++;
        entryBytes += entryBytes(at);
    }

    void setValue(int at, byte[] value) {
        entryBytes += value.length - values[at].length;
        values[at] = value;
    }

    void insertChild(int at, byte[] key, NodeRef child) {
        makeRoom();
        System.arraycopy(keys, at, keys, at + 1, count - at);
        System.arraycopy(children, at, children, at + 1, count - at);
        keys[at] = key;
        children[at] = child;
        count++;
        entryBytes += entryBytes(at);
    }

    void setKey(int at, byte[] key) {
        entryBytes += key.length - keys[at].length;
        keys[at] = key;
    }

    void remove(int at) {
        entryBytes -= entryBytes(at);
        removeFrom(keys, at);
        removeFrom(isLeaf() ? values : children, at);
        count--;
    }

    private void removeFrom(@Nullable Object[] array, int at) {
        System.arraycopy(array, at + 1, array, at, count - at - 1);
        array[count - 1] = null;
    }

    private void makeRoom() {
        if (count == keys.length) {
            int room = count + count / 2 + SPARE;
            keys = Arrays.copyOf(keys, room);
            if (isLeaf()) {
                values = Arrays.copyOf(values, room);
            } else {
                children = Arrays.copyOf(children, room);
            }
        }
    }

    /** About what the node takes on the heap, with its entries and edges. */
    long heapBytes() {
        byte[] above = upper;
        long bytes = OBJECT_HEAP_BYTES + arrayHeapBytes(lower) + (above == null ? 0 : arrayHeapBytes(above));
        bytes += 8L * keys.length;
        for (int i = 0; i < count; i++) {
            bytes += arrayHeapBytes(keys[i]) + (isLeaf() ? arrayHeapBytes(values[i]) : CHILD_HEAP_BYTES);
        }
        return bytes;
    }

    private static long arrayHeapBytes(byte[] array) {
        return ARRAY_HEAP_BYTES + ((array.length + 7L) & ~7L);
    }

    /** Children that have been written, in order. */
    NodePointer[] pointers() {
        NodePointer[] pointers = new NodePointer[count];
        for (int i = 0; i < count; i++) {
            NodePointer pointer = children[i].pointer();
            if (pointer == null) {
                throw new IllegalStateException("child " + i + " has not been written");
            }
            pointers[i] = pointer;
        }
        return pointers;
    }
}
