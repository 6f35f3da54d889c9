package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.NamespaceFixture.ROOT;
import static io.dynamicfs.engine.fs.NamespaceFixture.bytes;
import static io.dynamicfs.engine.fs.NamespaceFixture.text;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.DirectoryEntry;
import io.dynamicfs.engine.format.DirectoryEntryLayout;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.format.XattrLayout;
import io.dynamicfs.engine.fs.NamespaceFinding.Problem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of damage is found, named, and found in windows of any size. */
class NamespaceVerifierTest {
    private static final long NOWHERE = 999_999;

    private final NamespaceFixture volume = new NamespaceFixture();
    private long directory;
    private long below;
    private long file;
    private long linked;
    private long symlink;

    @BeforeEach
    void makeATree() {
        directory = volume.directory(ROOT, "directory");
        below = volume.directory(directory, "below");
        file = volume.file(directory, "file");
        linked = volume.file(ROOT, "linked");
        volume.link(linked, below, "second");
        symlink = volume.symlink(below, "symlink", "target");
        volume.setXattr(file, "user.long", bytes(10_000));
        volume.file(ROOT, "orphan");
        volume.unlink(ROOT, "orphan");
    }

    private List<NamespaceFinding> findings(int windowInodes) {
        List<NamespaceFinding> findings = new ArrayList<>();
        new NamespaceVerifier(volume.tree, windowInodes, findings::add).verify();
        return findings;
    }

    /** Asserts that there are exactly these problems with that inode and none with others, whatever the window. */
    private void assertProblems(long inode, Problem... problems) {
        for (int windowInodes : new int[] {1, 2, 3, 1000}) {
            assertThat(findings(windowInodes))
                    .as("findings with windows of %d", windowInodes)
                    .allSatisfy(finding -> assertThat(finding.inode()).isEqualTo(inode))
                    .extracting(NamespaceFinding::problem)
                    .containsExactlyInAnyOrder(problems);
        }
    }

    private void damage(long inode, UnaryOperator<Inode.Editor> change) {
        volume.tree.put(
                VolumeKeys.inode(inode),
                InodeLayout.encode(change.apply(volume.inode(inode).edit()).build()));
    }

    private byte[] entryKey(long parent, String name) {
        byte[] bytes = name.getBytes(US_ASCII);
        return VolumeKeys.dirent(parent, volume.reader.hash().of(bytes), bytes);
    }

    private byte[] xattrKey(int part) {
        byte[] name = "user.long".getBytes(US_ASCII);
        return VolumeKeys.xattr(file, volume.reader.hash().of(name), name, part);
    }

