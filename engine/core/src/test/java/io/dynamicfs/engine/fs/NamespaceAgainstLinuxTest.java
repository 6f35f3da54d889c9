package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.NamespaceFixture.ROOT;
import static io.dynamicfs.engine.fs.NamespaceFixture.bytes;
import static io.dynamicfs.engine.fs.NamespaceFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.syscall.DirectoryCalls;
import io.dynamicfs.engine.syscall.Errno;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same operations on a tmpfs of the running kernel and on a volume's tree get the same answers and leave the same names. */
class NamespaceAgainstLinuxTest {
    private static final Path TMPFS = Path.of("/dev/shm");
    private static final int OPERATIONS = 4_000;
    private static final int DIRECTORIES_MAX = 40;
    private static final String LONGEST = "n".repeat(255);
    private static final List<String> ODD_NAMES = List.of(".", "..", "", "n".repeat(256), LONGEST);

    private final NamespaceFixture volume = new NamespaceFixture();
    private final List<Directory> directories = new ArrayList<>();
    private @Nullable Path top;

    /** A directory in both worlds; it stays usable when it was moved or removed. */
    private record Directory(int descriptor, long inode) {}

    @BeforeEach
    void makeTop() throws IOException {
        assumeTrue(
                Files.isDirectory(TMPFS)
                        && Files.isWritable(TMPFS)
                        && Files.getFileStore(TMPFS).type().equals("tmpfs"),
                "needs a writable tmpfs at " + TMPFS);
        top = Files.createTempDirectory(TMPFS, "names");
        directories.add(new Directory(DirectoryCalls.openDirectory(top.toString()), ROOT));
    }

    @AfterEach
    void removeTop() throws IOException {
        directories.forEach(directory -> DirectoryCalls.close(directory.descriptor));
        if (top != null) {
            Files.walkFileTree(top, new Remover());
        }
    }

    private static final class Remover extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomOperationsGetTheSameAnswersAndLeaveTheSameTree(long seed) throws Exception {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        for (int i = 0; i < OPERATIONS; i++) {
            step(random, "seed " + seed + ", operation " + i);
            if (i % 400 == 0) {
                assertSameTree("seed " + seed + ", operation " + i);
            }
        }
        assertSameTree("seed " + seed + " at the end");
        assertThat(volume.findings()).isEmpty();
    }

    private void step(RandomGenerator random, String when) throws FsException {
        if (directories.size() == DIRECTORIES_MAX) {
            Directory forgotten = directories.remove(1 + random.nextInt(DIRECTORIES_MAX - 1));
            DirectoryCalls.close(forgotten.descriptor);
        }
        Directory directory = pick(random);
        Directory other = random.nextInt(3) == 0 ? directory : pick(random);
        String name = name(random);
        String otherName = name(random);
        switch (random.nextInt(10)) {
            case 0, 1 ->
                same(
                        when,
                        make(directory, name, Inode.REGULAR | 0644),
                        DirectoryCalls.create(directory.descriptor, name, 0644));
            case 2, 3 -> makeDirectory(random, directory, name, when);
            case 4 ->
                same(
                        when,
                        new Operation.Symlink(
                                directory.inode, text(name), volume.newInode(), text(otherName), 0, 0, volume.tick()),
                        DirectoryCalls.symlink(otherName, directory.descriptor, name));
            case 5 -> link(directory, name.startsWith(".") ? "a" : name, other, otherName, when);
            case 6 ->
                same(
                        when,
                        new Operation.Unlink(directory.inode, text(name), volume.tick()),
                        DirectoryCalls.unlink(directory.descriptor, name));
            case 7 ->
                same(
                        when,
                        new Operation.RemoveDirectory(directory.inode, text(name), volume.tick()),
                        DirectoryCalls.removeDirectory(directory.descriptor, name));
            default -> {
                int flags = random.nextInt(8) < 5 ? 0 : random.nextInt(4);
                same(
                        when,
                        new Operation.Rename(
                                directory.inode, text(name), other.inode, text(otherName), flags, volume.tick()),
                        DirectoryCalls.rename(directory.descriptor, name, other.descriptor, otherName, flags));
            }
        }
    }

    private Operation.Make make(Directory directory, String name, int mode) {
        return new Operation.Make(directory.inode, text(name), volume.newInode(), mode, 0, 0, 0, volume.tick());
    }

    private void makeDirectory(RandomGenerator random, Directory directory, String name, String when) {
        int mode = random.nextInt(4) == 0 ? 02755 : 0755;
        Operation.Make make = make(directory, name, Inode.DIRECTORY | 0755);
        if (same(when, make, DirectoryCalls.makeDirectory(directory.descriptor, name, 0755))) {
            directories.add(new Directory(DirectoryCalls.openDirectory(directory.descriptor, name), make.inode()));
            same(
                    when,
                    new Operation.SetAttributes(make.inode(), mode, null, null, null, null, volume.tick()),
                    DirectoryCalls.chmod(directory.descriptor, name, mode));
        }
    }

    private void link(Directory directory, String name, Directory other, String otherName, String when) {
        int kernel = DirectoryCalls.link(directory.descriptor, name, other.descriptor, otherName);
        long inode;
        try {
            inode = volume.reader.lookup(directory.inode, text(name));
        } catch (FsException missing) {
            assertThat(-missing.errno().number()).as(when).isEqualTo(kernel);
            return;
        }
        same(when, new Operation.Link(inode, other.inode, text(otherName), volume.tick()), kernel);
    }

