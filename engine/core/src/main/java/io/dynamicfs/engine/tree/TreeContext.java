package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the trees of a pool share: the store of written nodes and the cache before it. */
public record TreeContext(NodeStore store, NodeCache cache) {
    private static final byte[] NO_KEY = new byte[0];

    Node root(long treeId, NodeRef ref) {
        Node held = ref.held();
        return held != null ? held : fetch(treeId, pointer(ref), null, 0);
    }

    Node child(long treeId, Node parent, int slot) {
        NodeRef ref = parent.children[slot];
        Node held = ref.held();
        return held != null ? held : fetch(treeId, pointer(ref), parent, slot);
    }

    private static NodePointer pointer(NodeRef ref) {
        return Objects.requireNonNull(ref.pointer(), "an edge holds a node or a pointer");
    }

    private Node fetch(long treeId, NodePointer pointer, @Nullable Node parent, int slot) {
        Node cached = cache.get(pointer);
        return cached != null ? cached : cache.put(pointer, load(treeId, pointer, parent, slot));
    }

    /** Reads and checks a node past the cache: its own consistency, and that it is the one its parent means. */
    Node load(long treeId, NodePointer pointer, @Nullable Node parent, int slot) {
        return switch (NodeLayout.decode(store.load(pointer))) {
            case NodeLayout.Leaf leaf -> {
                check(treeId, pointer, parent, slot, leaf.header());
                NodeLayout.Header header = leaf.header();
                yield Node.leaf(null, header.lower(), header.upper(), leaf.keys(), leaf.values());
            }
            case NodeLayout.Inner inner -> {
                check(treeId, pointer, parent, slot, inner.header());
                NodeLayout.Header header = inner.header();
                NodeRef[] children =
                        Arrays.stream(inner.children()).map(NodeRef::new).toArray(NodeRef[]::new);
                yield Node.inner(null, header.level(), header.lower(), header.upper(), inner.keys(), children);
            }
            case NodeLayout.OtherVersion other ->
                throw corrupt(treeId, pointer, "format version " + NodeLayout.VERSION, "version " + other.version());
            case NodeLayout.Corrupt corrupt -> throw corrupt(treeId, pointer, corrupt.expected(), corrupt.actual());
        };
    }

    private static void check(
            long treeId, NodePointer pointer, @Nullable Node parent, int slot, NodeLayout.Header header) {
        int level = parent == null ? header.level() : parent.level - 1;
        byte[] lower = parent == null ? NO_KEY : parent.keys[slot];
        byte[] upper = parent == null ? null : parent.childUpper(slot);
        if (header.treeId() != treeId) {
            throw corrupt(treeId, pointer, "tree " + treeId, "tree " + header.treeId());
        }
        if (header.address() != pointer.address()) {
            throw corrupt(treeId, pointer, "address " + pointer.address(), "address " + header.address());
        }
        if (header.birth() != pointer.birth()) {
            throw corrupt(treeId, pointer, "generation " + pointer.birth(), "generation " + header.birth());
        }
        if (header.level() != level) {
            throw corrupt(treeId, pointer, "level " + level, "level " + header.level());
        }
        if (!Arrays.equals(header.lower(), lower) || !Arrays.equals(header.upper(), upper)) {
            throw corrupt(
                    treeId, pointer, "keys " + range(lower, upper), "keys " + range(header.lower(), header.upper()));
        }
    }

    private static CorruptNodeException corrupt(long treeId, NodePointer pointer, String expected, String actual) {
        String resource = "node %d:%d of tree %d, written in generation %d"
                .formatted(pointer.chunk(), pointer.slot(), treeId, pointer.birth());
        return new CorruptNodeException(resource, expected, actual);
    }

    private static String range(byte[] lower, byte @Nullable [] upper) {
        HexFormat hex = HexFormat.of();
        return "[" + hex.formatHex(lower) + ", " + (upper == null ? "end" : hex.formatHex(upper)) + ")";
    }
}
