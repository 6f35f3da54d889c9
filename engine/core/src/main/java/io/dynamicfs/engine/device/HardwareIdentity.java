package io.dynamicfs.engine.device;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What the hardware says of itself; a part that it does not tell is null. {@code backingFile} is a loop device's file. */
public record HardwareIdentity(
        @Nullable String serial,
        @Nullable String wwn,
        @Nullable String model,
        @Nullable Boolean rotational,
        @Nullable String backingFile) {

    /** Null when the key is not of a block device, or the kernel knows nothing of it. */
    public static @Nullable HardwareIdentity read(KernelFiles kernel, DeviceKey key) {
        return switch (key) {
            case DeviceKey.Image image -> null;
            case DeviceKey.Block block -> {
                Path directory = kernel.blockDevice(block.device());
                yield directory == null ? null : read(wholeDisk(directory));
            }
        };
    }

    private static @Nullable HardwareIdentity read(Path disk) {
        Path device = disk.resolve("device");
        String rotational = KernelFiles.text(disk.resolve("queue/rotational"));
        HardwareIdentity identity = new HardwareIdentity(
                first(disk.resolve("serial"), device.resolve("serial"), device.resolve("vpd_pg80")),
                first(disk.resolve("wwid"), device.resolve("wwid"), disk.resolve("dm/uuid"), disk.resolve("md/uuid")),
                first(device.resolve("model"), disk.resolve("dm/name")),
                rotational == null ? null : rotational.equals("1"),
                KernelFiles.text(disk.resolve("loop/backing_file")));
        return identity.isEmpty() ? null : identity;
    }

    private boolean isEmpty() {
        return serial == null && wwn == null && model == null && rotational == null && backingFile == null;
    }

    /** A partition has the identity of its disk. */
    private static Path wholeDisk(Path directory) {
        Path parent = directory.getParent();
        return parent != null && Files.exists(directory.resolve("partition")) ? parent : directory;
    }

    private static @Nullable String first(Path... candidates) {
        for (Path candidate : candidates) {
            String text = KernelFiles.text(candidate);
            String printable = text == null ? null : printable(text);
            if (printable != null) {
                return printable;
            }
        }
        return null;
    }

    /** SCSI pages put binary lengths before the text, and disks pad it. */
    private static @Nullable String printable(String text) {
        StringBuilder kept = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (b >= ' ' && b < 0x7f) {
                kept.append((char) b);
            }
        }
        String stripped = kept.toString().strip();
        return stripped.isEmpty() ? null : stripped;
    }
}
