package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.sim.ModelOperation.Data;
import java.io.Serializable;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The inodes of a model volume. Applying an operation trusts that it was checked; the same operations in the same order
 * give the same state. Names and xattr values are byte strings held as ISO 8859-1.
 */
final class ModelState implements Serializable {
    private static final long serialVersionUID = 1L;

    static final int TYPE_MASK = 0170000;
    static final int DIRECTORY = 0040000;
    static final int REGULAR = 0100000;
    static final int SYMLINK = 0120000;
    static final int FIFO = 0010000;

    static final String REDUNDANCY_XATTR = "user.dynamicfs.redundancy";

    /** One inode. */
    static final class Node implements Serializable {
        private static final long serialVersionUID = 1L;

        final long inode;
        int mode;
        int uid;
        int gid;
        final int rdev;
        int links;

        /** Never had a name. */
        boolean unnamed;

        long accessed;
        long modified;
        long changed;
        long born;
        long parent;
        TreeMap<String, Long> children = new TreeMap<>();
        final @Nullable String target;
        TreeMap<String, String> xattrs = new TreeMap<>();
        FileContent content = FileContent.EMPTY;

        Node(long inode, int mode, int rdev, @Nullable String target) {
            this.inode = inode;
            this.mode = mode;
            this.rdev = rdev;
            this.target = target;
        }

        Node copy() {
            Node copy = new Node(inode, mode, rdev, target);
            copy.uid = uid;
            copy.gid = gid;
            copy.links = links;
            copy.unnamed = unnamed;
            copy.accessed = accessed;
            copy.modified = modified;
            copy.changed = changed;
            copy.born = born;
            copy.parent = parent;
            copy.children = new TreeMap<>(children);
            copy.xattrs = new TreeMap<>(xattrs);
            copy.content = content;
            return copy;
        }

        int type() {
            return mode & TYPE_MASK;
        }

        boolean isDirectory() {
            return type() == DIRECTORY;
        }

        boolean isRegular() {
            return type() == REGULAR;
        }
    }

    private final TreeMap<Long, Node> nodes = new TreeMap<>();

    /** A volume with nothing but its root directory. */
    static ModelState fresh(long time) {
        ModelState state = new ModelState();
        Node root = new Node(PosixVolume.ROOT_INODE, DIRECTORY | 0755, 0, null);
        root.links = 2;
        root.parent = root.inode;
        root.accessed = time;
        root.modified = time;
        root.changed = time;
        root.born = time;
        state.nodes.put(root.inode, root);
        return state;
    }

    ModelState copy() {
        ModelState copy = new ModelState();
        nodes.forEach((inode, node) -> copy.nodes.put(inode, node.copy()));
        return copy;
    }

    @Nullable
    Node find(long inode) {
        return nodes.get(inode);
    }

    Node node(long inode) {
        Node node = nodes.get(inode);
        if (node == null) {
            throw new IllegalStateException("the model has no inode " + inode);
        }
        return node;
    }

    Iterable<Node> all() {
        return nodes.values();
    }

    int count() {
        return nodes.size();
    }

    long maxInode() {
        return nodes.lastKey();
    }

    void remove(long inode) {
        nodes.remove(inode);
    }

    /** Inodes that have a path from the root, the root included. */
    Set<Long> reachable() {
        Set<Long> seen = new HashSet<>();
        collect(PosixVolume.ROOT_INODE, seen);
        return seen;
    }

    private void collect(long inode, Set<Long> seen) {
        if (seen.add(inode)) {
            for (long child : node(inode).children.values()) {
                collect(child, seen);
            }
        }
    }

    /** Drops what is neither reachable nor in {@code kept}. */
    void prune(Set<Long> kept) {
        Set<Long> reachable = reachable();
        nodes.keySet().removeIf(inode -> !reachable.contains(inode) && !kept.contains(inode));
    }