    /** Asserts that both did it or refused it alike; true when they did it. */
    private boolean same(String when, Operation.Namespace operation, int kernel) {
        Errno refusal = volume.refusal(operation);
        assertThat(refusal == null ? "done" : refusal.name())
                .as("%s: %s", when, operation)
                .isEqualTo(name(kernel));
        return refusal == null;
    }

    private static String name(int kernel) {
        return kernel >= 0
                ? "done"
                : Arrays.stream(Errno.values())
                        .filter(errno -> errno.number() == -kernel)
                        .map(Errno::name)
                        .findFirst()
                        .orElse("errno " + -kernel);
    }

    private Directory pick(RandomGenerator random) {
        return directories.get(random.nextInt(directories.size()));
    }

    private static String name(RandomGenerator random) {
        return random.nextInt(20) == 0
                ? ODD_NAMES.get(random.nextInt(ODD_NAMES.size()))
                : Character.toString('a' + random.nextInt(6));
    }

    private void assertSameTree(String when) throws Exception {
        SortedMap<String, String> kernel = new TreeMap<>();
        Map<Object, String> firstNames = new TreeMap<>();
        collectKernel(requireTop(), "", kernel, firstNames);
        SortedMap<String, String> ours = new TreeMap<>();
        collectOurs(ROOT, "", ours, new TreeMap<>());
        assertThat(ours).as(when).isEqualTo(kernel);
    }

    private Path requireTop() {
        if (top == null) {
            throw new IllegalStateException("there is no top directory");
        }
        return top;
    }

    /** Each path with mode, links, and, for files, the first path of the same inode. */
    private static void collectKernel(
            Path directory, String path, SortedMap<String, String> found, Map<Object, String> firstNames)
            throws IOException {
        List<Path> children = new ArrayList<>();
        try (var stream = Files.newDirectoryStream(directory)) {
            stream.forEach(children::add);
        }
        children.sort(null);
        for (Path child : children) {
            String childPath = path + "/" + child.getFileName();
            Map<String, Object> unix = Files.readAttributes(child, "unix:mode,nlink,ino", LinkOption.NOFOLLOW_LINKS);
            String first = firstNames.computeIfAbsent(unix.get("ino"), inode -> childPath);
            int mode = (Integer) Objects.requireNonNull(unix.get("mode"));
            String target = (mode & Inode.TYPE_MASK) == Inode.SYMLINK
                    ? Files.readSymbolicLink(child).toString()
                    : "";
            found.put(childPath, describe(mode, (Integer) Objects.requireNonNull(unix.get("nlink")), first, target));
            if ((mode & Inode.TYPE_MASK) == Inode.DIRECTORY) {
                collectKernel(child, childPath, found, firstNames);
            }
        }
    }

    private void collectOurs(
            long directory, String path, SortedMap<String, String> found, Map<Object, String> firstNames)
            throws FsException {
        SortedMap<String, Long> children = new TreeMap<>();
        volume.reader.readDirectory(directory, 2, (name, inode, type, next) -> {
            assertThat(volume.inode(inode).type()).isEqualTo(type);
            children.put(name.toString(), inode);
            return true;
        });
        for (Map.Entry<String, Long> child : children.entrySet()) {
            String childPath = path + "/" + child.getKey();
            Inode inode = volume.inode(child.getValue());
            String first = firstNames.computeIfAbsent(child.getValue(), number -> childPath);
            String target =
                    inode.isSymlink() ? volume.reader.readLink(child.getValue()).toString() : "";
            found.put(childPath, describe(inode.mode(), inode.links(), first, target));
            if (inode.isDirectory()) {
                collectOurs(child.getValue(), childPath, found, firstNames);
            }
        }
    }

    private static String describe(int mode, int links, String firstName, String target) {
        return "0%o links %d as %s %s".formatted(mode, links, firstName, target);
    }

    @Test
    void extendedAttributesGetTheSameAnswers() {
        String file = requireTop() + "/file";
        String link = requireTop() + "/link";
        int at = directories.getFirst().descriptor;
        assertThat(DirectoryCalls.create(at, "file", 0644)).isZero();
        assertThat(DirectoryCalls.symlink("file", at, "link")).isZero();
        int kernelHas = DirectoryCalls.setXattr(file, "user.probe", new byte[0], 0);
        assumeTrue(kernelHas == 0, "needs user attributes on tmpfs (Linux 6.6, CONFIG_TMPFS_XATTR)");
        assertThat(DirectoryCalls.removeXattr(file, "user.probe")).isZero();
        long ourFile = volume.file(ROOT, "file");
        long ourLink = volume.symlink(ROOT, "link", "file");

        List<String> names = List.of("user.a", "user.", "a", "user." + "x".repeat(250), "user." + "x".repeat(251), "");
        for (String name : names) {
            for (int length : new int[] {0, 10, 65_536, 65_537}) {
                for (int flags : new int[] {2, 0, 1, 2, 3, 4}) {
                    sameXattr(ourFile, file, name, bytes(length), flags);
                    sameXattr(ourLink, link, name, bytes(length), flags);
                }
            }
            for (int i = 0; i < 2; i++) {
                same(
                        "remove " + name,
                        new Operation.RemoveXattr(ourFile, text(name), volume.tick()),
                        DirectoryCalls.removeXattr(file, name));
                same(
                        "remove " + name,
                        new Operation.RemoveXattr(ourLink, text(name), volume.tick()),
                        DirectoryCalls.removeXattr(link, name));
            }
        }
    }

    private void sameXattr(long inode, String path, String name, ByteString value, int flags) {
        same(
                "set " + name + " of " + path + " to " + value.length() + " bytes with flags " + flags,
                new Operation.SetXattr(inode, text(name), value, flags, volume.tick()),
                DirectoryCalls.setXattr(path, name, value.toBytes(), flags));
    }
}
