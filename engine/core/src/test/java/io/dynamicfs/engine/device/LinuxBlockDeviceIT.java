package io.dynamicfs.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.dynamicfs.engine.device.DeviceOpenException.Reason;
import io.dynamicfs.engine.syscall.FileDescriptors;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On image files of the file system of the temporary directory, and on loop devices over them. */
class LinuxBlockDeviceIT {
    private static final long SIZE = 32L << 20;
    private static final KernelFiles KERNEL = KernelFiles.ofHost();

    enum Disk {
        IMAGE,
        LOOP
    }

    @TempDir
    Path directory;

    private final Deque<String> loops = new ArrayDeque<>();

    @AfterEach
    void detachLoops() throws Exception {
        while (!loops.isEmpty()) {
            run("losetup", "-d", loops.pop());
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsWrittenReadsBackAfterReopening(Disk kind) throws Exception {
        Path path = disk(kind);
        MemorySegment written = memory(3 << 20);
        long seed = 4711;
        System.out.println("seed " + seed);
        byte[] random = new byte[3 << 20];
        new Random(seed).nextBytes(random);
        written.copyFrom(MemorySegment.ofArray(random));
        try (LinuxBlockDevice device = open(path)) {
            assertThat(device.sizeBytes()).isEqualTo(SIZE);
            device.write(4096, written);
            device.flush();
        }
        try (LinuxBlockDevice device = LinuxBlockDevice.open(KERNEL, path, LinuxBlockDevice.Mode.READ_ONLY)) {
            MemorySegment found = memory(3 << 20);
            device.read(4096, found);
            assertThat(found.mismatch(written)).isEqualTo(-1);
            assertThatThrownBy(() -> device.write(0, found)).isInstanceOf(DeviceException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDiskHasOneOwnerByWhateverNameAndAnyNumberOfReaders(Disk kind) throws Exception {
        Path path = disk(kind);
        Path link = Files.createSymbolicLink(directory.resolve("by-id"), path);
        try (LinuxBlockDevice owner = open(path)) {
            assertRefused(path, Reason.BUSY);
            assertRefused(link, Reason.BUSY);
            try (LinuxBlockDevice reader = LinuxBlockDevice.open(KERNEL, link, LinuxBlockDevice.Mode.READ_ONLY)) {
                assertThat(reader.key()).isEqualTo(owner.key());
            }
        }
        open(link).close();
    }

    @ParameterizedTest
    @EnumSource
    void discardedSpaceReadsAsZeros(Disk kind) throws Exception {
        Path path = disk(kind);
        try (LinuxBlockDevice device = open(path)) {
            MemorySegment block = memory(8192).fill((byte) 7);
            device.write(1 << 20, block);
            device.flush();
            device.discard(1 << 20, 4096);
            device.read(1 << 20, block);
            assertThat(block.asSlice(0, 4096).mismatch(memory(4096))).isEqualTo(-1);
            assertThat(block.asSlice(4096).mismatch(memory(4096).fill((byte) 7)))
                    .isEqualTo(-1);
        }
        assertThat(Files.size(image())).isEqualTo(SIZE);
    }

    @Test
    void aHardLinkIsTheSameDisk() throws Exception {
        Path path = disk(Disk.IMAGE);
        Path other = Files.createLink(directory.resolve("other"), path);
        try (LinuxBlockDevice owner = open(path)) {
            assertThat(owner.key()).isInstanceOf(DeviceKey.Image.class);
            assertRefused(other, Reason.BUSY);
        }
    }

    @Test
    void whatIsNotADiskIsRefusedWithTheReason() throws Exception {
        assertRefused(directory.resolve("missing"), Reason.NOT_FOUND);
        assertRefused(directory, Reason.NOT_A_DISK);
        assertRefused(Path.of("/dev/null"), Reason.NOT_A_DISK);
        Path small = directory.resolve("small");
        try (RandomAccessFile file = new RandomAccessFile(small.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        assertRefused(small, Reason.TOO_SMALL);
        assertRefused(Path.of("/proc/self/environ"), Reason.NO_DIRECT_IO, Reason.PERMISSION);
    }

    @Test
    void anImageIsUsedUpToItsLastWholeBlock() throws Exception {
        Path path = disk(Disk.IMAGE);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE + 4095);
        }
        try (LinuxBlockDevice device = open(path)) {
            assertThat(device.sizeBytes()).isEqualTo(SIZE);
            assertThatThrownBy(() -> device.write(SIZE, memory(4096))).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void readingWhereAnImageWasCutOffIsAnErrorOfTheDisk() throws Exception {
        Path path = disk(Disk.IMAGE);
        try (LinuxBlockDevice device = open(path)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate((1 << 20) + 4096);
            }
            device.read(1 << 20, memory(4096));
            assertThatThrownBy(() -> device.read(1 << 20, memory(8192)))
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("at " + ((1 << 20) + 4096))
                    .hasMessageContaining("shrunk");
        }
    }

    @Test
    void aClosedDeviceAnswersWithAnErrorAndTouchesNoOtherFile() throws Exception {
        LinuxBlockDevice device = open(disk(Disk.IMAGE));
        device.close();
        device.close();
        assertThatThrownBy(() -> device.read(0, memory(4096)))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(device::flush).hasMessageContaining("closed");
    }

    @Test
    void aMountedLoopDeviceIsBusyAndTheMessageSaysWhere() throws Exception {
        Path path = disk(Disk.LOOP);
        Path target = Files.createDirectory(directory.resolve("mounted"));
        assumeTrue(succeeds("mkfs.ext4", "-q", path.toString()), "mkfs.ext4 is missing");
        assumeTrue(succeeds("mount", path.toString(), target.toString()), "mounting ext4 is not allowed here");
        try {
            DeviceOpenException refusal = assertRefused(path, Reason.BUSY);
            assertThat(refusal).hasMessageContaining("mounted at " + target);
            try (LinuxBlockDevice probe = LinuxBlockDevice.open(KERNEL, path, LinuxBlockDevice.Mode.READ_ONLY)) {
                assertThat(probe.uses()).contains(new DeviceUse(DeviceUse.Kind.MOUNTED, target.toString()));
                assertThat(Signatures.find(probe)).extracting(Signature::name).containsExactly("ext4");
            }
        } finally {
            run("umount", target.toString());
        }
    }

    @Test
    void whatTheToolsOfOthersLeaveOnADiskIsRecognised() throws Exception {
        Path path = disk(Disk.IMAGE);
        assumeTrue(succeeds("mkswap", path.toString()), "mkswap is missing");
        try (LinuxBlockDevice device = open(path)) {
            assertThat(Signatures.find(device)).extracting(Signature::name).containsExactly("swap");
        }
    }

    @Test
    void anotherProcessThatHoldsTheLockKeepsTheImageBusy() throws Exception {
        Path path = disk(Disk.IMAGE);
        assumeTrue(succeeds("flock", "--version"), "flock is missing");
        Process holder =
                new ProcessBuilder("flock", "--exclusive", path.toString(), "sh", "-c", "echo held; read end").start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("held");
            assertRefused(path, Reason.BUSY);
        } finally {
            holder.outputWriter().close();
            assertThat(holder.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        open(path).close();
    }

    @Test
    void aReadOnlyLoopDeviceIsRefused() throws Exception {
        requireLoopDevices();
        Path path = Path.of(attach("--read-only"));
        assertRefused(path, Reason.READ_ONLY);
        LinuxBlockDevice.open(KERNEL, path, LinuxBlockDevice.Mode.READ_ONLY).close();
    }

    @Test
    void aLoopDeviceNamesItsFileAndTheFileItsLoopDevice() throws Exception {
        Path path = disk(Disk.LOOP);
        try (LinuxBlockDevice loop = open(path);
                LinuxBlockDevice file = LinuxBlockDevice.open(KERNEL, image(), LinuxBlockDevice.Mode.READ_ONLY)) {
            HardwareIdentity identity = HardwareIdentity.read(KERNEL, loop.key());
            assertThat(identity)
                    .isEqualTo(new HardwareIdentity(
                            null,
                            null,
                            null,
                            isRotational(path),
                            image().toRealPath().toString()));
            assertThat(file.uses())
                    .containsExactly(new DeviceUse(
                            DeviceUse.Kind.LOOP_BACKING, path.getFileName().toString()));
        }
    }

    @Test
    void aLoopDeviceThatDiesFailsReadsAndWrites() throws Exception {
        Path path = disk(Disk.LOOP);
        try (LinuxBlockDevice device = open(path)) {
            device.write(8 << 20, memory(4096).fill((byte) 1));
            device.flush();
            try (FileChannel channel = FileChannel.open(image(), StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
            run("losetup", "-c", path.toString());
            assertThatThrownBy(() -> device.read(8 << 20, memory(4096))).isInstanceOf(DeviceException.class);
            assertThatThrownBy(() -> device.write(8 << 20, memory(4096))).isInstanceOf(DeviceException.class);
        }
    }

    @Test
    void adoptsADescriptorThatAnotherProcessOpened() throws Exception {
        Path path = disk(Disk.IMAGE);
        int flags = FileDescriptors.O_RDWR | FileDescriptors.O_DIRECT | FileDescriptors.O_CLOEXEC;
        int fd = FileDescriptors.open(path.toString(), flags, 0);
        try (LinuxBlockDevice device = LinuxBlockDevice.adopt(KERNEL, fd, "handed over")) {
            device.write(0, memory(4096));
            assertRefused(path, Reason.BUSY);
        }
        int buffered = FileDescriptors.open(path.toString(), FileDescriptors.O_RDWR, 0);
        DeviceOpenException refusal = catchThrowableOfType(
                DeviceOpenException.class, () -> LinuxBlockDevice.adopt(KERNEL, buffered, "handed over"));
        assertThat(refusal.reason()).isEqualTo(Reason.NO_DIRECT_IO);
        assertThat(FileDescriptors.flags(buffered)).isNegative();
    }

    private static boolean isRotational(Path loop) throws IOException {
        Path flag = Path.of("/sys/block", loop.getFileName().toString(), "queue/rotational");
        return Files.readString(flag).strip().equals("1");
    }

    private static LinuxBlockDevice open(Path path) throws DeviceOpenException {
        return LinuxBlockDevice.open(KERNEL, path, LinuxBlockDevice.Mode.OWNED);
    }

    private static DeviceOpenException assertRefused(Path path, Reason... anyOf) {
        DeviceOpenException refusal =
                catchThrowableOfType(DeviceOpenException.class, () -> open(path).close());
        assertThat(refusal).as("opening %s", path).isNotNull();
        assertThat(refusal.reason()).as(refusal.getMessage()).isIn((Object[]) anyOf);
        assertThat(refusal).hasMessageContaining("expected").hasMessageContaining("found");
        return refusal;
    }

    private static MemorySegment memory(long bytes) {
        return Arena.ofAuto().allocate(bytes, BlockDevice.BLOCK_BYTES);
    }

    private Path image() {
        return directory.resolve("disk.img");
    }

    private Path disk(Disk kind) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(image().toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return switch (kind) {
            case IMAGE -> image();
            case LOOP -> {
                requireLoopDevices();
                yield Path.of(attach());
            }
        };
    }

    private static void requireLoopDevices() throws Exception {
        assumeTrue(Files.isWritable(Path.of("/dev/loop-control")), "loop devices need root and /dev/loop-control");
        assumeTrue(succeeds("losetup", "--version"), "losetup is missing");
    }

    private String attach(String... options) throws Exception {
        if (!Files.exists(image())) {
            disk(Disk.IMAGE);
        }
        List<String> command = new ArrayList<>(List.of("losetup", "--find", "--show"));
        command.addAll(List.of(options));
        command.add(image().toString());
        String loop = run(command.toArray(String[]::new));
        loops.push(loop);
        return loop;
    }

    private static boolean succeeds(String... command) throws Exception {
        try {
            run(command);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + output);
        }
        return output.strip();
    }
}
