package io.dynamicfs.engine.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.format.NodePointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TreeTest {
    private static final long TREE = 42;

    private final MemoryNodes nodes = new MemoryNodes();
    private TreeContext context = new TreeContext(nodes, new NodeCache(1 << 20));
    private volatile Tree published = Tree.empty(context, TREE);

    private static NavigableMap<byte[], byte[]> model() {
        return new TreeMap<>(Arrays::compareUnsigned);
    }

    private static byte[] key(long number) {
        return ByteBuffer.allocate(8).putLong(number).array();
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Tree commit(Tree tree, long generation) {
        TreeWriter writer = new TreeWriter(generation, nodes, nodes);
        NodePointer root = writer.write(tree);
        assertThat(tree.isDirty()).isFalse();
        writer.complete();
        assertThat(tree.root()).isEqualTo(root);
        return tree;
    }

    private static void assertSame(TreeReader tree, NavigableMap<byte[], byte[]> model) {
        assertCursor(tree.scan(new byte[0], null), model);
        assertCursor(tree.scanBackward(new byte[0], null), model.descendingMap());
    }

    private static void assertCursor(Cursor cursor, Map<byte[], byte[]> expected) {
        for (Map.Entry<byte[], byte[]> entry : expected.entrySet()) {
            if (!cursor.next()) {
                assertThat(entry.getKey())
                        .as("an entry that the cursor does not reach")
                        .isNull();
            }
            assertBytes(cursor.key(), entry.getKey());
            assertBytes(cursor.value(), entry.getValue());
        }
        assertThat(cursor.next()).isFalse();
        assertThat(cursor.next()).isFalse();
    }

    private static void assertBytes(byte @Nullable [] actual, byte @Nullable [] expected) {
        if (!Arrays.equals(actual, expected)) {
            assertThat(actual).isEqualTo(expected);
        }
    }

    private static void assertEntry(
            Map.@Nullable Entry<byte[], byte[]> actual, Map.@Nullable Entry<byte[], byte[]> expected) {
        if (expected == null || actual == null) {
            assertThat(actual).isEqualTo(expected);
        } else {
            assertBytes(actual.getKey(), expected.getKey());
            assertBytes(actual.getValue(), expected.getValue());
        }
    }

    /** Keys of a file system's shape: few inodes, kinds, and rests of very different length. */
    private static byte[] randomKey(Random random, int inodes) {
        int restBytes = random.nextInt(8) == 0 ? random.nextInt(290) : random.nextInt(10);
        byte[] key = new byte[9 + restBytes];
        random.nextBytes(key);
        ByteBuffer.wrap(key).putLong(random.nextInt(inodes)).put((byte) random.nextInt(5));
        for (int i = 9; i < key.length; i++) {
            key[i] = (byte) (key[i] & 3);
        }
        return key;
    }

    private static byte[] randomValue(Random random) {
        int bytes = switch (random.nextInt(20)) {
            case 0 -> random.nextInt(NodeLayout.VALUE_BYTES_MAX + 1);
            case 1 -> NodeLayout.VALUE_BYTES_MAX;
            default -> random.nextInt(150);
        };
        byte[] value = new byte[bytes];
        random.nextBytes(value);
        return value;
    }

    /** Long keys that differ near their end make narrow inner nodes and separators of very different length. */
    private static byte[] longKey(Random random) {
        byte[] key = new byte[NodeLayout.KEY_BYTES_MAX - random.nextInt(3)];
        Arrays.fill(key, (byte) 'x');
        int shared = random.nextInt(4) == 0 ? 0 : 280;
        ByteBuffer.wrap(key).putShort(0, (short) random.nextInt(40)).putInt(shared + 2, random.nextInt(3_000));
        return key;
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void longKeysGrowAndShrinkTheTreeByLevels(long seed) {
        Random random = new Random(seed);
        context = new TreeContext(nodes, new NodeCache(200_000));
        NavigableMap<byte[], byte[]> model = model();
        Tree current = Tree.empty(context, TREE);
        Set<Long> committed = new HashSet<>();
        List<NodeRef> replaced = new ArrayList<>();
        int levelsMax = 0;
        for (int round = 1; round <= 60; round++) {
            TreeEditor editor = current.edit();
            boolean growing = round % 30 < 16;
            for (int i = 0; i < 1_000; i++) {
                byte[] key = longKey(random);
                if (growing) {
                    byte[] value = new byte[random.nextInt(4) == 0 ? 2_000 : 300];
                    editor.put(key, value);
                    model.put(key, value);
                } else {
                    byte[] existing = model.ceilingKey(key);
                    if (existing != null) {
                        assertThat(editor.remove(existing)).isTrue();
                        model.remove(existing);
                    }
                }
            }
            TreeEdit edit = editor.build();
            current = edit.tree();
            replaced.addAll(edit.replaced());
            levelsMax = Math.max(levelsMax, TreeWalker.verify(current).levels());
            if (random.nextInt(3) == 0) {
                committed = commitAndCheckReplaced(current, round, committed, replaced);
                assertSame(current, model);
                context.cache().clear();
            }
        }
        assertSame(current, model);
        assertThat(levelsMax).isGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void randomEditsAgreeWithATreeMapAndReplaceExactlyWhatBecomesUnreachable(long seed) {
        Random random = new Random(seed);
        context = new TreeContext(nodes, new NodeCache(seed % 2 == 0 ? 40_000 : 4_000_000));
        NavigableMap<byte[], byte[]> model = model();
        Tree current = Tree.empty(context, TREE);
        Set<Long> committed = new HashSet<>();
        List<NodeRef> replaced = new ArrayList<>();
        long entriesMax = 0;
        for (int round = 1; round <= 300; round++) {
            TreeEditor editor = current.edit();
            NavigableMap<byte[], byte[]> before = random.nextInt(10) == 0 ? model() : null;
            if (before != null) {
                before.putAll(model);
            }
            boolean shrinking = round % 40 > 30;
            int edits = random.nextInt(1_500);
            for (int i = 0; i < edits; i++) {
                edit(random, editor, model, shrinking);
            }
            if (round % 130 == 0) {
                for (byte[] key : List.copyOf(model.keySet())) {
                    assertThat(editor.remove(key)).isTrue();
                }
                model.clear();
            }
            if (round % 10 == 0) {
                assertSame(editor, model);
            }
            if (before != null) {
                assertSame(current, before);
            }
            if (random.nextInt(12) == 0) {
                model = before != null ? before : toModel(current);
                continue;
            }
            TreeEdit edit = editor.build();
            assertThat(edit.tree().dirtyNodes()).isGreaterThanOrEqualTo(editor.newNodes());
            current = edit.tree();
            replaced.addAll(edit.replaced());
            entriesMax = Math.max(entriesMax, TreeWalker.verify(current).entries());
            if (random.nextInt(3) == 0) {
                committed = commitAndCheckReplaced(current, round, committed, replaced);
                if (random.nextBoolean()) {
                    current = Tree.at(context, TREE, current.root());
                }
                if (random.nextBoolean()) {
                    context.cache().clear();
                }
                assertSame(current, model);
            }
        }
        assertSame(current, model);
        assertThat(entriesMax).isGreaterThan(3_000);
    }

    private static NavigableMap<byte[], byte[]> toModel(Tree tree) {
        NavigableMap<byte[], byte[]> model = model();
        for (Cursor cursor = tree.scan(new byte[0], null); cursor.next(); ) {
            model.put(cursor.key(), cursor.value());
        }
        return model;
    }

    private static void edit(Random random, TreeEditor editor, NavigableMap<byte[], byte[]> model, boolean shrinking) {
        byte[] key = randomKey(random, 30);
        int choice = random.nextInt(10);
        if (choice < (shrinking ? 2 : 6)) {
            byte[] existing = model.ceilingKey(key);
            byte[] put = existing != null && random.nextInt(3) == 0 ? existing : key;
            byte[] value = randomValue(random);
            editor.put(put, value);
            model.put(put, value);
        } else if (choice < 8) {
            byte[] existing = model.ceilingKey(key);
            byte[] remove = existing != null ? existing : key;
            assertThat(editor.remove(remove)).isEqualTo(model.remove(remove) != null);
        } else {
            assertBytes(editor.get(key), model.get(key));
            assertEntry(editor.floor(key), model.floorEntry(key));
            assertEntry(editor.ceiling(key), model.ceilingEntry(key));
            assertEntry(editor.last(), model.lastEntry());
            byte[] to = randomKey(random, 30);
            if (Arrays.compareUnsigned(key, to) <= 0 && random.nextInt(20) == 0) {
                assertCursor(editor.scan(key, to), model.subMap(key, to));
                assertCursor(
                        editor.scanBackward(key, to),
                        model.subMap(key, true, to, false).descendingMap());
            }
        }
    }

    /** Commits and returns the addresses of the new version, having freed what the old one alone reached. */
    private Set<Long> commitAndCheckReplaced(Tree tree, long generation, Set<Long> old, List<NodeRef> replaced) {
        int dirty = tree.dirtyNodes();
        TreeWriter writer = new TreeWriter(generation, nodes, nodes);
        writer.write(tree);
        assertThat(writer.nodes()).isEqualTo(dirty);
        writer.complete();
        assertThat(tree.dirtyNodes()).isZero();
        Set<Long> reachable = MemoryNodes.reachable(tree);
        List<Long> freed = new ArrayList<>();
        for (NodeRef ref : replaced) {
            NodePointer pointer = ref.pointer();
            if (pointer != null) {
                freed.add(pointer.address());
            }
        }
        Set<Long> unreachable = new HashSet<>(old);
        unreachable.removeAll(reachable);
        assertThat(freed).containsExactlyInAnyOrderElementsOf(unreachable);
        freed.forEach(nodes::free);
        replaced.clear();
        assertThat(nodes.nodes.keySet()).isEqualTo(reachable);
        return reachable;
    }

    @Test
    void keysThatComeInOrderFillTheirNodes() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 200_000; i++) {
            editor.put(key(i), new byte[20]);
        }
        Tree tree = editor.build().tree();
        TreeWalker.Shape shape = TreeWalker.verify(tree);
        assertThat(shape.entries()).isEqualTo(200_000);
        assertThat(shape.entryBytes()).isGreaterThan(shape.leaves() * NodeLayout.BYTES * 9 / 10);
    }

    @Test
    void keysAppendedToManyFilesFillTheirNodesToo() {
        Tree tree = Tree.empty(context, TREE);
        for (int inode = 0; inode < 4; inode++) {
            TreeEditor editor = tree.edit();
            editor.put(key((long) inode << 32), new byte[20]);
            tree = editor.build().tree();
        }
        for (int i = 1; i < 20_000; i++) {
            TreeEditor editor = tree.edit();
            for (int inode = 0; inode < 4; inode++) {
                editor.put(key(((long) inode << 32) + i), new byte[20]);
            }
            tree = editor.build().tree();
        }
        TreeWalker.Shape shape = TreeWalker.verify(tree);
        assertThat(shape.entryBytes()).isGreaterThan(shape.leaves() * NodeLayout.BYTES * 9 / 10);
    }

    /** A key of 300 bytes that differs from those of other groups at its start and within its group at its end. */
    private static byte[] groupKey(int group, int member) {
        byte[] key = new byte[NodeLayout.KEY_BYTES_MAX];
        ByteBuffer.wrap(key).putShort((short) group).putShort(key.length - 2, (short) member);
        return key;
    }

    @ParameterizedTest
    @ValueSource(ints = {302, 1_000})
    void aSeparatorThatGrowsByEveningOutSplitsTheFullParent(int groups) {
        // Six entries fill a leaf, so that all separators are those of groups: short, and many to a parent.
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int group = 0; group < groups; group++) {
            for (int member = 0; member < 6; member++) {
                editor.put(groupKey(group, member), new byte[2_000]);
            }
        }
        Tree tree = commit(editor.build().tree(), 1);
        TreeWalker.Shape full = TreeWalker.verify(tree);
        assertThat(full.leaves()).isEqualTo(groups);
        Set<Long> old = MemoryNodes.reachable(tree);
        TreeEditor removal = tree.edit();
        for (int member = 0; member < 4; member++) {
            assertThat(removal.remove(groupKey(5, member))).isTrue();
        }
        TreeEdit edit = removal.build();
        TreeWalker.Shape after = TreeWalker.verify(edit.tree());
        assertThat(after.leaves()).isEqualTo(groups);
        assertThat(after.innerNodes()).isGreaterThan(full.innerNodes());
        assertThat(after.entries()).isEqualTo(groups * 6L - 4);
        commitAndCheckReplaced(edit.tree(), 2, old, new ArrayList<>(edit.replaced()));
    }

    @Test
    void aCompletedCommitIsReadFromTheCache() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 1_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        assertThat(Tree.at(context, TREE, tree.root()).get(key(7))).hasSize(50);
        assertThat(TreeWalker.verify(tree).entries()).isEqualTo(1_000);
        assertThat(nodes.loads).hasValue(0);
    }

    @Test
    void oneChangeInALargeTreeDirtiesOnePath() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 100_000; i++) {
            editor.put(key(i * 7L), new byte[60]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        int levels = TreeWalker.verify(tree).levels();
        assertThat(levels).isEqualTo(3);
        TreeEditor change = tree.edit();
        change.put(key(7 * 50_000), new byte[61]);
        TreeEdit edit = change.build();
        assertThat(edit.tree().dirtyNodes()).isEqualTo(levels);
        assertThat(edit.replaced()).hasSize(levels);
        assertThat(tree.isDirty()).isFalse();
    }

    @Test
    void puttingTheSameValueAgainChangesNothing() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        editor.put(text("a"), text("1"));
        Tree tree = commit(editor.build().tree(), 1);
        TreeEditor again = tree.edit();
        again.put(text("a"), text("1"));
        assertThat(again.remove(text("b"))).isFalse();
        TreeEdit edit = again.build();
        assertThat(edit.tree().isDirty()).isFalse();
        assertThat(edit.replaced()).isEmpty();
    }

    @Test
    void removingTheLastKeyLeavesTheEmptyTree() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        editor.put(new byte[0], new byte[0]);
        Tree tree = commit(editor.build().tree(), 1);
        TreeEditor removal = tree.edit();
        assertThat(removal.remove(new byte[0])).isTrue();
        TreeEdit edit = removal.build();
        assertThat(edit.tree().isEmpty()).isTrue();
        assertThat(edit.tree().root()).isEqualTo(NodePointer.NONE);
        assertThat(edit.replaced()).hasSize(1);
        assertThat(commit(edit.tree(), 2).root()).isEqualTo(NodePointer.NONE);
    }

    @Test
    void lengthsBeyondTheFormatAreRefused() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        assertThatThrownBy(() -> editor.put(new byte[301], new byte[0])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.put(new byte[1], new byte[4097])).isInstanceOf(IllegalArgumentException.class);
        editor.put(new byte[300], new byte[4096]);
        assertThat(editor.build().tree().isDirty()).isTrue();
    }

    @Test
    void anEditorThatHasBuiltIsClosed() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        editor.put(text("a"), text("1"));
        editor.build();
        assertThatThrownBy(() -> editor.put(text("a"), text("2"))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> editor.remove(text("a"))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(editor::build).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aCursorOverAnEditorFollowsItsEdits() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 10_000; i++) {
            editor.put(key(i), new byte[100]);
        }
        int seen = 0;
        for (Cursor cursor = editor.scan(key(100), key(9_000)); cursor.next(); ) {
            assertThat(editor.remove(cursor.key())).isTrue();
            seen++;
        }
        assertThat(seen).isEqualTo(8_900);
        for (Cursor cursor = editor.scanBackward(new byte[0], null); cursor.next(); ) {
            assertThat(editor.remove(cursor.key())).isTrue();
            seen++;
        }
        assertThat(seen).isEqualTo(10_000);
        assertThat(editor.isEmpty()).isTrue();
    }

    @Test
    void anAbandonedCommitIsWrittenAnewByTheNext() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree first = commit(editor.build().tree(), 1);
        Set<Long> old = MemoryNodes.reachable(first);
        TreeEditor change = first.edit();
        change.put(key(10), text("x"));
        change.put(key(4_000), text("y"));
        TreeEdit edit = change.build();
        int dirty = edit.tree().dirtyNodes();

        nodes.writesBeforeFailure = dirty - 1;
        TreeWriter failing = new TreeWriter(2, nodes, nodes);
        assertThatThrownBy(() -> failing.write(edit.tree())).hasMessage("the sink fails");
        assertThat(failing.nodes()).isEqualTo(dirty - 1);
        assertThat(edit.tree().isDirty()).isTrue();
        failing.abandon();
        assertThat(edit.tree().dirtyNodes()).isEqualTo(dirty);
        nodes.writesBeforeFailure = Integer.MAX_VALUE;

        TreeWriter abandoned = new TreeWriter(2, nodes, nodes);
        abandoned.write(edit.tree());
        assertThat(edit.tree().isDirty()).isFalse();
        abandoned.abandon();
        assertThat(edit.tree().dirtyNodes()).isEqualTo(dirty);
        assertThat(edit.tree().get(key(10))).isEqualTo(text("x"));
        nodes.nodes.keySet().retainAll(old);

        commit(edit.tree(), 3);
        context.cache().clear();
        Tree reread = Tree.at(context, TREE, edit.tree().root());
        assertThat(reread.get(key(10))).isEqualTo(text("x"));
        assertThat(reread.get(key(4_000))).isEqualTo(text("y"));
        assertThat(TreeWalker.verify(reread).entries()).isEqualTo(5_000);
    }

    @Test
    void aWriterRefusesNodesOfACommitThatIsStillOpen() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree first = editor.build().tree();
        TreeWriter open = new TreeWriter(1, nodes, nodes);
        open.write(first);
        TreeEditor change = first.edit();
        change.put(key(10), text("x"));
        Tree second = change.build().tree();
        TreeWriter early = new TreeWriter(2, nodes, nodes);
        assertThatThrownBy(() -> early.write(second)).isInstanceOf(IllegalStateException.class);
        early.abandon();
        open.complete();
        commit(second, 2);
        assertThat(TreeWalker.verify(second).entries()).isEqualTo(5_000);
    }

    @Test
    void aVersionEditedWhileItsBaseIsWrittenSharesTheCleanNodes() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree first = editor.build().tree();
        TreeEditor change = first.edit();
        change.put(key(10), text("x"));
        TreeEdit second = change.build();
        commit(first, 1);
        assertThat(second.tree().dirtyNodes()).isEqualTo(2);
        assertThat(second.replaced()).hasSize(2).noneMatch(NodeRef::isDirty);
        commit(second.tree(), 2);
    }

    @Test
    void oldVersionsStayReadableWhileTheirNodesAreNotFreed() {
        long seed = 5;
        Random random = new Random(seed);
        context = new TreeContext(nodes, new NodeCache(30_000));
        NavigableMap<byte[], byte[]> model = model();
        List<NodePointer> roots = new ArrayList<>();
        List<NavigableMap<byte[], byte[]>> contents = new ArrayList<>();
        Tree tree = Tree.empty(context, TREE);
        for (int generation = 1; generation <= 20; generation++) {
            TreeEditor editor = tree.edit();
            for (int i = 0; i < 500; i++) {
                edit(random, editor, model, generation > 12);
            }
            tree = commit(editor.build().tree(), generation);
            roots.add(tree.root());
            NavigableMap<byte[], byte[]> copy = model();
            copy.putAll(model);
            contents.add(copy);
        }
        for (int i = 0; i < roots.size(); i++) {
            Tree old = Tree.at(context, TREE, roots.get(i));
            assertThat(TreeWalker.verify(old).entries())
                    .as("seed %d, generation %d", seed, i + 1)
                    .isEqualTo(contents.get(i).size());
            assertSame(old, contents.get(i));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void hostileNodesOnlyEverThrowCorruptNode(long seed) {
        Random random = new Random(seed);
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 3_000; i++) {
            editor.put(key(i), new byte[60]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        List<Long> addresses = List.copyOf(MemoryNodes.reachable(tree));
        int reported = 0;
        int rounds = 2_000;
        for (int round = 0; round < rounds; round++) {
            byte[] victim = nodes.bytes(addresses.get(random.nextInt(addresses.size())));
            byte[] good = victim.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                int at = random.nextInt(random.nextBoolean() ? 200 : good.length);
                if (random.nextInt(6) == 0) {
                    byte[] other = nodes.bytes(addresses.get(random.nextInt(addresses.size())));
                    System.arraycopy(other, 0, victim, 0, victim.length);
                } else {
                    victim[at] ^= (byte) (1 << random.nextInt(8));
                }
            }
            // As if the digests matched: whoever can write all copies of a parent can do that too.
            NodeStore trusting = pointer -> {
                byte[] bytes = nodes.nodes.get(pointer.address());
                if (bytes == null) {
                    throw new CorruptNodeException("address " + pointer.address(), "a node", "nothing");
                }
                return ByteBuffer.wrap(bytes);
            };
            TreeContext unverified = new TreeContext(trusting, new NodeCache(1 << 20));
            Tree hostile = Tree.at(unverified, TREE, tree.root());
            try {
                TreeEditor change = hostile.edit();
                change.put(key(random.nextInt(4_000)), new byte[70]);
                for (int i = 0; i < 80; i++) {
                    change.remove(key(random.nextInt(3_000)));
                }
                for (Cursor cursor = change.scan(new byte[0], null); cursor.next(); ) {
                    assertThat(cursor.value().length).isLessThanOrEqualTo(NodeLayout.VALUE_BYTES_MAX);
                }
                TreeWalker.verify(change.build().tree());
            } catch (CorruptNodeException e) {
                reported++;
            }
            System.arraycopy(good, 0, victim, 0, good.length);
        }
        assertThat(reported).as("seed %d", seed).isBetween(1, rounds - 1);
    }

    @Test
    void readersSeeTheirVersionWhileOthersAreEditedWrittenAndEvicted() throws InterruptedException {
        long seed = 77;
        Random random = new Random(seed);
        context = new TreeContext(nodes, new NodeCache(300_000));
        int keys = 4_000;
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        TreeEditor initial = Tree.empty(context, TREE).edit();
        for (int i = 0; i < keys; i++) {
            initial.put(key(i), key(0));
        }
        published = initial.build().tree();
        List<Thread> readers = new ArrayList<>();
        for (int r = 0; r < 3; r++) {
            int reader = r;
            readers.add(Thread.ofPlatform().start(() -> read(failure, keys, reader)));
        }
        for (int version = 1; version <= 150 && failure.get() == null; version++) {
            // All keys of a version carry its number, every third version is rewritten from a random place only in
            // part.
            TreeEditor editor = published.edit();
            for (int i = 0; i < keys; i++) {
                editor.put(key(i), key(version));
            }
            Tree next = editor.build().tree();
            published = next;
            TreeWriter writer = new TreeWriter(version, nodes, nodes);
            writer.write(next);
            if (random.nextInt(4) == 0) {
                writer.abandon();
            } else {
                writer.complete();
            }
        }
        published = Tree.empty(context, TREE);
        for (Thread reader : readers) {
            reader.join();
        }
        assertThat(failure.get()).as("seed %d", seed).isNull();
    }

    private void read(AtomicReference<@Nullable Throwable> failure, int keys, long seed) {
        Random random = new Random(seed);
        try {
            for (Tree tree = published; !tree.isEmpty(); tree = published) {
                byte[] version = tree.get(key(random.nextInt(keys)));
                int seen = 0;
                for (Cursor cursor = tree.scan(new byte[0], null); cursor.next(); seen++) {
                    assertBytes(cursor.value(), version);
                }
                assertThat(seen).isEqualTo(keys);
            }
        } catch (RuntimeException | AssertionError e) {
            failure.compareAndSet(null, e);
        }
    }

    @Test
    void aNodeThatIsNotTheOneItsParentMeansIsReported() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        context.cache().clear();
        assertThatThrownBy(() -> Tree.at(context, TREE + 1, tree.root()).get(key(1)))
                .isInstanceOfSatisfying(CorruptNodeException.class, e -> {
                    assertThat(e.expected()).isEqualTo("tree 43");
                    assertThat(e.actual()).isEqualTo("tree 42");
                });
        NodePointer root = tree.root();
        NodePointer older = new NodePointer(root.address(), 9, root.digest());
        assertThatThrownBy(() -> Tree.at(context, TREE, older).get(key(1)))
                .isInstanceOfSatisfying(
                        CorruptNodeException.class,
                        e -> assertThat(e.expected()).isEqualTo("generation 9"));
    }

    @Test
    void aMisplacedNodeIsReportedEvenWhereDigestsMatch() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        List<NodePointer> leaves = new ArrayList<>();
        TreeWalker.walk(tree, new TreeWalker.Visitor() {
            @Override
            public boolean reached(NodePointer pointer, int level, byte[] lower, byte @Nullable [] upper) {
                if (level == 0) {
                    leaves.add(pointer);
                }
                return true;
            }

            @Override
            public void unreadable(
                    NodePointer pointer, byte[] lower, byte @Nullable [] upper, CorruptNodeException reason) {
                throw reason;
            }
        });
        long first = leaves.get(0).address();
        long second = leaves.get(1).address();
        byte[] misplaced = nodes.bytes(second).clone();
        assertThat(replacing(first, misplaced, tree).expected()).isEqualTo("address " + first);
        ByteBuffer.wrap(misplaced).order(ByteOrder.LITTLE_ENDIAN).putLong(32, first);
        assertThat(replacing(first, misplaced, tree).expected()).startsWith("keys [, ");
        byte[] root = nodes.bytes(tree.root().address()).clone();
        ByteBuffer.wrap(root).order(ByteOrder.LITTLE_ENDIAN).putLong(32, first);
        assertThat(replacing(first, root, tree).expected()).isEqualTo("level 0");
    }

    /** What reading key 0 reports when other bytes stand at an address and the store takes them for right. */
    private CorruptNodeException replacing(long address, byte[] bytes, Tree tree) {
        NodeStore trusting = pointer -> pointer.address() == address ? ByteBuffer.wrap(bytes) : nodes.load(pointer);
        Tree read = Tree.at(new TreeContext(trusting, new NodeCache(1 << 20)), TREE, tree.root());
        return catchThrowableOfType(CorruptNodeException.class, () -> read.get(key(0)));
    }

    @Test
    void aWalkReportsUnreadableNodesAndGoesOn() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 5_000; i++) {
            editor.put(key(i), new byte[50]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        List<Long> leaves = new ArrayList<>();
        List<Long> unreadable = new ArrayList<>();
        TreeWalker.Visitor visitor = new TreeWalker.Visitor() {
            @Override
            public boolean reached(NodePointer pointer, int level, byte[] lower, byte @Nullable [] upper) {
                if (level == 0) {
                    leaves.add(pointer.address());
                }
                return true;
            }

            @Override
            public void unreadable(
                    NodePointer pointer, byte[] lower, byte @Nullable [] upper, CorruptNodeException reason) {
                unreadable.add(pointer.address());
            }
        };
        TreeWalker.walk(tree, visitor);
        assertThat(unreadable).isEmpty();
        List<Long> all = List.copyOf(leaves);
        assertThat(all.size()).isGreaterThan(5);
        byte[] victim = nodes.bytes(all.get(3));
        victim[1000] ^= 1;
        context.cache().clear();
        leaves.clear();
        TreeWalker.walk(tree, visitor);
        assertThat(leaves).isEqualTo(all);
        assertThat(unreadable).containsExactly(all.get(3));
    }

    @Test
    void anEditorThatCannotReadANeighbourIsUnusableAndTheVersionBeforeUntouched() {
        TreeEditor editor = Tree.empty(context, TREE).edit();
        for (int i = 0; i < 300; i++) {
            editor.put(key(i), new byte[80]);
        }
        Tree tree = commit(editor.build().tree(), 1);
        TreeEditor removal = tree.edit();
        assertThat(removal.remove(key(299))).isTrue();
        Set<Long> addresses = MemoryNodes.reachable(tree);
        addresses.remove(tree.root().address());
        context.cache().clear();
        List<byte[]> corrupted = new ArrayList<>();
        for (long address : addresses) {
            byte[] node = nodes.bytes(address);
            if (ByteBuffer.wrap(node).getShort(46) != 0) {
                node[5000] ^= 1;
                corrupted.add(node);
            }
        }
        assertThat(corrupted).hasSize(1);
        TreeEditor second = tree.edit();
        assertThatThrownBy(() -> {
                    for (int i = 299; i > 160; i--) {
                        second.remove(key(i));
                    }
                })
                .isInstanceOf(CorruptNodeException.class);
        assertThatThrownBy(second::build).isInstanceOf(IllegalStateException.class);
        corrupted.get(0)[5000] ^= 1;
        assertThat(TreeWalker.verify(tree).entries()).isEqualTo(300);
    }
}
