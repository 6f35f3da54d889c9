package io.dynamicfs.engine.mount;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.MemoryVolume;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import io.dynamicfs.engine.syscall.Errno;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A volume in memory behind the real kernel. Files are never mapped into this process: a page fault that waits for a reader
 * would stop the garbage collector, and with it the reader.
 */
@Timeout(180)
public class VolumeMountIT {
    private static final long VOLUME_BYTES = 400L << 20;
    static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ThreadFactory THREADS =
            Thread.ofPlatform().daemon().name("fuse-", 0).factory();

    final MemoryVolume volume = new MemoryVolume(InstantSource.system(), VOLUME_BYTES);
    final InterceptedVolume intercepted = new InterceptedVolume(volume);
    private final CountDownLatch ended = new CountDownLatch(1);
    Path directory = Path.of("/");

    @BeforeEach
    void makeDirectory() throws IOException {
        Machine.requireMounts();
        directory = Files.createTempDirectory("volume-mount-it").toRealPath();
    }

    @AfterEach
    void unmount() throws Exception {
        while (MountPoint.mountAt(directory).isPresent()) {
            Machine.finish(Machine.start(Path.of("/"), List.of("umount", "-l", directory.toString())));
        }
        if (directory.getNameCount() > 0) {
            Files.delete(directory);
        }
    }

    /** The other transport's tests are these, but for what it overrides. */
    Transport transport() {
        return Transport.KERNEL;
    }

    /** The class of that transport for another process, or nothing for the kernel's. */
    String transportClass() {
        return "";
    }

    Mount mount(MountOption... options) throws MountException {
        return mount(intercepted.volume(), options);
    }

    private Mount mount(PosixVolume mounted, MountOption... options) throws MountException {
        VolumeMount.Spec spec = new VolumeMount.Spec("pool/data", directory, Set.of(options), 99, 4);
        return transport().mount(mounted, spec, THREADS, ended::countDown);
    }

    @Test
    void filesAreWrittenReadAndRemoved() throws Exception {
        mount();
        Path file = directory.resolve("file");
        byte[] content = new byte[3_000_001];
        new Random(1).nextBytes(content);

        Files.write(file, content);
        assertThat(Files.readAllBytes(file)).isEqualTo(content);
        assertThat(Files.size(file)).isEqualTo(content.length);
        Files.write(file, new byte[] {1, 2}, StandardOpenOption.APPEND);
        assertThat(Files.size(file)).isEqualTo(content.length + 2L);
        Files.write(file, new byte[] {7});
        assertThat(Files.readAllBytes(file)).containsExactly(7);
        Files.delete(file);

        assertThat(Files.notExists(file)).isTrue();
        assertThatThrownBy(() -> Files.readAllBytes(file)).isInstanceOf(NoSuchFileException.class);
        Machine.await("the inode is freed", () -> volume.inodeCount() == 1);
    }

    @Test
    void whatIsWrittenIsInTheVolumeAfterUnmount() throws Exception {
        Mount mount = mount();
        byte[] content = new byte[1_234_567];
        new Random(2).nextBytes(content);
        Files.write(directory.resolve("file"), content);

        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();

        assertThat(mount.hasEnded()).isTrue();
        assertThat(contentInVolume("file")).isEqualTo(content);
        assertThat(Files.exists(directory.resolve("file"))).isFalse();
    }

    private byte[] contentInVolume(String name) throws FsException {
        long inode = volume.lookup(PosixVolume.ROOT_INODE, name.getBytes(UTF_8)).inode();
        byte[] content = new byte[(int) volume.attributes(inode).size()];
        MemorySegment target = MemorySegment.ofArray(content);
        assertThat(volume.read(inode, 0, target)).isEqualTo(content.length);
        volume.forget(inode, 1);
        return content;
    }

