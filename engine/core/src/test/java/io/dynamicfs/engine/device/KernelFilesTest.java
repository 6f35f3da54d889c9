package io.dynamicfs.engine.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.syscall.DeviceNumber;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelFilesTest {
    private static final DeviceKey DISK = new DeviceKey.Block(new DeviceNumber(8, 0));
    private static final DeviceKey PARTITION = new DeviceKey.Block(new DeviceNumber(8, 1));

    @TempDir
    Path root;

    private KernelFiles kernel;

    @BeforeEach
    void oneScsiDiskWithOnePartition() throws Exception {
        kernel = new KernelFiles(root.resolve("sys"), root.resolve("proc"));
        write("sys/devices/pci/block/sda/dev", "8:0\n");
        write("sys/devices/pci/block/sda/queue/rotational", "1\n");
        write("sys/devices/pci/block/sda/device/model", "WDC WD40EFRX   \n");
        write("sys/devices/pci/block/sda/device/wwid", "naa.50014ee2b1c2d3e4\n");
        write("sys/devices/pci/block/sda/device/vpd_pg80", "\0\u0080\0\u0014     WD-WCC4E1234567\n");
        write("sys/devices/pci/block/sda/sda1/dev", "8:1\n");
        write("sys/devices/pci/block/sda/sda1/partition", "1\n");
        Files.createDirectories(root.resolve("sys/devices/pci/block/sda/holders"));
        Files.createDirectories(root.resolve("sys/devices/pci/block/sda/sda1/holders"));
        Path links = Files.createDirectories(root.resolve("sys/dev/block"));
        Files.createSymbolicLink(links.resolve("8:0"), root.resolve("sys/devices/pci/block/sda"));
        Files.createSymbolicLink(links.resolve("8:1"), root.resolve("sys/devices/pci/block/sda/sda1"));
        write("proc/self/mountinfo", "21 1 0:19 / /sys rw,relatime - sysfs sysfs rw\n");
        write("proc/swaps", "Filename Type Size Used Priority\n");
    }

    @Test
    void identityIsWhatTheDiskTells() {
        assertThat(HardwareIdentity.read(kernel, DISK))
                .isEqualTo(new HardwareIdentity("WD-WCC4E1234567", "naa.50014ee2b1c2d3e4", "WDC WD40EFRX", true, null));
    }

    @Test
    void aPartitionHasTheIdentityOfItsDisk() {
        assertThat(HardwareIdentity.read(kernel, PARTITION)).isEqualTo(HardwareIdentity.read(kernel, DISK));
    }

    @Test
    void anImageOrAnUnknownDeviceHasNone() {
        assertThat(HardwareIdentity.read(kernel, new DeviceKey.Image(new DeviceNumber(8, 1), 17)))
                .isNull();
        assertThat(HardwareIdentity.read(kernel, new DeviceKey.Block(new DeviceNumber(9, 9))))
                .isNull();
    }

    @Test
    void usesArePartitionsMountsAndHolders() throws Exception {
        write("proc/self/mountinfo", "29 1 8:1 / /srv rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
        Files.createDirectories(root.resolve("sys/devices/pci/block/sda/sda1/holders/dm-0"));
        assertThat(DeviceUse.find(kernel, DISK))
                .containsExactly(
                        new DeviceUse(DeviceUse.Kind.PARTITIONED, "sda1"),
                        new DeviceUse(DeviceUse.Kind.MOUNTED, "/srv"),
                        new DeviceUse(DeviceUse.Kind.HELD, "dm-0"));
        assertThat(DeviceUse.find(kernel, PARTITION)).hasToString("[mounted at /srv, held by dm-0]");
    }

    @Test
    void aDiskThatNobodyUsesHasNoUses() throws Exception {
        Files.delete(root.resolve("sys/devices/pci/block/sda/sda1/partition"));
        assertThat(DeviceUse.find(kernel, DISK)).isEmpty();
    }

    private void write(String path, String text) throws Exception {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
