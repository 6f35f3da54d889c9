package io.dynamicfs.csi.disk;

import io.dynamicfs.engine.device.DeviceKey;
import io.dynamicfs.engine.device.DeviceUse;
import io.dynamicfs.engine.device.HardwareIdentity;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.syscall.DeviceNumber;
import io.dynamicfs.engine.syscall.FileDescriptors;
import io.dynamicfs.engine.syscall.FileStatus;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lists the whole block devices that the kernel has and that are in our /dev. Loop devices are somebody's files and are left
 * out, unless a stable name below /dev/disk/by-id leads to them. A disk that does not answer holds up nothing but itself.
 */
public final class DiskScanner {
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
    private static final int SECTOR_BYTES = 512;
    private static final Pattern MEMORY_DISK = Pattern.compile("ram[0-9]+");
    private static final Pattern LOOP = Pattern.compile("loop[0-9]+");

    private final KernelFiles kernel;
    private final Path dev;
    private final Function<Path, Optional<DeviceNumber>> numbers;
    private final BiFunction<KernelFiles, Path, DiskContent> probe;
    private final Optional<PathMatcher> wanted;
    private final Map<DeviceNumber, FutureTask<DiskContent>> silent = new ConcurrentHashMap<>();

    /** {@code names} is a glob for names below /dev/disk/by-id: other disks are not even looked at. Empty means all disks. */
    public static DiskScanner ofHost(String names) {
        return new DiskScanner(KernelFiles.ofHost(), Path.of("/dev"), DiskScanner::blockDevice, DiskProbe::read, names);
    }

    DiskScanner(
            KernelFiles kernel,
            Path dev,
            Function<Path, Optional<DeviceNumber>> numbers,
            BiFunction<KernelFiles, Path, DiskContent> probe,
            String names) {
        this.kernel = kernel;
        this.dev = dev;
        this.numbers = numbers;
        this.probe = probe;
        this.wanted = names.isEmpty()
                ? Optional.empty()
                : Optional.of(FileSystems.getDefault().getPathMatcher("glob:" + names));
    }

    /** The disks of now, in the order of their names. */
    public List<BlockDisk> scan() {
        Map<DeviceNumber, Path> nodes = nodes();
        Map<DeviceNumber, List<Path>> links = links();
        List<BlockDisk> disks = new ArrayList<>();
        for (String name : names()) {
            Path directory = kernel.sys().resolve("block").resolve(name);
            DeviceNumber number = number(KernelFiles.text(directory.resolve("dev")));
            Path node = number == null ? null : nodes.get(number);
            if (number != null && node != null && isCandidate(name, links.getOrDefault(number, List.of()))) {
                disks.add(disk(name, number, node, links.getOrDefault(number, List.of()), directory));
            }
        }
        return List.copyOf(disks);
    }

    /** The kernel's names of all block devices: cheap to ask, to notice that something was plugged in or out. */
    public List<String> names() {
        List<String> present = new ArrayList<>();
        Path block = kernel.sys().resolve("block");
        for (String name : KernelFiles.names(block)) {
            if (sectors(block.resolve(name)) > 0) {
                present.add(name);
            }
        }
        return present;
    }

    private boolean isCandidate(String name, List<Path> byId) {
        boolean known = !MEMORY_DISK.matcher(name).matches()
                && (!byId.isEmpty() || !LOOP.matcher(name).matches());
        return known
                && (wanted.isEmpty()
                        || byId.stream().anyMatch(link -> wanted.get().matches(link.getFileName())));
    }

    private BlockDisk disk(String name, DeviceNumber number, Path node, List<Path> byId, Path directory) {
        HardwareIdentity hardware = HardwareIdentity.read(kernel, new DeviceKey.Block(number));
        return new BlockDisk(
                name,
                number,
                node,
                byId,
                hardware == null ? null : hardware.serial(),
                hardware == null ? null : hardware.wwn(),
                hardware == null ? null : hardware.model(),
                sectors(directory) * SECTOR_BYTES,
                "1".equals(KernelFiles.text(directory.resolve("queue/rotational"))),
                "1".equals(KernelFiles.text(directory.resolve("removable"))),
                "1".equals(KernelFiles.text(directory.resolve("ro"))),
                isVirtual(name, number),
                DeviceUse.find(kernel, new DeviceKey.Block(number)),
                content(number, node));
    }

    /** Loop devices only come here with a stable name, which somebody gave them so that they pass for disks. */
    private boolean isVirtual(String name, DeviceNumber number) {
        Path directory = kernel.blockDevice(number);
        return !LOOP.matcher(name).matches()
                && directory != null
                && directory.toString().contains("/devices/virtual/");
    }

    private DiskContent content(DeviceNumber number, Path node) {
        FutureTask<DiskContent> reading = silent.get(number);
        if (reading == null) {
            reading = new FutureTask<>(() -> probe.apply(kernel, node));
            Thread.ofPlatform().daemon().name("disk-" + number).start(reading);
        }
        try {
            DiskContent content = reading.get(ANSWER_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            silent.remove(number);
            return content;
        } catch (TimeoutException e) {
            silent.put(number, reading);
            return new DiskContent.Unreadable(
                    "does not answer within " + ANSWER_LIMIT.toSeconds() + " s; look at the kernel log");
        } catch (ExecutionException e) {
            silent.remove(number);
            return new DiskContent.Unreadable("cannot be read: " + e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new DiskContent.Unreadable("was not read: this process ends");
        }
    }

    private Map<DeviceNumber, Path> nodes() {
        Map<DeviceNumber, Path> nodes = new HashMap<>();
        for (String name : KernelFiles.names(dev)) {
            Path path = dev.resolve(name);
            if (!Files.isSymbolicLink(path)) {
                numbers.apply(path).ifPresent(number -> nodes.putIfAbsent(number, path));
            }
        }
        return nodes;
    }

    /** Names that say more to people come first: models and serial numbers before world-wide names. */
    private Map<DeviceNumber, List<Path>> links() {
        Map<DeviceNumber, List<Path>> links = new HashMap<>();
        Path directory = dev.resolve("disk/by-id");
        for (boolean worldWide : new boolean[] {false, true}) {
            for (String name : KernelFiles.names(directory)) {
                if (isWorldWideName(name) == worldWide) {
                    Path link = directory.resolve(name);
                    numbers.apply(link)
                            .ifPresent(number -> links.computeIfAbsent(number, n -> new ArrayList<>())
                                    .add(link));
                }
            }
        }
        return links;
    }

    private static boolean isWorldWideName(String name) {
        return name.startsWith("wwn-") || name.startsWith("nvme-eui.") || name.startsWith("scsi-3");
    }

    private static long sectors(Path directory) {
        String text = KernelFiles.text(directory.resolve("size"));
        return text == null || !text.matches("[0-9]{1,18}") ? 0 : Long.parseLong(text);
    }

    private static @Nullable DeviceNumber number(@Nullable String text) {
        if (text == null || !text.matches("[0-9]{1,9}:[0-9]{1,9}")) {
            return null;
        }
        int colon = text.indexOf(':');
        return new DeviceNumber(
                Integer.parseInt(text.substring(0, colon)), Integer.parseInt(text.substring(colon + 1)));
    }

    private static Optional<DeviceNumber> blockDevice(Path path) {
        FileStatus status = FileDescriptors.status(path.toString());
        return status.errno() == 0 && status.kind() == FileStatus.Kind.BLOCK_DEVICE
                ? Optional.of(status.device())
                : Optional.empty();
    }
}
