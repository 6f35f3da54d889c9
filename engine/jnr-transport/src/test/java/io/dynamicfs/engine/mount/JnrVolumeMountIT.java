package io.dynamicfs.engine.mount;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.jnr.JnrTransport;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The tests of mounts over libfuse 2. What is overridden is what libfuse 2 does differently, as docs/posix.md lists it. */
class JnrVolumeMountIT extends VolumeMountIT {
    private static final int DATA_BYTES_MAX = 128 << 10;

    @BeforeEach
    void requireLibrary() throws IOException {
        try (Stream<Path> architectures = Files.list(Path.of("/usr/lib"))) {
            Assumptions.assumeTrue(
                    architectures.anyMatch(directory -> Files.exists(directory.resolve("libfuse.so.2"))),
                    "needs libfuse.so.2 (package libfuse2)");
        }
    }

    @Override
    Transport transport() {
        return new JnrTransport();
    }

    @Override
    String transportClass() {
        return JnrTransport.class.getName();
    }

    /** All but the time of birth, which the kernel does not ask libfuse 2 for. */
    @Override
    @Test
    void directoriesLinksAndTimesAreAsLinuxShowsThem() throws Exception {
        mount();

        Machine.bash(
                directory, LINKS_AND_TIMES.replace("[ \"$(stat -c %W d)\" -gt 0 ]", "[ \"$(stat -c %W d)\" = 0 ]"));
        Machine.await("all inodes are freed", () -> volume.inodeCount() == 1);
    }

    @Override
    @Test
    void holesAreFoundUntilTheyAreAskedForInAFileThatMayBeWritten() throws Exception {
        assertThat(holes()).isEqualTo("0-20 0-20 0-20");
    }

    @Override
    @Test
    void renameExchangesAndRefusesToReplace() throws Exception {
        mount();

        Machine.python(directory, """
            import ctypes, errno, os
            libc = ctypes.CDLL(None, use_errno=True)
            open('f', 'w').write('one'); open('g', 'w').write('two')
            for flags, new in ((1, b'h'), (2, b'g'), (4, b'h')):
                assert libc.renameat2(-100, b'f', -100, new, flags) == -1
                assert ctypes.get_errno() == errno.EINVAL
            assert open('f').read() == 'one' and open('g').read() == 'two'
            """);
    }

    @Override
    @Test
    void namesAreBytesOfAnyKindUpTo255() throws Exception {
        // Made over another transport.
        byte[] latin = {'n', (byte) 0xe4, 'h'};
        volume.make(PosixVolume.ROOT_INODE, latin, 0100644, 0, new PosixVolume.Owner(0, 0));
        mount();

        Machine.python(directory, """
            import errno, os
            assert os.listdir(b'.') == [b'n\\xe4h']
            for name in (b'n\\xe4h', b'\\xff' * 255, b'\\xc3\\x28', b'\\xef\\xbf\\xbd'):
                for call in (lambda: os.stat(name), lambda: open(name, 'wb'), lambda: os.mkdir(name)):
                    try:
                        call()
                        raise AssertionError(name)
                    except OSError as error:
                        assert error.errno == errno.EILSEQ, error
            names = [bytes([b]) for b in range(1, 128) if b not in b'/.'] + ['\\u00e4'.encode() * 127, b'..a']
            for name in names:
                open(name, 'wb').write(name)
            assert sorted(os.listdir(b'.')) == sorted(names + [b'n\\xe4h'])
            for name in names:
                assert open(name, 'rb').read() == name
                os.unlink(name)
            """);
    }

    @Override
    @Test
    void attributeToolsWorkAndAccessControlListsAreKept() throws Exception {
        Machine.requireTool("setfattr");
        mount();

        Machine.bash(directory, """
            touch f
            setfattr -n user.name -v value f
            setfattr -n trusted.name -v hidden f
            [ "$(getfattr --only-values -n user.name f)" = value ]
            [ "$(getfattr -d -m - f | grep -c =)" = 2 ]
            setfattr -x user.name f
            ! getfattr -n user.name f
            ! setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff04000400ffffffff20000400ffffffff f 2> message
            grep -q 'Operation not supported' message
            """);
    }

    @Override
    @Test
    void directRequestsOfOneMebibyteArriveWhole() throws Exception {
        AtomicLong largestWrite = new AtomicLong();
        intercepted.intercept("write", arguments -> {
            largestWrite.accumulateAndGet(((MemorySegment) arguments[2]).byteSize(), Math::max);
            return false;
        });
        mount();

        Machine.bash(directory, """
            dd if=/dev/urandom of=/dev/shm/$$.source bs=1M count=16 iflag=fullblock status=none
            trap 'rm /dev/shm/$$.source' EXIT
            dd if=/dev/shm/$$.source of=file bs=1M oflag=direct status=none
            dd if=file bs=1M iflag=direct status=none | cmp - /dev/shm/$$.source
            dd if=file bs=4K iflag=direct status=none | cmp - /dev/shm/$$.source
            cmp file /dev/shm/$$.source
            """);

        assertThat(largestWrite).as("in parts").hasValue(DATA_BYTES_MAX);
    }

    /** libfuse copies them to wherever it likes. */
    @Override
    @Test
    void dataOfReadsAndWritesBeginsOnAPage() {}

