package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.NamespaceFixture.DIRECTORY;
import static io.dynamicfs.engine.fs.NamespaceFixture.FILE;
import static io.dynamicfs.engine.fs.NamespaceFixture.ROOT;
import static io.dynamicfs.engine.fs.NamespaceFixture.bytes;
import static io.dynamicfs.engine.fs.NamespaceFixture.records;
import static io.dynamicfs.engine.fs.NamespaceFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Timestamp;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.syscall.Errno;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NamespaceEditorTest {
    private static final long NOWHERE = 999_999;
    private static final int EXCHANGE = PosixVolume.RENAME_EXCHANGE;
    private static final int NOREPLACE = PosixVolume.RENAME_NOREPLACE;

    private final NamespaceFixture volume = new NamespaceFixture();

    @AfterEach
    void theRecordsAgree() {
        assertThat(volume.findings()).isEmpty();
    }

    /** Asserts the refusal, and that it changed nothing. */
    private void refuses(Errno expected, Operation.Namespace operation) {
        Map<String, String> before = records(volume.tree);
        assertThat(volume.refusal(operation)).as("%s", operation).isEqualTo(expected);
        assertThat(records(volume.tree)).as("records after %s", operation).isEqualTo(before);
    }

    private Operation.Make make(long directory, String name, int mode) {
        return make(directory, text(name), mode);
    }

    private Operation.Make make(long directory, ByteString name, int mode) {
        return new Operation.Make(directory, name, volume.newInode(), mode, 0, 0, 0, volume.tick());
    }

    private Operation.Symlink symlink(long directory, String name, ByteString target) {
        return new Operation.Symlink(directory, text(name), volume.newInode(), target, 0, 0, volume.tick());
    }

    private Operation.Link link(long inode, long directory, String name) {
        return new Operation.Link(inode, directory, text(name), volume.tick());
    }

    private Operation.Unlink unlink(long directory, String name) {
        return new Operation.Unlink(directory, text(name), volume.tick());
    }

    private Operation.RemoveDirectory removeDirectory(long directory, String name) {
        return new Operation.RemoveDirectory(directory, text(name), volume.tick());
    }

    private Operation.Rename rename(long directory, String name, long newDirectory, String newName, int flags) {
        return new Operation.Rename(directory, text(name), newDirectory, text(newName), flags, volume.tick());
    }

    private Operation.SetXattr setXattr(long inode, String name, String value, int flags) {
        return new Operation.SetXattr(inode, text(name), text(value), flags, volume.tick());
    }

    private Operation.SetAttributes chmod(long inode, int mode) {
        return new Operation.SetAttributes(inode, mode, null, null, null, null, volume.tick());
    }

    private Operation.SetAttributes chown(long inode, @Nullable Integer uid, @Nullable Integer gid) {
        return new Operation.SetAttributes(inode, null, uid, gid, null, null, volume.tick());
    }

    @Test
    void makeRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        long dead = volume.directory(ROOT, "dead");
        volume.removeDirectory(ROOT, "dead");

        refuses(Errno.EEXIST, make(ROOT, "file", FILE));
        refuses(Errno.EEXIST, make(ROOT, "file", DIRECTORY));
        refuses(Errno.EEXIST, make(ROOT, ".", DIRECTORY));
        refuses(Errno.EEXIST, make(ROOT, "..", FILE));
        refuses(Errno.ENOENT, make(ROOT, "", FILE));
        refuses(Errno.EINVAL, make(ROOT, "a/b", FILE));
        refuses(Errno.EINVAL, make(ROOT, "a\0b", FILE));
        refuses(Errno.ENAMETOOLONG, make(ROOT, bytes(256), FILE));
        refuses(Errno.ENOTDIR, make(file, "name", FILE));
        refuses(Errno.ENOENT, make(dead, "name", FILE));
        refuses(Errno.ESTALE, make(NOWHERE, "name", FILE));
        refuses(Errno.EINVAL, make(ROOT, "name", Inode.SYMLINK | 0777));
        refuses(Errno.EINVAL, make(ROOT, "name", 0xF000));
    }

    @Test
    void aNameMayHave255BytesOfAnyKindButSlashAndZero() throws FsException {
        byte[] name = new byte[255];
        for (int i = 0; i < name.length; i++) {
            name[i] = (byte) (i + 1 == '/' ? 'x' : i + 1);
        }
        NamespaceChange made = volume.apply(make(ROOT, ByteString.of(name), FILE));
        assertThat(volume.reader.lookup(ROOT, ByteString.of(name))).isEqualTo(made.inode());
    }

    @Test
    void makeWithoutTypeBitsMakesAFile() {
        assertThat(volume.inode(volume.make(ROOT, "file", 0600)).mode()).isEqualTo(Inode.REGULAR | 0600);
    }

    @Test
    void makeGivesEveryTypeItsLinksAndParent() {
        for (int type :
                new int[] {Inode.REGULAR, Inode.FIFO, Inode.SOCKET, Inode.CHARACTER_DEVICE, Inode.BLOCK_DEVICE}) {
            String name = "type" + type;
            NamespaceChange change = volume.apply(
                    new Operation.Make(ROOT, text(name), volume.newInode(), type | 04755, 0x801, 5, 6, volume.tick()));
            assertThat(change.inodesAdded()).isEqualTo(1);
            Inode inode = volume.inode(volume.lookup(ROOT, name));
            assertThat(inode.mode()).isEqualTo(type | 04755);
            assertThat(inode.links()).isEqualTo(1);
            assertThat(inode.uid()).isEqualTo(5);
            assertThat(inode.gid()).isEqualTo(6);
            assertThat(inode.parent()).isEqualTo(ROOT);
            boolean isDevice = type == Inode.CHARACTER_DEVICE || type == Inode.BLOCK_DEVICE;
            assertThat(inode.rdev()).isEqualTo(isDevice ? 0x801 : 0);
        }
        assertThat(volume.inode(ROOT).links()).isEqualTo(2);
        assertThat(volume.inode(volume.directory(ROOT, "directory")).links()).isEqualTo(2);
        assertThat(volume.inode(ROOT).links()).isEqualTo(3);
        assertThat(volume.inode(ROOT).size()).isEqualTo(6 * Inode.ENTRY_BYTES);
    }

    @Test
    void makeInASetGroupIdDirectoryInheritsTheGroupAndForDirectoriesTheBit() {
        long directory = volume.directory(ROOT, "shared");
        volume.apply(chown(directory, null, 77));
        volume.apply(chmod(directory, 02775));

        Inode file = volume.inode(volume.file(directory, "file"));
        assertThat(file.gid()).isEqualTo(77);
        assertThat(file.mode()).isEqualTo(FILE);
        Inode below = volume.inode(volume.directory(directory, "below"));
        assertThat(below.gid()).isEqualTo(77);
        assertThat(below.mode()).isEqualTo(DIRECTORY | Inode.SET_GID);
        assertThat(volume.inode(volume.symlink(directory, "link", "x")).gid()).isEqualTo(77);
    }

    @Test
    void aFileWithoutANameIsAnOrphanUntilItIsLinkedOnce() {
        long directory = volume.directory(ROOT, "shared");
        volume.apply(chown(directory, null, 77));
        volume.apply(chmod(directory, 02775));
        Map<String, String> before = records(volume.tree);
        NamespaceChange made =
                volume.apply(new Operation.MakeUnnamed(directory, volume.newInode(), 0640, 5, 6, volume.tick()));
        long file = made.inode();
        assertThat(made).isEqualTo(new NamespaceChange(file, 0, file, 0, 1));
        assertThat(records(volume.tree)).as("an inode and that it is an orphan").hasSize(before.size() + 2);
        Inode unnamed = volume.inode(file);
        assertThat(unnamed.links()).isZero();
        assertThat(unnamed.mode()).isEqualTo(Inode.REGULAR | 0640);
        assertThat(unnamed.uid()).isEqualTo(5);
        assertThat(unnamed.gid()).as("of the set-group-id directory").isEqualTo(77);

        assertThat(volume.link(file, ROOT, "name")).isEqualTo(new NamespaceChange(file, 0, 0, file, 0));
        assertThat(volume.inode(file).links()).isEqualTo(1);
        assertThat(volume.inode(file).parent()).isEqualTo(ROOT);
        assertThat(volume.link(file, directory, "second").named()).isZero();
        volume.unlink(directory, "second");
        volume.unlink(ROOT, "name");
        refuses(Errno.ENOENT, link(file, ROOT, "again"));
        refuses(Errno.ENOTDIR, new Operation.MakeUnnamed(file, volume.newInode(), 0640, 5, 6, volume.tick()));
    }

    @Test
    void aDefaultListIsInheritedAndAnAccessListFollowsTheMode() throws Exception {
        AccessControlList list = AccessControlList.parse(ByteString.of(HexFormat.of()
                .parseHex("0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000000ffffffff")));
        long directory = volume.directory(ROOT, "d");
        volume.setXattr(directory, "system.posix_acl_default", list.encode());
        assertThat(volume.inode(directory).mode()).isEqualTo(DIRECTORY);
        long file = volume.make(directory, "f", Inode.REGULAR | 0666);
        long below = volume.make(directory, "d", Inode.DIRECTORY | 0777);
        long unnamed = volume.apply(new Operation.MakeUnnamed(directory, volume.newInode(), 0600, 5, 6, volume.tick()))
                .inode();
        long link = volume.symlink(directory, "l", "x");

        assertThat(volume.inode(file).mode()).isEqualTo(Inode.REGULAR | 0660);
        assertThat(volume.inode(unnamed).mode()).isEqualTo(Inode.REGULAR | 0600);
        assertThat(volume.inode(below).mode()).isEqualTo(Inode.DIRECTORY | 0770);
        assertThat(volume.inode(link).xattrCount()).isZero();
        assertThat(listed(file)).containsExactly("system.posix_acl_access");
        assertThat(listed(below)).containsExactlyInAnyOrder("system.posix_acl_access", "system.posix_acl_default");
        assertThat(access(file)).isEqualTo(list.inheritedBy(0666).list());

        volume.apply(chmod(file, 0604));
        assertThat(access(file)).isEqualTo(list.inheritedBy(0666).list().withMode(0604));
        volume.apply(chmod(file, 02777));
        volume.apply(new Operation.SetXattr(file, text("system.posix_acl_access"), list.encode(), 4, volume.tick()));
        assertThat(volume.inode(file).mode()).as("without set-group-id").isEqualTo(Inode.REGULAR | 0770);
        volume.apply(chmod(file, 0640));
        AccessControlList minimal = AccessControlList.parse(
                ByteString.of(HexFormat.of().parseHex("0200000001000600ffffffff04000400ffffffff20000400ffffffff")));
        volume.setXattr(file, "system.posix_acl_access", minimal.encode());
        assertThat(volume.inode(file).mode()).isEqualTo(Inode.REGULAR | 0644);
        assertThat(listed(file)).isEmpty();

        Operation.SetXattr onFile =
                new Operation.SetXattr(file, text("system.posix_acl_default"), list.encode(), 0, volume.tick());
        refuses(Errno.EACCES, onFile);
        refuses(
                Errno.EINVAL,
                new Operation.SetXattr(file, text("system.posix_acl_access"), text("nonsense"), 0, volume.tick()));
        refuses(
                Errno.EOPNOTSUPP,
                new Operation.SetXattr(file, text("system.posix_acl_other"), list.encode(), 0, volume.tick()));
    }

    private List<String> listed(long inode) throws FsException {
        return volume.reader.listXattr(inode).stream().map(ByteString::toString).toList();
    }

    private AccessControlList access(long inode) throws FsException {
        return AccessControlList.parse(volume.reader.getXattr(inode, XattrNames.ACCESS_LIST));
    }

    @Test
    void aNewInodeNumberThatIsInUseIsABug() {
        long file = volume.file(ROOT, "file");
        assertThatThrownBy(() -> volume.apply(new Operation.Make(ROOT, text("b"), file, FILE, 0, 0, 0, volume.tick())))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void symlinkRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        refuses(Errno.EEXIST, symlink(ROOT, "file", text("x")));
        refuses(Errno.ENOENT, symlink(ROOT, "link", ByteString.EMPTY));
        refuses(Errno.ENAMETOOLONG, symlink(ROOT, "link", text("x".repeat(4096))));
        refuses(Errno.EINVAL, symlink(ROOT, "link", text("a\0b")));
        refuses(Errno.ENOTDIR, symlink(file, "link", text("x")));
    }

    @Test
    void aSymlinkKeepsItsTarget() throws FsException {
        String target = "x".repeat(4095);
        long link = volume.symlink(ROOT, "link", target);
        assertThat(volume.reader.readLink(link)).isEqualTo(text(target));
        assertThat(volume.inode(link).size()).isEqualTo(4095);
        assertThat(volume.inode(link).mode()).isEqualTo(Inode.SYMLINK | 0777);
        long file = volume.file(ROOT, "file");
        assertThatThrownBy(() -> volume.reader.readLink(file))
                .isInstanceOfSatisfying(
                        FsException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    @Test
    void linkRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        long directory = volume.directory(ROOT, "directory");
        long dead = volume.directory(ROOT, "dead");
        volume.removeDirectory(ROOT, "dead");
        long orphan = volume.file(ROOT, "orphan");
        volume.unlink(ROOT, "orphan");

        refuses(Errno.EEXIST, link(file, ROOT, "directory"));
        refuses(Errno.EEXIST, link(directory, ROOT, "file"));
        refuses(Errno.EEXIST, link(file, ROOT, "."));
        refuses(Errno.EPERM, link(directory, ROOT, "name"));
        refuses(Errno.ENOENT, link(orphan, ROOT, "name"));
        refuses(Errno.ENOENT, link(file, dead, "name"));
        refuses(Errno.ENOTDIR, link(file, file, "name"));
        refuses(Errno.ESTALE, link(NOWHERE, ROOT, "name"));
    }

    @Test
    void aFileHasAtMost65000Names() {
        long file = volume.file(ROOT, "0");
        for (int i = 1; i < NamespaceEditor.LINKS_MAX; i++) {
            volume.link(file, ROOT, Integer.toString(i));
        }
        assertThat(volume.inode(file).links()).isEqualTo(NamespaceEditor.LINKS_MAX);
        assertThat(volume.refusal(link(file, ROOT, "more"))).isEqualTo(Errno.EMLINK);
    }

    @Test
    void unlinkRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        volume.directory(ROOT, "directory");
        refuses(Errno.ENOENT, unlink(ROOT, "nothing"));
        refuses(Errno.EISDIR, unlink(ROOT, "directory"));
        refuses(Errno.EISDIR, unlink(ROOT, "."));
        refuses(Errno.EISDIR, unlink(ROOT, ".."));
        refuses(Errno.ENOTDIR, unlink(file, "name"));
        refuses(Errno.ENAMETOOLONG, new Operation.Unlink(ROOT, bytes(256), volume.tick()));
    }

    @Test
    void removeDirectoryRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        long directory = volume.directory(ROOT, "directory");
        volume.file(directory, "inside");
        refuses(Errno.ENOENT, removeDirectory(ROOT, "nothing"));
        refuses(Errno.ENOTDIR, removeDirectory(ROOT, "file"));
        refuses(Errno.ENOTDIR, removeDirectory(file, "name"));
        refuses(Errno.ENOTEMPTY, removeDirectory(ROOT, "directory"));
        refuses(Errno.EINVAL, removeDirectory(ROOT, "."));
        refuses(Errno.ENOTEMPTY, removeDirectory(directory, ".."));
    }

    @Test
    void renameRefusesWhatLinuxRefuses() {
        long a = volume.directory(ROOT, "a");
        long b = volume.directory(a, "b");
        long c = volume.directory(b, "c");
        long file = volume.file(ROOT, "file");
        volume.directory(ROOT, "empty");
        long dead = volume.directory(ROOT, "dead");
        volume.removeDirectory(ROOT, "dead");

        refuses(Errno.EINVAL, rename(ROOT, "file", ROOT, "new", 4));
        refuses(Errno.EINVAL, rename(ROOT, "file", ROOT, "new", NOREPLACE | EXCHANGE));
        refuses(Errno.EINVAL, rename(ROOT, "nothing", ROOT, "new", 8));
        refuses(Errno.ENOENT, rename(ROOT, "nothing", ROOT, "new", 0));
        refuses(Errno.ENOENT, rename(ROOT, "file", ROOT, "new", EXCHANGE));
        refuses(Errno.EEXIST, rename(ROOT, "file", ROOT, "empty", NOREPLACE));
        refuses(Errno.EEXIST, rename(ROOT, "file", ROOT, "file", NOREPLACE));
        refuses(Errno.EISDIR, rename(ROOT, "file", ROOT, "empty", 0));
        refuses(Errno.ENOTDIR, rename(ROOT, "empty", ROOT, "file", 0));
        refuses(Errno.ENOTEMPTY, rename(ROOT, "empty", ROOT, "a", 0));
        refuses(Errno.EBUSY, rename(ROOT, ".", ROOT, "new", 0));
        refuses(Errno.EBUSY, rename(ROOT, "file", ROOT, "..", 0));
        refuses(Errno.EEXIST, rename(ROOT, "file", ROOT, "..", NOREPLACE));
        refuses(Errno.ENOTDIR, rename(ROOT, "empty", file, "new", 0));
        refuses(Errno.ENOTDIR, rename(file, "x", ROOT, "new", 0));
        refuses(Errno.ENOENT, rename(ROOT, "file", dead, "new", 0));
        refuses(Errno.EINVAL, rename(ROOT, "a", a, "new", 0));
        refuses(Errno.EINVAL, rename(ROOT, "a", c, "new", 0));
        refuses(Errno.EINVAL, rename(ROOT, "a", b, "c", EXCHANGE));
        refuses(Errno.EINVAL, rename(b, "c", ROOT, "a", EXCHANGE));
        refuses(Errno.ENOTEMPTY, rename(b, "c", ROOT, "a", 0));
        refuses(Errno.ENAMETOOLONG, new Operation.Rename(ROOT, text("file"), ROOT, bytes(256), 0, volume.tick()));
        refuses(Errno.ENOENT, new Operation.Rename(ROOT, text("none"), ROOT, bytes(256), 0, volume.tick()));
    }

    @Test
    void renameOfAFileToAnotherOfItsNamesDoesNothing() {
        long file = volume.file(ROOT, "a");
        volume.link(file, ROOT, "b");
        Map<String, String> before = records(volume.tree);
        assertThat(volume.rename(ROOT, "a", ROOT, "b", 0)).isEqualTo(NamespaceChange.of(file));
        assertThat(volume.rename(ROOT, "a", ROOT, "a", 0)).isEqualTo(NamespaceChange.of(file));
        assertThat(volume.rename(ROOT, "a", ROOT, "b", EXCHANGE)).isEqualTo(NamespaceChange.of(file));
        assertThat(records(volume.tree)).isEqualTo(before);
    }

    @Test
    void renameOverAFileOrphansIt() {
        long winner = volume.file(ROOT, "winner");
        long loser = volume.file(ROOT, "loser");
        assertThat(volume.rename(ROOT, "winner", ROOT, "loser", 0))
                .isEqualTo(new NamespaceChange(winner, loser, loser, 0, 0));
        assertThat(volume.lookup(ROOT, "loser")).isEqualTo(winner);
        assertThat(volume.inode(loser).links()).isZero();
        assertThat(volume.reader.orphans(0, 10)).containsExactly(loser);
        assertThat(volume.inode(ROOT).size()).isEqualTo(Inode.ENTRY_BYTES);
    }

    @Test
    void renameOverAFileWithMoreNamesOrphansNothing() {
        long winner = volume.file(ROOT, "winner");
        long loser = volume.file(ROOT, "loser");
        volume.link(loser, ROOT, "other");
        assertThat(volume.rename(ROOT, "winner", ROOT, "loser", 0))
                .isEqualTo(new NamespaceChange(winner, loser, 0, 0, 0));
        assertThat(volume.inode(loser).links()).isEqualTo(1);
    }

    @Test
    void renameOfADirectoryMovesItsLinkToTheNewParent() {
        long from = volume.directory(ROOT, "from");
        long to = volume.directory(ROOT, "to");
        long moved = volume.directory(from, "moved");
        long replaced = volume.directory(to, "replaced");

        assertThat(volume.rename(from, "moved", to, "replaced", 0))
                .isEqualTo(new NamespaceChange(moved, replaced, replaced, 0, 0));
        assertThat(volume.inode(from).links()).isEqualTo(2);
        assertThat(volume.inode(to).links()).isEqualTo(3);
        assertThat(volume.inode(moved).parent()).isEqualTo(to);
        assertThat(volume.inode(replaced).links()).isZero();
    }

    @Test
    void renameOverADirectoryOfTheSameParentTakesOneLinkFromIt() {
        long moved = volume.directory(ROOT, "moved");
        volume.directory(ROOT, "replaced");
        volume.rename(ROOT, "moved", ROOT, "replaced", 0);
        assertThat(volume.inode(ROOT).links()).isEqualTo(3);
        assertThat(volume.inode(ROOT).size()).isEqualTo(Inode.ENTRY_BYTES);
        assertThat(volume.inode(moved).links()).isEqualTo(2);
    }

    @Test
    void renameExchangesAFileAndADirectory() {
        long from = volume.directory(ROOT, "from");
        long to = volume.directory(ROOT, "to");
        long directory = volume.directory(from, "x");
        long file = volume.file(to, "y");

        assertThat(volume.rename(from, "x", to, "y", EXCHANGE))
                .isEqualTo(new NamespaceChange(directory, file, 0, 0, 0));
        assertThat(volume.lookup(from, "x")).isEqualTo(file);
        assertThat(volume.lookup(to, "y")).isEqualTo(directory);
        assertThat(volume.lookup(directory, "..")).isEqualTo(to);
        assertThat(volume.inode(from).links()).isEqualTo(2);
        assertThat(volume.inode(to).links()).isEqualTo(3);
    }

    @Test
    void everyOperationSetsTheTimesThatLinuxSets() {
        long from = volume.directory(ROOT, "from");
        long to = volume.directory(ROOT, "to");
        long file = volume.file(from, "file");
        long other = volume.file(to, "other");

        Timestamp created = volume.inode(file).born();
        assertThat(List.of(modified(from), changed(from), modified(file), changed(file)))
                .containsOnly(created);

        volume.link(file, to, "second");
        assertThat(List.of(modified(to), changed(to), changed(file))).containsOnly(changed(file));
        assertThat(modified(file)).isEqualTo(created);
        assertThat(changed(from)).isEqualTo(created);

        volume.rename(from, "file", to, "other", 0);
        assertThat(List.of(modified(from), changed(from), modified(to), changed(to), changed(other)))
                .containsOnly(changed(file));
        assertThat(modified(file)).isEqualTo(created);

        volume.unlink(to, "second");
        assertThat(List.of(modified(to), changed(to))).containsOnly(changed(file));

        Timestamp before = changed(to);
        volume.apply(chmod(to, 0700));
        assertThat(modified(to)).isEqualTo(before);
        assertThat(changed(to)).isNotEqualTo(before);
        assertThat(volume.inode(to).born()).isNotEqualTo(changed(to));
    }

    private Timestamp modified(long inode) {
        return volume.inode(inode).modified();
    }

    private Timestamp changed(long inode) {
        return volume.inode(inode).changed();
    }

    @Test
    void unlinkOfOneOfTwoNamesForgetsAParentThatMayNoLongerHaveOne() throws FsException {
        long a = volume.directory(ROOT, "a");
        long b = volume.directory(ROOT, "b");
        long file = volume.file(a, "x");
        volume.link(file, b, "y");
        assertThat(volume.unlink(a, "x").orphan()).isZero();
        assertThat(volume.inode(file).parent()).isZero();
        assertThat(volume.reader.path(file)).isEqualTo("/b/y");
        volume.link(file, a, "z");
        assertThat(volume.inode(file).parent()).isEqualTo(a);
        assertThat(volume.unlink(b, "y").orphan()).isZero();
        assertThat(volume.unlink(a, "z").orphan()).isEqualTo(file);
        assertThat(volume.reader.path(file)).isNull();
    }

    @Test
    void removeInodeLeavesNothingOfAnOrphan() {
        Map<String, String> before = records(volume.tree);
        long file = volume.file(ROOT, "file");
        volume.setXattr(file, "user.long", bytes(10_000));
        long link = volume.symlink(ROOT, "link", "target");
        long directory = volume.directory(ROOT, "directory");
        assertThatThrownBy(() -> volume.names.removeInode(file)).isInstanceOf(IllegalStateException.class);
        volume.unlink(ROOT, "file");
        volume.unlink(ROOT, "link");
        volume.removeDirectory(ROOT, "directory");
        for (long orphan : volume.reader.orphans(0, 10)) {
            remove(orphan);
        }
        assertThat(List.of(file, link, directory))
                .allSatisfy(gone ->
                        assertThat(volume.tree.get(VolumeKeys.inode(gone))).isNull());
        before.keySet().removeIf(key -> key.startsWith("000000000000000101"));
        Map<String, String> after = records(volume.tree);
        after.keySet().removeIf(key -> key.startsWith("000000000000000101"));
        assertThat(after).isEqualTo(before);
    }

    private void remove(long orphan) {
        try {
            volume.names.removeInode(orphan);
        } catch (FsException refused) {
            throw new AssertionError(refused);
        }
    }

    @Test
    void setAttributesChangesWhatItIsGivenAndNothingElse() {
        long file = volume.file(ROOT, "file");
        Inode before = volume.inode(file);
        Timestamp accessed = new Timestamp(-5, 999_999_999);
        Timestamp modified = new Timestamp(5, 0);
        Timestamp now = volume.tick();
        volume.apply(new Operation.SetAttributes(file, 0177777, 11, 12, accessed, modified, now));
        assertThat(volume.inode(file))
                .isEqualTo(before.edit()
                        .mode(Inode.REGULAR | 07777)
                        .uid(11)
                        .gid(12)
                        .accessed(accessed)
                        .modified(modified)
                        .changed(now)
                        .build());
        volume.apply(new Operation.SetAttributes(file, null, null, null, null, null, volume.tick()));
        assertThat(volume.inode(file).mode()).isEqualTo(Inode.REGULAR | 07777);
        refuses(Errno.ESTALE, chmod(NOWHERE, 0));
        refuses(Errno.EOPNOTSUPP, chmod(volume.symlink(ROOT, "link", "x"), 0));
        refuses(
                Errno.EINVAL,
                new Operation.SetAttributes(
                        file, null, null, null, new Timestamp(0, 1_000_000_000), null, volume.tick()));
    }

    @Test
    void chownTakesPrivilegesFromFilesAndNotFromDirectories() throws FsException {
        long file = volume.file(ROOT, "file");
        volume.apply(chmod(file, 06755));
        volume.setXattr(file, "security.capability", text("all"));
        volume.apply(chown(file, 1, null));
        assertThat(volume.inode(file).mode()).isEqualTo(Inode.REGULAR | 0755);
        assertThat(volume.reader.listXattr(file)).isEmpty();

        volume.apply(chmod(file, 06744));
        volume.apply(chown(file, null, 1));
        assertThat(volume.inode(file).mode()).isEqualTo(Inode.REGULAR | 02744);

        long directory = volume.directory(ROOT, "directory");
        volume.apply(chmod(directory, 06755));
        volume.apply(chown(directory, 1, 1));
        assertThat(volume.inode(directory).mode()).isEqualTo(Inode.DIRECTORY | 06755);
    }

    @Test
    void setXattrRefusesWhatLinuxRefuses() {
        long file = volume.file(ROOT, "file");
        long link = volume.symlink(ROOT, "link", "x");
        int create = PosixVolume.XATTR_CREATE;
        int replace = PosixVolume.XATTR_REPLACE;
        volume.setXattr(file, "user.there", text("value"));

        refuses(Errno.EEXIST, setXattr(file, "user.there", "", create));
        refuses(Errno.ENODATA, setXattr(file, "user.new", "", replace));
        refuses(Errno.EINVAL, setXattr(file, "user.new", "", 4));
        refuses(Errno.ERANGE, setXattr(file, "", "", 0));
        refuses(Errno.ERANGE, setXattr(file, "user." + "x".repeat(251), "", 0));
        refuses(Errno.EINVAL, setXattr(file, "user.", "", 0));
        refuses(Errno.EOPNOTSUPP, setXattr(file, "name", "", 0));
        refuses(Errno.EOPNOTSUPP, setXattr(file, "system.other", "", 0));
        refuses(Errno.EPERM, setXattr(link, "user.name", "", 0));
        refuses(Errno.ESTALE, setXattr(NOWHERE, "user.name", "", 0));
        refuses(Errno.E2BIG, new Operation.SetXattr(file, text("user.a"), bytes(65_537), 0, volume.tick()));
        refuses(Errno.ENODATA, new Operation.RemoveXattr(file, text("user.none"), volume.tick()));
        refuses(Errno.EPERM, new Operation.RemoveXattr(link, text("user.none"), volume.tick()));
        refuses(Errno.EOPNOTSUPP, new Operation.RemoveXattr(file, text("none"), volume.tick()));
    }

    @Test
    void attributesAreReadListedReplacedAndRemoved() throws FsException {
        long file = volume.file(ROOT, "file");
        String longest = "user." + "x".repeat(250);
        volume.setXattr(file, longest, bytes(65_536));
        volume.setXattr(file, "trusted.empty", ByteString.EMPTY);
        volume.setXattr(file, "security.selinux", text("label"));
        assertThat(volume.reader.getXattr(file, text(longest))).isEqualTo(bytes(65_536));
        assertThat(volume.reader.getXattr(file, text("trusted.empty"))).isEqualTo(ByteString.EMPTY);
        assertThat(volume.reader.listXattr(file))
                .containsExactlyInAnyOrder(text(longest), text("trusted.empty"), text("security.selinux"));
        assertThat(volume.findings()).isEmpty();

        volume.apply(setXattr(file, longest, "short", PosixVolume.XATTR_REPLACE));
        assertThat(volume.reader.getXattr(file, text(longest))).isEqualTo(text("short"));
        assertThat(volume.inode(file).xattrValueBytes()).isEqualTo(5 + 5);
        assertThat(volume.findings()).isEmpty();

        volume.apply(new Operation.RemoveXattr(file, text(longest), volume.tick()));
        assertThat(volume.inode(file).xattrCount()).isEqualTo(2);
        assertThat(getXattr(file, longest)).isEqualTo(Errno.ENODATA);
        assertThat(getXattr(file, "system.posix_acl_access")).isEqualTo(Errno.ENODATA);
        assertThat(getXattr(file, "system.other")).isEqualTo(Errno.EOPNOTSUPP);
    }

    private @Nullable Errno getXattr(long file, String name) {
        try {
            volume.reader.getXattr(file, text(name));
            return null;
        } catch (FsException refused) {
            return refused.errno();
        }
    }

    @Test
    void namesOfAttributesFitInOneListAndTheirValuesInOneMebibyte() {
        long file = volume.file(ROOT, "file");
        List<String> names = new ArrayList<>();
        Errno refusal = null;
        for (int i = 0; refusal == null; i++) {
            String name = "user.%0250d".formatted(i);
            refusal = volume.refusal(setXattr(file, name, "", 0));
            names.add(name);
        }
        assertThat(refusal).isEqualTo(Errno.ENOSPC);
        assertThat(names).hasSize(65_536 / 256);

        long other = volume.file(ROOT, "other");
        for (int i = 0; i < 16; i++) {
            volume.setXattr(other, "user." + i, bytes(65_536));
        }
        assertThat(volume.refusal(setXattr(other, "user.more", "x", 0))).isEqualTo(Errno.ENOSPC);
        assertThat(volume.refusal(setXattr(other, "user.0", "x", 0))).isNull();
    }

    @Test
    void theRedundancyAttributeIsInheritedListedAndRemovable() throws FsException {
        long directory = volume.directory(ROOT, "directory");
        String name = "user.dynamicfs.redundancy";
        refuses(Errno.EINVAL, setXattr(directory, name, "9x", 0));
        refuses(Errno.EINVAL, setXattr(directory, name, "", 0));
        refuses(Errno.ENODATA, setXattr(directory, name, "4+2", PosixVolume.XATTR_REPLACE));
        volume.apply(setXattr(directory, name, "4+2", PosixVolume.XATTR_CREATE));
        refuses(Errno.EEXIST, setXattr(directory, name, "3x", PosixVolume.XATTR_CREATE));
        refuses(Errno.EPERM, setXattr(volume.make(ROOT, "fifo", Inode.FIFO), name, "3x", 0));

        long below = volume.directory(directory, "below");
        long file = volume.file(below, "file");
        assertThat(volume.inode(file).redundancy()).isEqualTo(new Redundancy(4, 2));
        assertThat(volume.inode(volume.make(below, "fifo", Inode.FIFO)).redundancy())
                .isNull();
        assertThat(volume.reader.getXattr(file, text(name))).isEqualTo(text("4+2"));
        assertThat(volume.reader.listXattr(file)).containsExactly(text(name));

        volume.apply(new Operation.RemoveXattr(file, text(name), volume.tick()));
        assertThat(volume.inode(file).redundancy()).isNull();
        refuses(Errno.ENODATA, new Operation.RemoveXattr(file, text(name), volume.tick()));
        assertThat(volume.inode(below).redundancy()).isEqualTo(new Redundancy(4, 2));
    }
}
