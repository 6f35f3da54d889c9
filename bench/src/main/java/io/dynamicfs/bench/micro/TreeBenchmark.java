package io.dynamicfs.bench.micro;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.NodeCache;
import io.dynamicfs.engine.tree.NodeSink;
import io.dynamicfs.engine.tree.NodeStore;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeContext;
import io.dynamicfs.engine.tree.TreeEditor;
import io.dynamicfs.engine.tree.TreeWriter;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The copy-on-write tree on nodes in memory, with entries as large as inodes. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init")
public class TreeBenchmark {
    private static final long TREE = 1;
    private static final int KEY_BYTES = 9;
    private static final int VALUE_BYTES = 120;
    private static final int SCANNED = 100;
    private static final long CACHE_BYTES = 256L << 20;

    @Param({"10000", "1000000"})
    public int entries;

    private final MemoryNodes nodes = new MemoryNodes();
    private final SplittableRandom random = new SplittableRandom(Data.SEED);
    private final byte[] value = new byte[VALUE_BYTES];
    private Tree tree;
    private Tree coldTree;
    private NodeCache coldCache;
    private long generation;

    @Setup
    public void fill() {
        tree = Tree.empty(new TreeContext(nodes, new NodeCache(CACHE_BYTES)), TREE);
        TreeEditor editor = tree.edit();
        for (int i = 0; i < entries; i++) {
            editor.put(key(i), value.clone());
        }
        tree = written(editor.build().tree());
    }

    /** A tree of which nothing is in memory. */
    @Setup(Level.Iteration)
    public void forget() {
        coldCache = new NodeCache(CACHE_BYTES);
        coldTree = Tree.at(new TreeContext(nodes, coldCache), TREE, tree.root());
    }

    @Benchmark
    public byte @Nullable [] get() {
        return tree.get(key(random.nextInt(entries)));
    }

    /** Reads, hashes and decodes the nodes of the path. */
    @Benchmark
    public byte @Nullable [] getCold() {
        coldCache.clear();
        return coldTree.get(key(random.nextInt(entries)));
    }

    @Benchmark
    public int scanHundred() {
        Cursor cursor = tree.scan(key(random.nextInt(entries)), null);
        int found = 0;
        while (found < SCANNED && cursor.next()) {
            found++;
        }
        return found;
    }

    /** One changed entry, as a commit of one small file has: path copied, encoded, hashed, written. */
    @Benchmark
    public Tree changeOneAndWrite() {
        TreeEditor editor = tree.edit();
        byte[] changed = value.clone();
        changed[0] = (byte) generation;
        editor.put(key(random.nextInt(entries)), changed);
        long before = nodes.next;
        Tree changedTree = written(editor.build().tree());
        nodes.removeFrom(before);
        return changedTree;
    }

    /** A thousand changed entries in one edit that is dropped again. */
    @Benchmark
    public TreeEditor changeThousand() {
        TreeEditor editor = tree.edit();
        for (int i = 0; i < 1000; i++) {
            byte[] changed = value.clone();
            changed[0] = (byte) i;
            editor.put(key(random.nextInt(entries)), changed);
        }
        return editor;
    }

    private Tree written(Tree dirty) {
        TreeWriter writer = new TreeWriter(++generation, nodes::allocate, nodes);
        writer.write(dirty);
        writer.complete();
        return dirty;
    }

    private static byte[] key(int number) {
        return ByteBuffer.allocate(KEY_BYTES).putLong(number).put((byte) 1).array();
    }

    /** Node slots in memory. */
    private static final class MemoryNodes implements NodeStore, NodeSink {
        private final Map<Long, byte[]> nodes = new HashMap<>();
        private long next = NodePointer.address(1, 0);

        long allocate() {
            return next++;
        }

        void removeFrom(long address) {
            for (long each = address; each < next; each++) {
                nodes.remove(each);
            }
        }

        @Override
        public ByteBuffer load(NodePointer pointer) {
            byte[] bytes = Objects.requireNonNull(nodes.get(pointer.address()));
            if (!Blake3.hash(bytes).equals(pointer.digest())) {
                throw new IllegalStateException("node " + pointer.address() + " has another digest");
            }
            return ByteBuffer.wrap(bytes);
        }

        @Override
        public Digest write(long address, ByteBuffer node) {
            byte[] bytes = new byte[NodeLayout.BYTES];
            node.get(0, bytes);
            nodes.put(address, bytes);
            return Blake3.hash(bytes);
        }
    }
}
