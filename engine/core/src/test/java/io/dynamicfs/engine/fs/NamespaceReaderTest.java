package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.NamespaceFixture.ROOT;
import static io.dynamicfs.engine.fs.NamespaceFixture.bytes;
import static io.dynamicfs.engine.fs.NamespaceFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.NameHash;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.syscall.Errno;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamespaceReaderTest {
    private static final long NOWHERE = 999_999;

    private final NamespaceFixture volume = new NamespaceFixture();

    /** A hash of only three values, so that almost all names collide. */
    private static NamespaceFixture colliding() {
        return new NamespaceFixture(name -> (long) NameHash.STEP * (1 + name[name.length - 1] % 3));
    }

    private static void assertRefused(Errno errno, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FsException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(errno));
    }

    @Test
    void lookupFindsNamesAndUnderstandsDots() throws FsException {
        long directory = volume.directory(ROOT, "directory");
        long file = volume.file(directory, "file");
        assertThat(volume.lookup(ROOT, "directory")).isEqualTo(directory);
        assertThat(volume.lookup(directory, "file")).isEqualTo(file);
        assertThat(volume.lookup(directory, ".")).isEqualTo(directory);
        assertThat(volume.lookup(directory, "..")).isEqualTo(ROOT);
        assertThat(volume.lookup(ROOT, "..")).isEqualTo(ROOT);
        assertRefused(Errno.ENOENT, () -> volume.reader.lookup(ROOT, text("nothing")));
        assertRefused(Errno.ENOTDIR, () -> volume.reader.lookup(file, text("x")));
        assertRefused(Errno.ENAMETOOLONG, () -> volume.reader.lookup(ROOT, bytes(256)));
        assertRefused(Errno.ESTALE, () -> volume.reader.lookup(NOWHERE, text("x")));
        assertThat(volume.reader.findInode(NOWHERE)).isNull();
    }

    @Test
    void aDirectoryBeginsWithItselfAndItsParent() throws FsException {
        long directory = volume.directory(ROOT, "directory");
        List<String> seen = new ArrayList<>();
        volume.reader.readDirectory(
                directory, 0, (name, inode, type, next) -> seen.add(name + " " + inode + " " + next));
        assertThat(seen).containsExactly(". " + directory + " 1", ".. " + ROOT + " 2");
    }

    @Test
    void aDirectoryThatIsGoneOrNoneCannotBeRead() {
        long file = volume.file(ROOT, "file");
        long directory = volume.directory(ROOT, "directory");
        volume.removeDirectory(ROOT, "directory");
        assertRefused(Errno.ENOENT, () -> volume.reader.readDirectory(directory, 0, (a, b, c, d) -> true));
        assertRefused(Errno.ENOTDIR, () -> volume.reader.readDirectory(file, 0, (a, b, c, d) -> true));
        assertRefused(Errno.EINVAL, () -> volume.reader.readDirectory(ROOT, -1, (a, b, c, d) -> true));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 1000})
    void readingInPiecesGivesEveryEntryOnceEvenWhereHashesCollide(int pieceEntries) throws FsException {
        for (NamespaceFixture each : List.of(volume, colliding())) {
            Set<String> expected = new TreeSet<>(Set.of(".", ".."));
            for (int i = 0; i < 200; i++) {
                each.file(ROOT, "file" + i);
                expected.add("file" + i);
            }
            List<String> seen = new ArrayList<>();
            long cookie = 0;
            while (true) {
                List<Long> cookies = new ArrayList<>();
                each.reader.readDirectory(ROOT, cookie, (name, inode, type, next) -> {
                    if (cookies.size() == pieceEntries) {
                        return false;
                    }
                    seen.add(name.toString());
                    cookies.add(next);
                    return true;
                });
                if (cookies.isEmpty()) {
                    break;
                }
                assertThat(cookies).isSorted().doesNotHaveDuplicates();
                assertThat(cookies.getFirst()).isGreaterThan(cookie);
                cookie = cookies.getLast();
            }
            assertThat(seen).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    @Test
    void entriesThatStayAreGivenOnceWhileOthersComeAndGo() throws FsException {
        for (long seed = 1; seed <= 20; seed++) {
            RandomGenerator random =
                    RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
            NamespaceFixture changing = colliding();
            Set<String> staying = new HashSet<>();
            List<String> going = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                changing.file(ROOT, "stay" + i);
                staying.add("stay" + i);
                changing.file(ROOT, "go" + i);
                going.add("go" + i);
            }
            List<String> seen = new ArrayList<>();
            long[] cookie = {2};
            boolean[] more = {true};
            int made = 0;
            while (more[0]) {
                more[0] = false;
                int[] room = {1 + random.nextInt(5)};
                changing.reader.readDirectory(ROOT, cookie[0], (name, inode, type, next) -> {
                    more[0] = room[0]-- == 0;
                    if (!more[0]) {
                        seen.add(name.toString());
                        cookie[0] = next;
                    }
                    return !more[0];
                });
                if (!going.isEmpty() && random.nextBoolean()) {
                    changing.unlink(ROOT, going.remove(random.nextInt(going.size())));
                }
                if (random.nextInt(4) == 0) {
                    changing.file(ROOT, "new" + made++);
                }
            }
            assertThat(seen.stream().filter(staying::contains))
                    .as("seed %d", seed)
                    .containsExactlyInAnyOrderElementsOf(staying);
        }
    }

    @Test
    void moreNamesOfOneHashThanPositionsAreRefused() {
        NamespaceFixture full = new NamespaceFixture(name -> NameHash.STEP);
        for (int i = 0; i < NameHash.STEP; i++) {
            full.file(ROOT, "file" + i);
        }
        assertRefused(Errno.ENOSPC, () -> full.reader.freeRank(ROOT, NameHash.STEP));
        full.unlink(ROOT, "file7");
        full.file(ROOT, "again");
    }

    @Test
    void pathsLeadThroughParentsAndFindFilesWithSeveralNames() throws FsException {
        long a = volume.directory(ROOT, "a");
        long b = volume.directory(a, "b");
        long file = volume.file(b, "file");
        assertThat(volume.reader.path(ROOT)).isEqualTo("/");
        assertThat(volume.reader.path(file)).isEqualTo("/a/b/file");
        volume.rename(ROOT, "a", ROOT, "moved", 0);
        assertThat(volume.reader.path(file)).isEqualTo("/moved/b/file");
        volume.link(file, ROOT, "other");
        volume.unlink(b, "file");
        assertThat(volume.reader.path(file)).isEqualTo("/other");
        volume.unlink(ROOT, "other");
        assertThat(volume.reader.path(file)).isNull();
        assertThat(volume.reader.path(NOWHERE)).isNull();
    }

    @Test
    void aPathOfDirectoriesThatAreTheirOwnAncestorsIsNone() throws FsException {
        long a = volume.directory(ROOT, "a");
        long b = volume.directory(a, "b");
        Inode looped = volume.inode(a).edit().parent(b).build();
        volume.tree.put(VolumeKeys.inode(a), InodeLayout.encode(looped));
        assertThat(volume.reader.path(b)).as("found by its name all the same").isEqualTo("/a/b");
        byte[] name = {'a'};
        volume.tree.remove(VolumeKeys.dirent(ROOT, volume.reader.hash().of(name), name));
        assertThat(volume.reader.path(b)).isNull();
        assertRefused(Errno.EIO, () -> volume.reader.isWithin(b, NOWHERE));
    }

    @Test
    void aCorruptRecordIsAnInputOutputErrorThatSaysWhatIsWrong() {
        long file = volume.file(ROOT, "file");
        volume.tree.put(VolumeKeys.inode(file), new byte[InodeLayout.BYTES]);
        assertThatThrownBy(() -> volume.reader.inode(file))
                .isInstanceOfSatisfying(
                        FsException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(Errno.EIO))
                .hasMessageContaining("inode " + file)
                .hasMessageContaining("mode");
    }

    @Test
    void theKeyOfTheNamesIsInTheTree() throws FsException {
        byte[] name = {'n'};
        assertThat(NamespaceReader.nameHash(volume.tree).of(name))
                .isEqualTo(NameHash.keyed(NamespaceFixture.NAME_KEY).of(name));
        volume.tree.remove(VolumeKeys.header());
        assertRefused(Errno.EIO, () -> NamespaceReader.nameHash(volume.tree));
    }
}
