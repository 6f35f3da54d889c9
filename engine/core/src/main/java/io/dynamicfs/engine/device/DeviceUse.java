package io.dynamicfs.engine.device;

import io.dynamicfs.engine.syscall.DeviceNumber;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FileStatus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something else on this machine that has a disk in use; {@code detail} names it. */
public record DeviceUse(Kind kind, String detail) {
    public enum Kind {
        MOUNTED,
        SWAP,
        HELD,
        PARTITIONED,
        LOOP_BACKING
    }

    /** Everything that the kernel tells, for messages and for refusing; the exclusive open is what really keeps others out. */
    public static List<DeviceUse> find(KernelFiles kernel, DeviceKey key) {
        List<DeviceUse> uses = new ArrayList<>();
        switch (key) {
            case DeviceKey.Block block -> addBlockUses(kernel, block.device(), uses);
            case DeviceKey.Image image -> addLoopDevices(kernel, image, uses);
        }
        return List.copyOf(uses);
    }

    private static void addBlockUses(KernelFiles kernel, DeviceNumber device, List<DeviceUse> uses) {
        addMounts(kernel, device, uses);
        Path directory = kernel.blockDevice(device);
        if (directory == null) {
            return;
        }
        for (String holder : KernelFiles.names(directory.resolve("holders"))) {
            uses.add(new DeviceUse(Kind.HELD, holder));
        }
        for (String name : KernelFiles.names(directory)) {
            DeviceNumber partition =
                    number(KernelFiles.text(directory.resolve(name).resolve("dev")));
            if (partition != null && KernelFiles.text(directory.resolve(name).resolve("partition")) != null) {
                uses.add(new DeviceUse(Kind.PARTITIONED, name));
                addBlockUses(kernel, partition, uses);
            }
        }
    }

    private static void addMounts(KernelFiles kernel, DeviceNumber device, List<DeviceUse> uses) {
        for (String line : lines(kernel.proc().resolve("self/mountinfo"))) {
            String[] fields = line.split(" ", 6);
            if (fields.length == 6 && fields[2].equals(device.toString())) {
                uses.add(new DeviceUse(Kind.MOUNTED, fields[4]));
            }
        }
        for (String line : lines(kernel.proc().resolve("swaps"))) {
            String path = line.split("\\s", 2)[0];
            if (path.startsWith("/") && FileDescriptors.status(path).device().equals(device)) {
                uses.add(new DeviceUse(Kind.SWAP, path));
            }
        }
    }

    private static void addLoopDevices(KernelFiles kernel, DeviceKey.Image image, List<DeviceUse> uses) {
        Path block = kernel.sys().resolve("block");
        for (String name : KernelFiles.names(block)) {
            String backing = KernelFiles.text(block.resolve(name).resolve("loop/backing_file"));
            if (backing != null) {
                FileStatus status = FileDescriptors.status(backing);
                if (status.errno() == 0 && image.equals(new DeviceKey.Image(status.fileSystem(), status.inode()))) {
                    uses.add(new DeviceUse(Kind.LOOP_BACKING, name));
                }
            }
        }
    }

    private static List<String> lines(Path file) {
        String text = KernelFiles.text(file);
        return text == null ? List.of() : text.lines().toList();
    }

    private static @Nullable DeviceNumber number(@Nullable String text) {
        if (text == null || !text.matches("[0-9]{1,9}:[0-9]{1,9}")) {
            return null;
        }
        int colon = text.indexOf(':');
        return new DeviceNumber(
                Integer.parseInt(text.substring(0, colon)), Integer.parseInt(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
        return switch (kind) {
            case MOUNTED -> "mounted at " + detail;
            case SWAP -> "in use as swap (" + detail + ")";
            case HELD -> "held by " + detail;
            case PARTITIONED -> "has partition " + detail;
            case LOOP_BACKING -> "attached to " + detail;
        };
    }
}