    static final String LINKS_AND_TIMES = """
            mkdir -p a/b/c
            [ "$(stat -c %h a)" = 3 ]
            echo text > a/file
            ln a/file hard
            [ "$(stat -c %h hard)" = 2 ]
            [ "$(stat -c %i hard)" = "$(stat -c %i a/file)" ]
            ln -s a/file soft
            [ "$(readlink soft)" = a/file ]
            [ "$(cat soft)" = text ]
            [ "$(stat -c %s soft)" = 6 ]
            mv hard a/b/moved
            [ "$(cat a/b/moved)" = text ]
            ! [ -e hard ]
            mv a/b d
            [ "$(stat -c %h a)" = 2 ]
            [ "$(stat -c %h .)" = 4 ]
            touch -d '2001-02-03 04:05:06.123456789 UTC' d/moved
            [ "$(TZ=UTC stat -c %y d/moved)" = '2001-02-03 04:05:06.123456789 +0000' ]
            touch -d '@-5.5' d/moved
            [ "$(stat -c %.1Y d/moved)" = -5.5 ]
            chmod 4751 d/moved
            [ "$(stat -c %a d/moved)" = 4751 ]
            chown 12:34 d/moved
            [ "$(stat -c %u:%g:%a d/moved)" = 12:34:751 ]
            mkfifo pipe
            [ "$(stat -c %F pipe)" = fifo ]
            mknod null c 1 3
            echo gone > null
            [ "$(stat -c %t:%T null)" = 1:3 ]
            mknod big b 259 70000
            [ "$(stat -c %t:%T big)" = 103:11170 ]
            [ "$(stat -c %W d)" -gt 0 ]
            rm -r a d soft pipe null big
            [ -z "$(ls -A)" ]
            [ "$(stat -c %h .)" = 2 ]
            """;

    @Test
    void directoriesLinksAndTimesAreAsLinuxShowsThem() throws Exception {
        mount();

        Machine.bash(directory, LINKS_AND_TIMES);
        Machine.await("all inodes are freed", () -> volume.inodeCount() == 1);
    }

    @Test
    void truncatedAndSparseFilesAreZeroInTheirHoles() throws Exception {
        mount();

        Machine.bash(directory, """
            truncate -s 10G sparse
            [ "$(stat -c %s sparse)" = 10737418240 ]
            [ "$(du -k sparse | cut -f1)" -lt 100 ]
            printf end | dd of=sparse bs=1 seek=9999999999 conv=notrunc status=none
            [ "$(dd if=sparse bs=1 skip=9999999999 count=3 status=none)" = end ]
            dd if=sparse bs=1M skip=5000 count=1 status=none | cmp - <(head -c 1M /dev/zero)
            sync sparse
            [ "$(du -k sparse | cut -f1)" -lt 200 ]
            printf 0123456789 > cut
            truncate -s 4 cut
            truncate -s 8 cut
            [ "$(od -An -tx1 cut)" = ' 30 31 32 33 00 00 00 00' ]
            """);
    }

    /** A file of 20 MiB with a mebibyte of data at 4 MiB, in a mount that has not seen anybody write it. */
    private void mountWithASparseFile() throws Exception {
        Mount mount = mount();
        Machine.bash(directory, """
            truncate -s 20M sparse
            dd if=/dev/urandom of=sparse bs=1M count=1 seek=4 conv=notrunc status=none
            """);
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
        mount();
    }

    /** Where a reader finds the data, where a writer does then, and the reader after that. */
    String holes() throws Exception {
        mountWithASparseFile();
        return Machine.python(directory, """
            import os
            def look(fd):
                return '%d-%d' % (os.lseek(fd, 0, os.SEEK_DATA) >> 20, os.lseek(fd, 4 << 20, os.SEEK_HOLE) >> 20)
            reader = os.open('sparse', os.O_RDONLY)
            before = look(reader)
            writer = os.open('sparse', os.O_RDWR)
            os.pwrite(writer, b'dirty', 9 << 20)
            print(before, look(writer), look(reader), end='')
            """);
    }

    @Test
    void holesAreFoundUntilTheyAreAskedForInAFileThatMayBeWritten() throws Exception {
        assertThat(holes()).isEqualTo("4-5 0-20 0-20");
    }

