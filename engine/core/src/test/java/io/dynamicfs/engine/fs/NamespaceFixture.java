package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeHeader;
import io.dynamicfs.engine.syscall.Errno;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeCache;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeContext;
import io.dynamicfs.engine.tree.TreeEditor;
import io.dynamicfs.engine.tree.TreeReader;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A volume's tree in memory that is never written, with an editor on it and a clock that ticks once per operation. */
final class NamespaceFixture {
    static final long ROOT = PosixVolume.ROOT_INODE;
    static final ByteString NAME_KEY = ByteString.of("0123456789abcdef");
    static final int FILE = Inode.REGULAR | 0644;
    static final int DIRECTORY = Inode.DIRECTORY | 0755;

    final TreeEditor tree;
    final NamespaceEditor names;
    final NamespaceReader reader;
    private long nextInode = ROOT + 1;
    private long seconds = 1_000;

    NamespaceFixture() {
        this(NameHash.keyed(NAME_KEY));
    }

    NamespaceFixture(NameHash hash) {
        tree = emptyTree().edit();
        NamespaceEditor.initialize(
                tree, new VolumeHeader(NAME_KEY), new PosixVolume.Owner(0, 0), new Timestamp(seconds, 0));
        names = new NamespaceEditor(tree, hash);
        reader = names.reader();
    }

    private static Tree emptyTree() {
        TreeContext context = new TreeContext(
                pointer -> {
                    throw new AssertionError("nothing was written");
                },
                new NodeCache(0));
        return Tree.empty(context, 1);
    }

    Timestamp tick() {
        return new Timestamp(++seconds, 7);
    }

    long newInode() {
        return nextInode++;
    }

    NamespaceChange apply(Operation.Namespace operation) {
        try {
            return names.apply(operation);
        } catch (FsException refused) {
            throw new AssertionError(operation + " was refused: " + refused.getMessage(), refused);
        }
    }

    /** The answer "no", or null when the operation was applied. */
    @Nullable
    Errno refusal(Operation.Namespace operation) {
        try {
            names.apply(operation);
            return null;
        } catch (FsException refused) {
            return refused.errno();
        }
    }

    long make(long directory, String name, int mode) {
        return apply(new Operation.Make(directory, text(name), newInode(), mode, 0, 0, 0, tick()))
                .inode();
    }

    long directory(long parent, String name) {
        return make(parent, name, DIRECTORY);
    }

    long file(long parent, String name) {
        return make(parent, name, FILE);
    }

    long symlink(long parent, String name, String target) {
        return apply(new Operation.Symlink(parent, text(name), newInode(), text(target), 0, 0, tick()))
                .inode();
    }

    NamespaceChange link(long inode, long directory, String name) {
        return apply(new Operation.Link(inode, directory, text(name), tick()));
    }

    NamespaceChange unlink(long directory, String name) {
        return apply(new Operation.Unlink(directory, text(name), tick()));
    }

    NamespaceChange removeDirectory(long directory, String name) {
        return apply(new Operation.RemoveDirectory(directory, text(name), tick()));
    }

    NamespaceChange rename(long directory, String name, long newDirectory, String newName, int flags) {
        return apply(new Operation.Rename(directory, text(name), newDirectory, text(newName), flags, tick()));
    }

    void setXattr(long inode, String name, ByteString value) {
        apply(new Operation.SetXattr(inode, text(name), value, 0, tick()));
    }

    Inode inode(long number) {
        try {
            return reader.inode(number);
        } catch (FsException missing) {
            throw new AssertionError(missing);
        }
    }

    long lookup(long directory, String name) {
        try {
            return reader.lookup(directory, text(name));
        } catch (FsException missing) {
            throw new AssertionError(name, missing);
        }
    }

    List<NamespaceFinding> findings() {
        return findings(tree);
    }

    static List<NamespaceFinding> findings(TreeReader tree) {
        List<NamespaceFinding> findings = new ArrayList<>();
        new NamespaceVerifier(tree, NamespaceVerifier.WINDOW_INODES, findings::add).verify();
        return findings;
    }

    /** Every record, as hexadecimal. */
    static SequencedMap<String, String> records(TreeReader tree) {
        SequencedMap<String, String> records = new TreeMap<>();
        HexFormat hex = HexFormat.of();
        Cursor cursor = tree.scan(new byte[0], null);
        while (cursor.next()) {
            records.put(hex.formatHex(cursor.key()), hex.formatHex(cursor.value()));
        }
        return records;
    }

    static ByteString text(String text) {
        return ByteString.of(text);
    }

    static ByteString bytes(int length) {
        return ByteString.of(new byte[length]);
    }
}