    private void putEntry(long parent, String name, DirectoryEntry entry) {
        volume.tree.put(entryKey(parent, name), DirectoryEntryLayout.encode(entry));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void aSoundTreeHasNoFindings(int windowInodes) {
        assertThat(findings(windowInodes)).isEmpty();
    }

    @Test
    void totalsCountWhatIsThere() {
        damage(file, inode -> inode.storedBytes(4096));
        assertThat(new NamespaceVerifier(volume.tree, 2, finding -> {}).verify())
                .isEqualTo(new NamespaceVerifier.Totals(7, 3, 6, 1, 4096));
    }

    @Test
    void wrongLinksOfFilesAndDirectoriesAreFound() {
        damage(linked, inode -> inode.links(3));
        assertProblems(linked, Problem.WRONG_LINKS);
        damage(linked, inode -> inode.links(2));
        damage(directory, inode -> inode.links(4));
        assertProblems(directory, Problem.WRONG_LINKS);
    }

    @Test
    void aSecondNameOfAFileWithOneLinkIsFound() {
        putEntry(below, "again", new DirectoryEntry(file, Inode.REGULAR, 0));
        damage(below, inode -> inode.addSize(Inode.ENTRY_BYTES));
        assertProblems(file, Problem.WRONG_LINKS);
    }

    @Test
    void aNameThatIsMissingIsFoundAtTheFileAndAtItsDirectory() {
        volume.tree.remove(entryKey(directory, "file"));
        assertThat(findings(1000))
                .extracting(NamespaceFinding::problem)
                .containsExactlyInAnyOrder(Problem.WRONG_SIZE, Problem.WRONG_LINKS, Problem.WRONG_PARENT);
    }

    @Test
    void aNameOfAnInodeThatDoesNotExistIsFound() {
        putEntry(below, "ghost", new DirectoryEntry(NOWHERE, Inode.REGULAR, 0));
        damage(below, inode -> inode.addSize(Inode.ENTRY_BYTES));
        assertProblems(NOWHERE, Problem.MISSING_RECORD);
    }

    @Test
    void recordsOfAnInodeThatDoesNotExistAreFound() {
        volume.tree.put(VolumeKeys.target(NOWHERE), new byte[1]);
        assertProblems(NOWHERE, Problem.MISSING_RECORD);
    }

    @Test
    void aNameOfTheWrongTypeIsFound() {
        putEntry(directory, "file", new DirectoryEntry(file, Inode.FIFO, 0));
        assertProblems(file, Problem.WRONG_TYPE);
    }

    @Test
    void aParentThatHasNoNameIsFound() {
        damage(file, inode -> inode.parent(below));
        assertProblems(file, Problem.WRONG_PARENT);
        damage(file, inode -> inode.parent(0));
        assertThat(findings(1)).isEmpty();
    }

    @Test
    void aDirectoryWithoutAParentIsUnreachableAndSoIsWhatIsBelow() {
        damage(directory, inode -> inode.parent(0));
        assertThat(findings(1000))
                .extracting(NamespaceFinding::problem)
                .containsExactlyInAnyOrder(Problem.WRONG_PARENT, Problem.UNREACHABLE, Problem.UNREACHABLE);
    }

    @Test
    void directoriesInACircleAreUnreachable() {
        volume.tree.remove(entryKey(ROOT, "directory"));
        damage(ROOT, inode -> inode.addLinks(-1).addSize(-Inode.ENTRY_BYTES));
        putEntry(below, "directory", new DirectoryEntry(directory, Inode.DIRECTORY, 0));
        damage(below, inode -> inode.addLinks(1).addSize(Inode.ENTRY_BYTES));
        damage(directory, inode -> inode.parent(below));
        for (int windowInodes : new int[] {1, 2, 1000}) {
            assertThat(findings(windowInodes))
                    .extracting(NamespaceFinding::problem, NamespaceFinding::inode)
                    .containsExactlyInAnyOrder(
                            tuple(Problem.UNREACHABLE, directory), tuple(Problem.UNREACHABLE, below));
        }
    }

    @Test
    void theListOfOrphansMustBeThatOfInodesWithoutLinks() {
        volume.tree.put(VolumeKeys.orphan(file), new byte[0]);
        assertProblems(file, Problem.WRONG_ORPHANS);
        volume.tree.remove(VolumeKeys.orphan(file));
        long orphan = volume.reader.orphans(0, 1).getFirst();
        volume.tree.remove(VolumeKeys.orphan(orphan));
        assertProblems(orphan, Problem.WRONG_ORPHANS);
        volume.tree.put(VolumeKeys.orphan(orphan), new byte[0]);
        volume.tree.put(VolumeKeys.orphan(NOWHERE), new byte[0]);
        assertProblems(NOWHERE, Problem.WRONG_ORPHANS);
    }

    @Test
    void wrongSizesAreFound() {
        damage(below, inode -> inode.addSize(1));
        assertProblems(below, Problem.WRONG_SIZE);
        damage(below, inode -> inode.addSize(-1));
        damage(symlink, inode -> inode.size(5));
        assertProblems(symlink, Problem.WRONG_SIZE);
    }

    @Test
    void aLinkWithoutTargetAndATargetWithoutLinkAreFound() {
        volume.tree.remove(VolumeKeys.target(symlink));
        assertProblems(symlink, Problem.MISSING_RECORD);
        volume.tree.put(VolumeKeys.target(symlink), text("target").toBytes());
        volume.tree.put(VolumeKeys.target(file), new byte[1]);
        assertProblems(file, Problem.WRONG_TYPE);
    }

    @Test
    void contentAndEntriesWhereTheTypeHasNoneAreFound() {
        volume.tree.put(VolumeKeys.slice(symlink, 0), new byte[2]);
        assertProblems(symlink, Problem.WRONG_TYPE);
        volume.tree.remove(VolumeKeys.slice(symlink, 0));
        putEntry(linked, "inside", new DirectoryEntry(file, Inode.REGULAR, 0));
        damage(file, inode -> inode.links(2));
        assertProblems(linked, Problem.WRONG_TYPE);
    }

    @Test
    void anAttributeWithAMissingPartIsFound() {
        for (int part = 0; part < XattrLayout.parts(10_000); part++) {
            byte[] value = volume.tree.get(xattrKey(part));
            volume.tree.remove(xattrKey(part));
            assertThat(findings(1000))
                    .as("findings without part %d", part)
                    .isNotEmpty()
                    .allSatisfy(finding -> assertThat(finding.problem()).isEqualTo(Problem.WRONG_XATTRS));
            volume.tree.put(xattrKey(part), Objects.requireNonNull(value));
        }
    }

    @Test
    void wrongTotalsAndPartsOfDifferentValuesOfAttributesAreFound() {
        damage(file, inode -> inode.addXattrs(0, 0, 1));
        assertProblems(file, Problem.WRONG_XATTRS);
        damage(file, inode -> inode.addXattrs(0, 0, -1));
        volume.tree.put(xattrKey(1), XattrLayout.encode(bytes(9_999), 1));
        assertThat(findings(1))
                .isNotEmpty()
                .allSatisfy(finding -> assertThat(finding.problem()).isEqualTo(Problem.WRONG_XATTRS));
    }

    @Test
    void aNameUnderAnotherHashAndTwoAtOnePositionAreFound() {
        byte[] name = "stray".getBytes(US_ASCII);
        long hash = volume.reader.hash().of("file".getBytes(US_ASCII));
        volume.tree.put(
                VolumeKeys.dirent(directory, hash, name),
                DirectoryEntryLayout.encode(new DirectoryEntry(linked, Inode.REGULAR, 0)));
        damage(directory, inode -> inode.addSize(Inode.ENTRY_BYTES));
        damage(linked, inode -> inode.links(3));
        assertProblems(directory, Problem.WRONG_HASH, Problem.WRONG_HASH);
    }

    @Test
    void recordsThatCannotBeReadAreFound() {
        volume.tree.put(VolumeKeys.inode(file), new byte[3]);
        assertProblems(file, Problem.CORRUPT_RECORD);
    }

    @Test
    void keysThatNoRecordHasAreFound() {
        volume.tree.put(new byte[] {0, 1}, new byte[0]);
        volume.tree.put(VolumeKeys.after(VolumeKeys.VOLUME), new byte[0]);
        volume.tree.put(VolumeKeys.from(-5, VolumeKeys.INODE), new byte[0]);
        assertProblems(0, Problem.UNKNOWN_RECORD, Problem.UNKNOWN_RECORD, Problem.UNKNOWN_RECORD);
        volume.tree.remove(new byte[] {0, 1});
        volume.tree.remove(VolumeKeys.after(VolumeKeys.VOLUME));
        volume.tree.remove(VolumeKeys.from(-5, VolumeKeys.INODE));
        volume.tree.put(VolumeKeys.from(file, VolumeKeys.XATTR), new byte[0]);
        volume.tree.put(VolumeKeys.after(file), new byte[0]);
        assertProblems(file, Problem.UNKNOWN_RECORD, Problem.UNKNOWN_RECORD);
    }

    @Test
    void aTreeWithoutHeaderOrRootIsFound() {
        byte[] header = Objects.requireNonNull(volume.tree.get(VolumeKeys.header()));
        volume.tree.remove(VolumeKeys.header());
        assertProblems(0, Problem.MISSING_RECORD);
        volume.tree.put(VolumeKeys.header(), header);
        damage(ROOT, inode -> inode.parent(directory));
        assertProblems(ROOT, Problem.WRONG_PARENT);
        volume.tree.remove(VolumeKeys.inode(ROOT));
        assertThat(findings(1)).extracting(NamespaceFinding::problem).contains(Problem.MISSING_RECORD);
    }

    @Test
    void aDamagedTreeNeverStopsTheVerifier() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        for (int round = 0; round < 2_000; round++) {
            NamespaceFixture damaged = new NamespaceFixture();
            long parent = damaged.directory(ROOT, "directory");
            damaged.setXattr(damaged.file(parent, "file"), "user.a", text("value"));
            damaged.symlink(parent, "link", "x");
            List<byte[]> keys = new ArrayList<>();
            var cursor = damaged.tree.scan(new byte[0], null);
            while (cursor.next()) {
                keys.add(cursor.key());
            }
            for (int i = 0; i < 3; i++) {
                byte[] key = keys.get(random.nextInt(keys.size()));
                byte[] value = damaged.tree.get(key);
                if (value != null) {
                    damaged.tree.remove(key);
                    damaged.tree.put(mutated(random, key), mutated(random, value));
                }
            }
            List<NamespaceFinding> found = new ArrayList<>();
            new NamespaceVerifier(damaged.tree, 1 + round % 3, found::add).verify();
            assertThat(found)
                    .as("round %d", round)
                    .allSatisfy(finding -> assertThat(finding.message()).isNotEmpty());
        }
    }

    private static byte[] mutated(RandomGenerator random, byte[] bytes) {
        byte[] mutated = bytes.clone();
        switch (random.nextInt(4)) {
            case 0 -> mutated = Arrays.copyOf(mutated, random.nextInt(mutated.length + 1));
            case 1 -> mutated = Arrays.copyOf(mutated, mutated.length + 1);
            default -> {}
        }
        if (mutated.length > 0 && random.nextBoolean()) {
            mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
        }
        return mutated;
    }

    @Test
    void printableNamesAreInMessages() {
        putEntry(below, "ghost", new DirectoryEntry(NOWHERE, Inode.REGULAR, 0));
        damage(below, inode -> inode.addSize(Inode.ENTRY_BYTES));
        assertThat(findings(1).getFirst().message()).contains("ghost").contains(Long.toString(NOWHERE));
        assertThat(ByteString.printable(new byte[] {'a', '\n'})).isEqualTo("a\\x0a");
    }
}