    @Test
    void errorsAreThoseOfLinux() throws Exception {
        mount();

        Machine.python(directory, """
            import errno, os
            def fails(number, call, *arguments):
                try:
                    call(*arguments)
                except OSError as error:
                    assert error.errno == number, (call, arguments, error)
                    return
                raise AssertionError((call, arguments, 'succeeded'))
            os.mkdir('d'); os.mkdir('d/e'); os.mkdir('empty')
            open('f', 'w').close(); open('d/g', 'w').close()
            fails(errno.ENOENT, os.stat, 'no')
            fails(errno.ENOTDIR, os.stat, 'f/no')
            fails(errno.EEXIST, os.mkdir, 'f')
            fails(errno.EEXIST, os.open, 'f', os.O_CREAT | os.O_EXCL)
            fails(errno.ENOTEMPTY, os.rmdir, 'd')
            fails(errno.ENOTDIR, os.rmdir, 'f')
            fails(errno.EISDIR, os.unlink, 'd')
            fails(errno.EPERM, os.link, 'd', 'l')
            fails(errno.EEXIST, os.link, 'f', 'd')
            fails(errno.ENOTEMPTY, os.rename, 'empty', 'd')
            fails(errno.EISDIR, os.rename, 'f', 'd')
            fails(errno.ENOTDIR, os.rename, 'd', 'f')
            fails(errno.EINVAL, os.rename, 'd', 'd/e/x')
            fails(errno.ENAMETOOLONG, os.mkdir, 'x' * 256)
            fails(errno.EXDEV, os.rename, 'f', '/dev/shm/' + str(os.getpid()))
            fails(errno.EINVAL, os.readlink, 'f')
            os.rename('d/e', 'empty')
            os.rename('d/g', 'f')
            assert sorted(os.listdir('.')) == ['d', 'empty', 'f']
            os.link('f', 'same'); os.rename('f', 'same')
            assert os.path.exists('f') and os.path.exists('same')
            os.symlink('x' * 4095, 'long')
            assert len(os.readlink('long')) == 4095
            """);
    }

    @Test
    void renameExchangesAndRefusesToReplace() throws Exception {
        mount();

        Machine.python(directory, """
            import ctypes, errno, os
            libc = ctypes.CDLL(None, use_errno=True)
            def renameat2(old, new, flags):
                if libc.renameat2(-100, old, -100, new, flags) == 0:
                    return 0
                return ctypes.get_errno()
            os.mkdir('d'); open('d/f', 'w').write('one'); open('g', 'w').write('two')
            assert renameat2(b'd/f', b'g', 2) == 0
            assert open('g').read() == 'one' and open('d/f').read() == 'two'
            assert renameat2(b'd', b'g', 2) == 0
            assert os.path.isdir('g') and open('d').read() == 'one'
            assert renameat2(b'd', b'g', 1) == errno.EEXIST
            assert renameat2(b'd', b'h', 1) == 0
            assert renameat2(b'h', b'no', 2) == errno.ENOENT
            assert renameat2(b'h', b'i', 4) == errno.EINVAL
            """);
    }

    @Test
    void namesAreBytesOfAnyKindUpTo255() throws Exception {
        mount();

        Machine.python(directory, """
            import os
            names = [bytes([b]) for b in range(1, 256) if b not in b'/.'] + [b'\\xff' * 255, b'\\xc3\\x28', b'..a']
            for name in names:
                open(name, 'wb').write(name)
            assert sorted(os.listdir(b'.')) == sorted(names)
            for name in names:
                assert open(name, 'rb').read() == name
                os.unlink(name)
            assert os.listdir(b'.') == []
            """);
    }

    @Test
    void extendedAttributesAreSetListedAndRemoved() throws Exception {
        mount();
        Path file = Files.createFile(directory.resolve("file"));
        UserDefinedFileAttributeView view = Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);

        view.write("one", ByteBuffer.wrap(new byte[] {1, 2, 3}));
        view.write("two", ByteBuffer.wrap(new byte[60_000]));