    /** The kernel's references end in libfuse; ours are of what is open. */
    @Override
    @Test
    void everyReferenceOfTheKernelIsGivenBackAtTheEnd() throws Exception {
        Mount mount = mount();
        Path file = Files.writeString(directory.resolve("file"), "text");
        long inode = (Long) Files.getAttribute(file, "unix:ino");
        assertThat(volume.references(inode)).isZero();
        Process reader = Machine.start(directory, List.of("bash", "-c", "exec 3< file; rm file; read"));
        Machine.await("the file is open and unlinked", () -> Files.notExists(file));
        assertThat(volume.references(inode)).isPositive();

        Machine.bash(
                Path.of("/"),
                "echo 1 > /sys/fs/fuse/connections/"
                        + MountPoint.mountAt(directory).orElseThrow().device().split(":", 2)[1] + "/abort");

        assertThat(mount.awaitEnd(PATIENCE)).isTrue();
        assertThat(volume.references(inode)).isZero();
        assertThat(volume.inodeCount()).isEqualTo(1);
        reader.destroyForcibly().waitFor();
    }

    /** Its threads end with the mount only: there is no successor that could go on. */
    @Override
    @Test
    void readersThatStopAndStartAgainLoseNoRequest() {}

    @Test
    void anUnlinkedFileIsNowhereAndStillHasItsAttributes() throws Exception {
        mount();

        Machine.python(directory, """
            import errno, os
            os.mkdir('d')
            f = os.open('d/f', os.O_CREAT | os.O_RDWR)
            os.link('d/f', 'd/other'); os.unlink('d/f')
            assert os.listdir('d') == ['other'] and os.fstat(f).st_nlink == 1
            os.unlink('d/other')
            assert os.listdir('d') == [] and os.fstat(f).st_nlink == 0
            os.fchmod(f, 0o640); os.ftruncate(f, 10); os.pwrite(f, b'end', 10); os.utime(f, (1, 2))
            found = os.fstat(f)
            assert (found.st_mode & 0o777, found.st_size, found.st_mtime) == (0o640, 13, 2), found
            os.setxattr(f, 'user.a', b'b')
            assert os.getxattr(f, 'user.a') == b'b' and os.pread(f, 20, 0) == bytes(10) + b'end'
            os.rename('d', 'e'); assert os.fstat(f).st_size == 13
            os.rmdir('e')
            assert os.pread(f, 20, 0) == bytes(10) + b'end'
            os.fsync(f); os.close(f)
            """);
        Machine.await("all inodes are freed", () -> volume.inodeCount() == 1);
    }

    @Test
    void aFileThatIsOpenIsReplacedInOneStep() throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        for (String method : List.of("rename", "unlink")) {
            intercepted.intercept(method, arguments -> {
                seen.add(method + " " + new String((byte[]) arguments[1], StandardCharsets.UTF_8));
                return false;
            });
        }
        mount();
        Path old = Files.writeString(directory.resolve("old"), "old");
        try (InputStream open = Files.newInputStream(old)) {
            Machine.bash(directory, "echo young > young; mv young old; [ $(cat old) = young ]; [ $(ls -A) = old ]");
            assertThat(new String(open.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("old");
        }
        Machine.await("the replaced inode is freed", () -> volume.inodeCount() == 2);
        assertThat(seen).containsExactly("rename young");
        assertThat(Files.readString(old)).isEqualTo("young\n");
    }

    @Test
    void libfusesNamesOfHiddenFilesAreNeitherSeenNorTaken() throws Exception {
        mount();

        Machine.python(directory, """
            import os
            held = os.open('f', os.O_CREAT | os.O_RDWR); os.write(held, b'held'); os.unlink('f')
            # libfuse numbers them; a program that wants the same name gets a file of its own or an error, never that one.
            for directory in range(1, 3):
                for number in range(1, 4):
                    name = '.fuse_hidden%08x%08x' % (directory, number)
                    assert not os.path.exists(name)
                    try:
                        with open(name, 'x') as file:
                            file.write('mine')
                    except OSError:
                        continue
                    assert open(name).read() == 'mine'
            assert os.pread(held, 9, 0) == b'held'
            os.close(held)
            mine = [name for name in os.listdir('.')]
            assert len(mine) >= 5, mine
            for name in mine:
                assert open(name).read() == 'mine', name
            """);
    }

    @Test
    void aFileOfFiveGibibytesIsWrittenAndReadBehindItsFourth() throws Exception {
        mount();

        Machine.bash(directory, """
            printf here | dd of=big bs=1 seek=5000000000 conv=notrunc status=none
            [ "$(stat -c %s big)" = 5000000004 ]
            [ "$(dd if=big bs=1 skip=5000000000 status=none)" = here ]
            truncate -s 4999999999 big
            [ "$(stat -c %s big)" = 4999999999 ]
            fallocate -o 6000000000 -l 1000 big
            [ "$(stat -c %s big)" = 6000001000 ]
            """);
    }

    @Test
    void fusermountUnmountsIt() throws Exception {
        Machine.requireTool("fusermount");
        Mount mount = mount();

        Machine.bash(Path.of("/"), "fusermount -u " + directory);

        assertThat(mount.awaitEnd(PATIENCE)).isTrue();
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
    }
}