    void apply(ModelOperation operation) {
        switch (operation) {
            case ModelOperation.Make make -> make(make);
            case ModelOperation.MakeUnnamed make -> makeUnnamed(make);
            case ModelOperation.Link link -> {
                Node node = node(link.inode());
                node.links++;
                node.unnamed = false;
                node.changed = link.time();
                addEntry(node(link.directory()), link.name(), link.inode(), link.time());
            }
            case ModelOperation.Unlink unlink ->
                dropLink(removeEntry(node(unlink.directory()), unlink.name(), unlink.time()), unlink.time());
            case ModelOperation.RemoveDirectory remove -> {
                Node parent = node(remove.directory());
                Node node = removeEntry(parent, remove.name(), remove.time());
                parent.links--;
                node.links = 0;
                node.changed = remove.time();
            }
            case ModelOperation.Rename rename -> rename(rename);
            case ModelOperation.Change change -> change(change);
            case ModelOperation.SetXattr set -> {
                Node node = node(set.inode());
                node.xattrs.put(set.name(), set.value());
                node.changed = set.time();
            }
            case ModelOperation.RemoveXattr remove -> {
                Node node = node(remove.inode());
                node.xattrs.remove(remove.name());
                node.changed = remove.time();
            }
            case Data data -> {
                Node node = node(data.inode());
                node.content = data.applyTo(node.content);
                node.modified = data.time();
                node.changed = data.time();
            }
        }
    }

    private void makeUnnamed(ModelOperation.MakeUnnamed make) {
        Node node = new Node(make.inode(), REGULAR | make.mode(), 0, null);
        node.uid = make.uid();
        node.gid = make.gid();
        node.accessed = make.time();
        node.modified = make.time();
        node.changed = make.time();
        node.born = make.time();
        node.unnamed = true;
        String inherited = node(make.directory()).xattrs.get(REDUNDANCY_XATTR);
        if (inherited != null) {
            node.xattrs.put(REDUNDANCY_XATTR, inherited);
        }
        nodes.put(make.inode(), node);
    }

    private void make(ModelOperation.Make make) {
        Node parent = node(make.directory());
        Node node = new Node(make.inode(), make.mode(), make.rdev(), make.target());
        node.uid = make.uid();
        node.gid = make.gid();
        node.accessed = make.time();
        node.modified = make.time();
        node.changed = make.time();
        node.born = make.time();
        node.links = node.isDirectory() ? 2 : 1;
        node.parent = make.directory();
        String inherited = parent.xattrs.get(REDUNDANCY_XATTR);
        if (inherited != null && (node.isDirectory() || node.isRegular())) {
            node.xattrs.put(REDUNDANCY_XATTR, inherited);
        }
        nodes.put(make.inode(), node);
        addEntry(parent, make.name(), make.inode(), make.time());
        if (node.isDirectory()) {
            parent.links++;
        }
    }

    private void rename(ModelOperation.Rename rename) {
        Node from = node(rename.directory());
        Node to = node(rename.newDirectory());
        Node moved = child(from, rename.name());
        Long other = to.children.get(rename.newName());
        if (other != null && other == moved.inode) {
            return;
        }
        removeEntry(from, rename.name(), rename.time());
        Node displaced = other == null ? null : removeEntry(to, rename.newName(), rename.time());
        moved.changed = rename.time();
        place(moved, from, to, rename);
        addEntry(to, rename.newName(), moved.inode, rename.time());
        if (displaced == null) {
            return;
        }
        if (rename.exchange()) {
            displaced.changed = rename.time();
            place(displaced, to, from, rename);
            addEntry(from, rename.name(), displaced.inode, rename.time());
        } else if (displaced.isDirectory()) {
            to.links--;
            displaced.links = 0;
            displaced.changed = rename.time();
        } else {
            dropLink(displaced, rename.time());
        }
    }

    private static void place(Node moved, Node from, Node to, ModelOperation.Rename rename) {
        if (moved.isDirectory() && rename.directory() != rename.newDirectory()) {
            from.links--;
            to.links++;
            moved.parent = to.inode;
        }
    }

    private void change(ModelOperation.Change change) {
        Node node = node(change.inode());
        if (change.mode() != null) {
            node.mode = node.type() | change.mode();
        }
        if (change.uid() != null) {
            node.uid = change.uid();
        }
        if (change.gid() != null) {
            node.gid = change.gid();
        }
        if (change.accessed() != null) {
            node.accessed = change.accessed();
        }
        if (change.modified() != null) {
            node.modified = change.modified();
        }
        node.changed = change.time();
    }

    private Node child(Node directory, String name) {
        Long inode = directory.children.get(name);
        if (inode == null) {
            throw new IllegalStateException("the model has no name " + name + " in " + directory.inode);
        }
        return node(inode);
    }

    private static void addEntry(Node directory, String name, long inode, long time) {
        directory.children.put(name, inode);
        directory.modified = time;
        directory.changed = time;
    }

    private Node removeEntry(Node directory, String name, long time) {
        Node node = child(directory, name);
        directory.children.remove(name);
        directory.modified = time;
        directory.changed = time;
        return node;
    }

    private static void dropLink(Node node, long time) {
        node.links--;
        node.changed = time;
    }
}
