package io.dynamicfs.csi.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.csi.disk.Ineligibility.Reason;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.syscall.DeviceNumber;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks as the kernel describes them, in a made-up /sys, /proc and /dev whose device nodes hold their numbers. */
class DiskScannerTest {
    private static final UUID POOL = UUID.fromString("01234567-89ab-cdef-0123-456789abcdef");

    @TempDir
    Path root;

    private final Map<Path, DiskContent> contents = new HashMap<>();

    @BeforeEach
    void makeDirectories() throws IOException {
        for (String directory : List.of("sys/block", "sys/dev/block", "proc/self", "dev/disk/by-id")) {
            Files.createDirectories(root.resolve(directory));
        }
        Files.writeString(root.resolve("proc/self/mountinfo"), "");
        Files.writeString(root.resolve("proc/swaps"), "");
    }

    private Path device(String name, int major, int minor, String bus) throws IOException {
        Path device = root.resolve("sys/devices/" + bus + "/" + name);
        Files.createDirectories(device.resolve("queue"));
        Files.createDirectories(device.resolve("holders"));
        set(device, "dev", major + ":" + minor);
        set(device, "size", "4194304");
        set(device, "removable", "0");
        set(device, "ro", "0");
        set(device, "queue/rotational", "1");
        Files.createSymbolicLink(root.resolve("sys/block").resolve(name), device);
        Files.createSymbolicLink(root.resolve("sys/dev/block/" + major + ":" + minor), device);
        Path node = Files.writeString(root.resolve("dev").resolve(name), major + ":" + minor);
        contents.put(node, new DiskContent.Empty());
        return device;
    }

    private static void set(Path device, String file, String value) throws IOException {
        Path path = device.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, value + "\n");
    }

    private void link(String name, String device) throws IOException {
        Files.createSymbolicLink(
                root.resolve("dev/disk/by-id").resolve(name),
                root.resolve("dev").resolve(device));
    }

    private List<BlockDisk> scan(String names) {
        return new DiskScanner(
                        new KernelFiles(root.resolve("sys"), root.resolve("proc")),
                        root.resolve("dev"),
                        DiskScannerTest::number,
                        (kernel, path) -> contents.getOrDefault(path, new DiskContent.Unreadable("no such")),
                        names)
                .scan();
    }

    private BlockDisk only() {
        List<BlockDisk> disks = scan("");
        assertThat(disks).hasSize(1);
        return disks.getFirst();
    }

    private static Optional<DeviceNumber> number(Path path) {
        try {
            String[] parts = Files.readString(path.toRealPath()).split(":", -1);
            return Optional.of(new DeviceNumber(Integer.parseInt(parts[0]), Integer.parseInt(parts[1])));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static List<Reason> reasons(BlockDisk disk) {
        return disk.ineligibilities().stream().map(Ineligibility::reason).toList();
    }

    @Test
    void aBlankDiskIsDescribedAndEligible() throws IOException {
        Path sda = device("sda", 8, 0, "pci0000:00/ata1");
        set(sda, "device/model", "  EXOS 16T ");
        set(sda, "device/serial", "ZL2ABC");
        set(sda, "wwid", "naa.5000C500A1B2C3D4");
        link("wwn-0x5000c500a1b2c3d4", "sda");
        link("ata-EXOS_16T_ZL2ABC", "sda");
        BlockDisk disk = only();
        assertThat(disk.ineligibilities()).isEmpty();
        assertThat(disk.sizeBytes()).isEqualTo(4194304L * 512);
        assertThat(disk.model()).isEqualTo("EXOS 16T");
        assertThat(disk.serial()).isEqualTo("ZL2ABC");
        assertThat(disk.rotational()).isTrue();
        assertThat(disk.stableId()).isEqualTo("naa-5000c500a1b2c3d4");
        assertThat(disk.stablePath()).isEqualTo(root.resolve("dev/disk/by-id/ata-EXOS_16T_ZL2ABC"));
        assertThat(disk.byId()).hasSize(2);
    }

    @Test
    void everyReasonAgainstADiskIsTold() throws IOException {
        Path sda = device("sda", 8, 0, "pci");
        set(sda, "removable", "1");
        set(sda, "ro", "1");
        Files.createDirectories(sda.resolve("holders/dm-0"));
        set(sda, "sda1/dev", "8:1");
        set(sda, "sda1/partition", "1");
        Files.writeString(root.resolve("proc/self/mountinfo"), "22 1 8:0 / /data rw - ext4 /dev/sda rw\n");
        contents.put(root.resolve("dev/sda"), new DiskContent.Foreign(List.of("GPT", "ext4")));
        assertThat(reasons(only()))
                .containsExactlyInAnyOrder(
                        Reason.SIGNATURE,
                        Reason.MOUNTED,
                        Reason.IN_USE,
                        Reason.PARTITIONED,
                        Reason.READ_ONLY,
                        Reason.REMOVABLE);
        assertThat(only().ineligibilities())
                .anySatisfy(reason -> assertThat(reason.message()).contains("GPT, ext4"));
    }

    @Test
    void onlyDisksOfThisContainerAreListedWhateverTheirNamesHere() throws IOException {
        device("sda", 8, 0, "pci");
        device("sdb", 8, 16, "pci");
        Files.delete(root.resolve("dev/sdb"));
        Files.move(root.resolve("dev/sda"), root.resolve("dev/renamed"));
        contents.put(root.resolve("dev/renamed"), new DiskContent.Empty());
        assertThat(only().path()).isEqualTo(root.resolve("dev/renamed"));
    }

    @Test
    void softwareDevicesAreVirtualAndLoopDevicesCountOnlyWithAStableName() throws IOException {
        device("dm-0", 253, 0, "virtual/block");
        device("ram0", 1, 0, "virtual/block");
        device("loop0", 7, 0, "virtual/block");
        assertThat(scan("")).extracting(BlockDisk::name).containsExactly("dm-0");
        assertThat(reasons(scan("").getFirst())).containsExactly(Reason.VIRTUAL);
        link("cluster-1-a", "loop0");
        assertThat(scan("")).extracting(BlockDisk::name).containsExactly("dm-0", "loop0");
        BlockDisk loop = scan("cluster-*").getFirst();
        assertThat(loop.name()).isEqualTo("loop0");
        assertThat(loop.ineligibilities()).isEmpty();
        assertThat(loop.stableId()).isEqualTo("cluster-1-a");
    }

    @Test
    void aDeviceWithoutAMediumIsNoDisk() throws IOException {
        set(device("sdc", 8, 32, "pci"), "size", "0");
        assertThat(scan("")).isEmpty();
    }

    @Test
    void poolsAreFoundByTheirLabels() throws IOException {
        int minor = 0;
        for (String name : List.of("sda", "sdb", "sdc")) {
            device(name, 8, minor, "pci");
            minor += 16;
        }
        link("disk-b", "sdb");
        contents.put(root.resolve("dev/sda"), new DiskContent.Member(POOL, "tank", UUID.randomUUID(), 1));
        contents.put(root.resolve("dev/sdb"), new DiskContent.Member(POOL, "tank", UUID.randomUUID(), 0));
        List<BlockDisk> disks = scan("");
        assertThat(reasons(disks.getFirst())).containsExactly(Reason.POOL_MEMBER);
        List<FoundPool> pools = FoundPool.among(disks);
        assertThat(pools).extracting(FoundPool::name).containsExactly("tank");
        assertThat(pools.getFirst().paths())
                .containsExactly(
                        root.resolve("dev/disk/by-id/disk-b").toString(),
                        root.resolve("dev/sda").toString());
    }
}