        assertThat(view.size("one")).isEqualTo(3);
        assertThat(view.size("two")).isEqualTo(60_000);
        ByteBuffer read = ByteBuffer.allocate(3);
        view.read("one", read);
        assertThat(read.array()).containsExactly(1, 2, 3);
        assertThat(view.list()).containsExactlyInAnyOrder("one", "two");
        assertThatThrownBy(() -> view.read("one", ByteBuffer.allocate(2))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> view.size("three")).isInstanceOf(FileSystemException.class);
        view.delete("one");
        assertThat(view.list()).containsExactly("two");
    }

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
            setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff04000400ffffffff20000400ffffffff f
            getfattr -n system.posix_acl_access f
            """);
    }

    @Test
    void onlyASyncOfFilesAndDirectoriesReachesTheVolume() throws Exception {
        AtomicInteger syncs = new AtomicInteger();
        intercepted.intercept("sync", arguments -> {
            syncs.incrementAndGet();
            return false;
        });
        mount();

        Machine.bash(directory, "echo text > f; sync -f f; sync");
        assertThat(syncs).hasValue(0);
        Machine.bash(directory, "sync f; sync .");
        assertThat(syncs).hasValue(2);
    }

    @Test
    void memoryMappedWritesReachTheVolume() throws Exception {
        Mount mount = mount();

        Machine.python(directory, """
            import mmap
            size = 3 << 20
            with open('mapped', 'w+b') as file:
                file.truncate(size)
                with mmap.mmap(file.fileno(), size) as memory:
                    for i in range(0, size, 4096):
                        memory[i:i + 4] = i.to_bytes(4, 'little')
                    assert memory[8192:8196] == (8192).to_bytes(4, 'little')
            """);
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();

        ByteBuffer content = ByteBuffer.wrap(contentInVolume("mapped")).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 3 << 20; i += 4096) {
            assertThat(content.getInt(i)).isEqualTo(i);
        }
    }

    @Test
    void directRequestsOfOneMebibyteArriveWhole() throws Exception {
        AtomicLong largestWrite = new AtomicLong();
        AtomicLong largestRead = new AtomicLong();
        intercepted.intercept("write", arguments -> {
            largestWrite.accumulateAndGet(((MemorySegment) arguments[2]).byteSize(), Math::max);
            return false;
        });
        intercepted.intercept("read", arguments -> {
            largestRead.accumulateAndGet(((MemorySegment) arguments[2]).byteSize(), Math::max);
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

        assertThat(largestWrite).hasValue(1 << 20);
        assertThat(largestRead).hasValue(1 << 20);
    }

    @Test
    void dataOfReadsAndWritesBeginsOnAPage() throws Exception {
        List<Long> addresses = new ArrayList<>();
        InterceptedVolume.Interceptor note = arguments -> {
            synchronized (addresses) {
                addresses.add(((MemorySegment) arguments[2]).address());
            }
            return false;
        };
        intercepted.intercept("write", note);
        intercepted.intercept("read", note);
        mount();

        Machine.bash(
                directory,
                "head -c 64K /dev/urandom > f; sync f; dd if=f of=/dev/null bs=64K iflag=direct status=none");

        assertThat(addresses).isNotEmpty().allMatch(address -> address % 4096 == 0);
    }

    @Test
    void aDirectoryIsListedCompletelyWhileItChanges() throws Exception {
        mount();
        Path many = Files.createDirectory(directory.resolve("many"));
        for (int i = 0; i < 10_000; i++) {
            Files.createFile(many.resolve("stays-" + i));
        }
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            Future<Integer> changes = executor.submit(() -> changeUntil(many, done));
            try {
                for (int round = 0; round < 5; round++) {
                    assertThat(listed(many, "stays-"))
                            .hasSize(10_000)
                            .allSatisfy((name, times) -> assertThat(times).isEqualTo(1));
                }
            } finally {
                done.set(true);
            }
            assertThat(changes.get()).isPositive();
        }
        Machine.bash(directory, "[ $(ls -l many | grep -c stays-) = 10000 ]; rm -r many; [ -z \"$(ls -A)\" ]");
        Machine.await("all inodes are freed", () -> volume.inodeCount() == 1);
    }

    private static int changeUntil(Path many, AtomicBoolean done) throws IOException {
        int changes = 0;
        while (!done.get() || changes == 0) {
            Path passing = Files.createFile(many.resolve("passes-" + changes));
            Files.move(passing, many.resolve("moved-" + changes));
            Files.delete(many.resolve("moved-" + changes));
            changes++;
        }
        return changes;
    }

    private static Map<String, Integer> listed(Path many, String prefix) throws IOException {
        Map<String, Integer> names = new HashMap<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(many, prefix + "*")) {
            stream.forEach(path -> names.merge(path.getFileName().toString(), 1, Integer::sum));
        }
        return names;
    }

    @Test
    void anUnlinkedFileLivesUntilItIsClosed() throws Exception {
        mount();
        Path file = directory.resolve("file");
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap("still here".getBytes(UTF_8)));
            Files.delete(file);
            channel.force(true);
            ByteBuffer read = ByteBuffer.allocate(10);
            channel.read(read, 0);

            assertThat(new String(read.array(), UTF_8)).isEqualTo("still here");
            assertThat(volume.inodeCount()).isEqualTo(2);
        }
        Machine.await("the inode is freed", () -> volume.inodeCount() == 1);
    }

    @Test
    void aReplacedFileLivesUntilItIsClosed() throws Exception {
        mount();
        Path old = Files.writeString(directory.resolve("old"), "old");
        Path young = Files.writeString(directory.resolve("young"), "young");
        try (InputStream open = Files.newInputStream(old)) {
            Files.move(young, old, StandardCopyOption.ATOMIC_MOVE);

            assertThat(new String(open.readAllBytes(), UTF_8)).isEqualTo("old");
            assertThat(Files.readString(old)).isEqualTo("young");
        }
        Machine.await("the replaced inode is freed", () -> volume.inodeCount() == 2);
    }

    @Test
    void everyReferenceOfTheKernelIsGivenBackAtTheEnd() throws Exception {
        Mount mount = mount();
        Machine.bash(
                directory,
                "mkdir d; for i in $(seq 300); do echo $i > d/$i; done; ls -lR > /dev/null; ln d/1 e; mv d/2 d/3");
        List<Long> inodes = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory.resolve("d"))) {
            for (Path path : stream) {
                inodes.add((Long) Files.getAttribute(path, "unix:ino"));
            }
        }
        assertThat(inodes)
                .hasSize(299)
                .allSatisfy(inode -> assertThat(volume.references(inode)).isPositive());

        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();

        assertThat(inodes)
                .allSatisfy(inode -> assertThat(volume.references(inode)).isZero());
        assertThat(volume.inodeCount()).isEqualTo(1 + 1 + 299);
    }

    @Test
    void ownersGroupsAndMasksAreThoseOfTheCaller() throws Exception {
        mount();

        Machine.python(directory, """
            import errno, os, stat
            os.mkdir('shared'); os.chown('shared', 0, 777); os.chmod('shared', 0o2777)
            os.mkdir('closed', 0o700)
            os.setgid(65534); os.setgroups([]); os.setuid(65534)
            os.umask(0o027)
            open('shared/f', 'w').close(); os.mkdir('shared/d')
            f, d = os.stat('shared/f'), os.stat('shared/d')
            assert (f.st_uid, f.st_gid, stat.S_IMODE(f.st_mode)) == (65534, 777, 0o640), f
            assert (d.st_uid, d.st_gid, stat.S_IMODE(d.st_mode)) == (65534, 777, 0o2750), d
            for call in (lambda: os.listdir('closed'), lambda: os.mkdir('no')):
                try:
                    call()
                    raise AssertionError('permitted')
                except PermissionError as error:
                    assert error.errno == errno.EACCES
            try:
                os.chown('shared/f', 0, 0)
                raise AssertionError('permitted')
            except PermissionError as error:
                assert error.errno == errno.EPERM
            """);
    }

    @Test
    void writingTakesSetUserIdAway() throws Exception {
        mount();

        Machine.python(directory, """
            import mmap, os, stat
            def mode(name):
                return stat.S_IMODE(os.stat(name).st_mode)
            for name in ('cached', 'direct', 'truncated', 'marked'):
                open(name, 'w').write('x' * 8192)
                os.chmod(name, 0o6777 if name != 'marked' else 0o2767)
            os.setgid(65534); os.setgroups([]); os.setuid(65534)
            with open('cached', 'r+') as file:
                file.write('y')
            assert mode('cached') == 0o777, oct(mode('cached'))
            page = mmap.mmap(-1, 4096)
            fd = os.open('direct', os.O_WRONLY | os.O_DIRECT)
            os.writev(fd, [page]); os.close(fd)
            assert mode('direct') == 0o777, oct(mode('direct'))
            os.truncate('truncated', 5)
            assert mode('truncated') == 0o777, oct(mode('truncated'))
            with open('marked', 'r+') as file:
                file.write('y')
            assert mode('marked') == 0o2767, oct(mode('marked'))
            """);
    }

    @Test
    void statfsShowsTheSpaceOfTheVolume() throws Exception {
        mount();

        assertThat(Machine.bash(directory, "stat -f -c '%S %b %l %T' . ; df --output=source,fstype . | tail -1"))
                .startsWith("4096 " + VOLUME_BYTES / 4096 + " 255 ")
                .containsPattern("pool/data +fuse\\.dynamicfs");
    }

    @Test
    void aFullVolumeIsToldAtTheSync() throws Exception {
        mount(new MemoryVolume(InstantSource.system(), 8 << 20));

        Machine.Result result = Machine.finish(
                Machine.start(directory, List.of("dd", "if=/dev/zero", "of=file", "bs=1M", "count=16", "conv=fsync")));

        assertThat(result.code()).isNotZero();
        assertThat(result.output()).contains("No space left on device");
    }

    @Test
    void aSyncReturnsWhenTheVolumeSaysThatItIsDurable() throws Exception {
        AtomicReference<PosixVolume.SyncListener> waiting = new AtomicReference<>();
        intercepted.intercept("sync", arguments -> {
            waiting.set((PosixVolume.SyncListener) arguments[2]);
            return true;
        });
        mount();
        Process sync = Machine.start(directory, List.of("dd", "if=/dev/zero", "of=file", "count=1", "conv=fsync"));
        Machine.await("the sync arrives", () -> waiting.get() != null);
        assertThat(Files.exists(directory.resolve("file"))).isTrue();
        assertThat(sync.isAlive()).isTrue();

        Objects.requireNonNull(waiting.get()).done(null);

        assertThat(Machine.finish(sync).code()).isZero();
    }

    @Test
    void aSyncThatFailsIsToldToItsCaller() throws Exception {
        intercepted.intercept("sync", arguments -> {
            PosixVolume.SyncListener listener = (PosixVolume.SyncListener) arguments[2];
            THREADS.newThread(() -> listener.done(new FsException(Errno.EIO))).start();
            return true;
        });
        mount();

        Machine.Result result = Machine.finish(
                Machine.start(directory, List.of("dd", "if=/dev/zero", "of=file", "count=1", "conv=fsync")));

        assertThat(result.code()).isNotZero();
        assertThat(result.output()).contains("Input/output error");
    }

    @Test
    void aBugOfTheVolumeIsAnErrorAndNeverTheEndOfAReader() throws Exception {
        mount();
        Files.createFile(directory.resolve("file"));
        intercepted.intercept("make", arguments -> {
            throw new IllegalStateException("a bug");
        });
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> Files.createFile(directory.resolve("broken")))
                    .isInstanceOf(FileSystemException.class)
                    .hasMessageContaining("Input/output error");
        }
        intercepted.intercept("make", arguments -> {
            throw new StackOverflowError("a deep bug");
        });
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> Files.createFile(directory.resolve("broken")))
                    .hasMessageContaining("Input/output error");
        }
        intercepted.release("make");

        Files.createFile(directory.resolve("works"));

        assertThatThrownBy(() -> Files.createFile(directory.resolve("works")))
                .isInstanceOf(FileAlreadyExistsException.class);
    }

    @Test
    void aKilledClientLeavesTheMountWorking() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        mount();
        Files.write(directory.resolve("file"), new byte[1 << 20]);
        intercepted.intercept("read", arguments -> {
            arrived.countDown();
            goOn.await();
            return false;
        });
        Process reader = Machine.start(directory, List.of("dd", "if=file", "of=/dev/null", "bs=1M", "iflag=direct"));
        arrived.await();

        reader.destroyForcibly();
        Files.createFile(directory.resolve("meanwhile"));
        goOn.countDown();

        assertThat(reader.waitFor()).isEqualTo(137);
        intercepted.release("read");
        assertThat(Files.readAllBytes(directory.resolve("file"))).hasSize(1 << 20);
    }

    @Test
    void readersThatStopAndStartAgainLoseNoRequest() throws Exception {
        Mount mount = mount();
        AtomicInteger rounds = new AtomicInteger();
        AtomicBoolean done = new AtomicBoolean();
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            Future<Void> work = executor.submit((Callable<Void>) () -> {
                while (!done.get()) {
                    Path file = directory.resolve("f" + rounds.get());
                    Files.writeString(file, "x");
                    assertThat(Files.readString(file)).isEqualTo("x");
                    Files.delete(file);
                    rounds.incrementAndGet();
                }
                return null;
            });
            for (int i = 0; i < 50; i++) {
                int before = rounds.get();
                ((VolumeMount) mount).connection().stop();
                ((VolumeMount) mount).connection().start(2, THREADS);
                Machine.await("work goes on", () -> rounds.get() > before || work.isDone());
            }
            done.set(true);
            work.get();
        }
    }

    @Test
    void aReadOnlyMountRefusesChanges() throws Exception {
        Mount mount = mount();
        Files.writeString(directory.resolve("file"), "text");
        mount.unmount(Unmount.WHEN_UNUSED, PATIENCE);

        mount(MountOption.READ_ONLY, MountOption.NO_ACCESS_TIMES);

        assertThat(Files.readString(directory.resolve("file"))).isEqualTo("text");
        assertThatThrownBy(() -> Files.writeString(directory.resolve("file"), "new"))
                .hasMessageContaining("Read-only file system");
        assertThat(Machine.bash(directory, "grep \"$PWD\" /proc/self/mounts")).contains(" ro,noatime");
    }

    @Test
    void aMountInUseIsNotUnmounted() throws Exception {
        Mount mount = mount();
        Path file = Files.writeString(directory.resolve("file"), "text");
        try (InputStream open = Files.newInputStream(file)) {
            assertThatThrownBy(() -> mount.unmount(Unmount.WHEN_UNUSED, PATIENCE))
                    .isInstanceOfSatisfying(
                            MountException.class,
                            refused -> assertThat(refused.reason()).isEqualTo(Reason.BUSY))
                    .hasMessageContaining("fuser -vm " + directory);
            assertThat(open.read()).isEqualTo('t');
        }
        assertThat(ended.getCount()).isEqualTo(1);

        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
        assertThat(ended.getCount()).isZero();
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
    }

    @Test
    void aLazyUnmountLetsOpenFilesLive() throws Exception {
        Mount mount = mount();
        Path file = Files.writeString(directory.resolve("file"), "text");
        try (FileChannel open = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertThat(mount.unmount(Unmount.LAZILY, Duration.ofMillis(10))).isFalse();

            assertThat(Files.exists(file)).isFalse();
            open.write(ByteBuffer.wrap("next".getBytes(UTF_8)));
            ByteBuffer read = ByteBuffer.allocate(4);
            open.read(read, 0);
            assertThat(new String(read.array(), UTF_8)).isEqualTo("next");
            assertThat(mount.hasEnded()).isFalse();
        }
        assertThat(mount.awaitEnd(PATIENCE)).isTrue();
        assertThat(contentInVolume("file")).isEqualTo("next".getBytes(UTF_8));
    }

    @Test
    void anUnmountBySomebodyElseIsNoticed() throws Exception {
        Mount mount = mount();

        Machine.bash(Path.of("/"), "umount " + directory);

        assertThat(mount.awaitEnd(PATIENCE)).isTrue();
        assertThat(ended.getCount()).isZero();
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
        mount();
        assertThat(Files.exists(directory)).isTrue();
    }

    @Test
    void anAbortedConnectionIsNoticedAndCleanedUp() throws Exception {
        Mount mount = mount();
        String minor = MountPoint.mountAt(directory).orElseThrow().device().split(":", 2)[1];
        Path abort = Path.of("/sys/fs/fuse/connections", minor, "abort");
        Assumptions.assumeTrue(Files.exists(abort), "needs fusectl at /sys/fs/fuse/connections");

        Files.writeString(abort, "1");

        assertThat(mount.awaitEnd(PATIENCE)).isTrue();
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();
        assertThat(MountPoint.mountAt(directory)).isEmpty();
    }

    @Test
    void aDirectoryThatIsMountedAlreadyIsRefused() throws Exception {
        mount();

        assertThatThrownBy(this::mount)
                .isInstanceOfSatisfying(
                        MountException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Reason.ALREADY_MOUNTED))
                .hasMessageContaining("found pool/data of type fuse.dynamicfs");
    }

    @Test
    void theMountOfADeadEngineIsReplaced() throws Exception {
        Process engine = startEngine();
        Machine.bash(directory, "echo text > file; [ $(cat file) = text ]");
        engine.destroyForcibly().waitFor();
        Machine.Result dead = Machine.finish(Machine.start(Path.of("/"), List.of("stat", "-f", directory.toString())));
        assertThat(dead.output()).contains("not connected");

        mount();

        Machine.bash(directory, "[ -z \"$(ls -A)\" ]; echo new > file; [ $(cat file) = new ]");
    }

    private Process startEngine() throws IOException {
        Process engine = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MemoryVolumeServer.class.getName(),
                        directory.toString(),
                        transportClass())
                .redirectErrorStream(true)
                .start();
        StringBuilder said = new StringBuilder();
        for (String line = engine.inputReader().readLine();
                ;
                line = engine.inputReader().readLine()) {
            assertThat(line).as("the engine said: %s", said).isNotNull();
            if (line.equals("mounted")) {
                return engine;
            }
            said.append(line).append('\n');
        }
    }

    @Test
    void settingsOfThePageCacheAreRaised() throws Exception {
        mount();
        Path settings = Path.of(
                "/sys/class/bdi", MountPoint.mountAt(directory).orElseThrow().device());
        Assumptions.assumeTrue(Files.isWritable(settings.resolve("read_ahead_kb")), "needs a writable /sys/class/bdi");

        assertThat(Files.readString(settings.resolve("read_ahead_kb")).trim()).isEqualTo("1024");
        assertThat(Files.readString(settings.resolve("max_ratio")).trim()).isEqualTo("100");
    }

    @Test
    void timesOfNowComeFromTheClock() throws Exception {
        mount();
        Instant before = Instant.now().minusSeconds(1);
        Path file = Files.createFile(directory.resolve("file"));
        Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));

        Machine.bash(directory, "touch file");

        assertThat(Files.getLastModifiedTime(file).toInstant())
                .isBetween(before, Instant.now().plusSeconds(1));
    }

    @Test
    void concurrentWorkKeepsEveryByte() throws Exception {
        Mount mount = mount();
        long seed = System.nanoTime();
        List<Callable<byte[]>> workers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Path file = directory.resolve("worker-" + i);
            Random random = new Random(seed + i);
            workers.add(() -> work(file, random));
        }
        List<byte[]> expected = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(workers.size())) {
            for (Future<byte[]> worker : executor.invokeAll(workers)) {
                expected.add(worker.get());
            }
        }
        assertThat(mount.unmount(Unmount.WHEN_UNUSED, PATIENCE)).isTrue();

        for (int i = 0; i < workers.size(); i++) {
            assertThat(Arrays.equals(contentInVolume("worker-" + i), expected.get(i)))
                    .as("worker %d with seed %d", i, seed)
                    .isTrue();
        }
        assertThat(volume.inodeCount()).isEqualTo(1 + workers.size());
    }

    /** Writes, cuts, renames and reads a file at random; returns what it must hold at the end. */
    private static byte[] work(Path file, Random random) throws IOException {
        byte[] expected = new byte[1 << 20];
        int size = 0;
        Path current = Files.createFile(file);
        for (int round = 0; round < 300; round++) {
            try (FileChannel channel = FileChannel.open(current, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                int offset = random.nextInt(expected.length);
                byte[] part = new byte[random.nextInt(Math.min(200_000, expected.length - offset)) + 1];
                random.nextBytes(part);
                channel.write(ByteBuffer.wrap(part), offset);
                System.arraycopy(part, 0, expected, offset, part.length);
                size = Math.max(size, offset + part.length);
                if (random.nextInt(4) == 0) {
                    int cut = random.nextInt(size + 1);
                    channel.truncate(cut);
                    Arrays.fill(expected, cut, size, (byte) 0);
                    size = cut;
                }
                if (random.nextInt(8) == 0) {
                    channel.force(false);
                }
            }
            Path next = file.resolveSibling(file.getFileName() + "-" + round);
            Files.move(current, next);
            Files.createFile(current);
            Files.delete(current);
            current = next;
            if (random.nextInt(8) == 0) {
                assertThat(Files.readAllBytes(current)).isEqualTo(Arrays.copyOf(expected, size));
            }
        }
        Files.move(current, file);
        return Arrays.copyOf(expected, size);
    }
}
