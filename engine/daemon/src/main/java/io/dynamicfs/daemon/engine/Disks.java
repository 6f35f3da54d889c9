package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.commit.DiskLabelReading;
import io.dynamicfs.engine.commit.DiskLabels;
import io.dynamicfs.engine.commit.PoolException;
import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DeviceOpenException;
import io.dynamicfs.engine.device.DeviceUse;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.device.LinuxBlockDevice;
import io.dynamicfs.engine.device.LinuxBlockDevice.Mode;
import io.dynamicfs.engine.device.Signature;
import io.dynamicfs.engine.device.Signatures;
import io.dynamicfs.engine.format.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens disks, itself or through the keeper, and looks at what they hold. */
final class Disks {
    private static final Path BLOCK_DEVICES = Path.of("/sys/class/block");
    private static final KernelFiles KERNEL = KernelFiles.ofHost();
    private static final Logger LOG = LoggerFactory.getLogger(Disks.class);

    private final Opener opener;
    private final boolean ownRights;

    private interface Opener {
        LinuxBlockDevice open(Path path, Mode mode) throws DeviceOpenException;
    }

    private Disks(Opener opener, boolean ownRights) {
        this.opener = opener;
        this.ownRights = ownRights;
    }

    /** With the rights of this process. */
    static Disks ofHost() {
        return new Disks((path, mode) -> LinuxBlockDevice.open(KERNEL, path, mode), true);
    }

    /** With descriptors that the keeper has opened. */
    static Disks of(Keeper keeper) {
        return new Disks(keeper::openDevice, false);
    }

    /** Opens all disks or none: for a new pool each one must be there. */
    List<BlockDevice> openForNewPool(List<Path> paths) throws PoolException {
        refuseTwins(paths);
        List<BlockDevice> devices = new ArrayList<>();
        try {
            for (Path path : paths) {
                devices.add(open(path));
            }
            return devices;
        } catch (PoolException e) {
            closeAll(devices);
            throw e;
        }
    }

    /** Opens what can be opened of a pool's disks; one that is in use is refused, one that is gone is left to the pool. */
    List<BlockDevice> openForPool(List<Path> paths) throws PoolException {
        refuseTwins(paths);
        List<BlockDevice> devices = new ArrayList<>();
        for (Path path : paths) {
            try {
                devices.add(open(path));
            } catch (PoolException e) {
                if (e.reason() == Reason.DISK_BUSY) {
                    closeAll(devices);
                    throw e;
                }
                LOG.warn("event=disk-left-out disk={} reason={} message={}", path, e.reason(), e.getMessage());
            }
        }
        return devices;
    }

    /** The identity that {@code device} carries, if it has a usable one. */
    static Optional<Identity> identity(BlockDevice device) {
        return DiskLabels.read(device) instanceof DiskLabelReading.Labelled labelled
                ? Optional.of(labelled.identity())
                : Optional.empty();
    }

    /** Looks at {@code paths}, or at every block device of the machine when there are none. */
    List<DiskProbe> probe(List<Path> paths) throws PoolException {
        List<DiskProbe> probes = new ArrayList<>();
        for (Path path : paths.isEmpty() ? blockDevices() : paths) {
            probes.add(probe(path));
        }
        return probes;
    }

    static void closeAll(List<BlockDevice> devices) {
        devices.forEach(BlockDevice::close);
    }

    private DiskProbe probe(Path path) {
        try (LinuxBlockDevice device = opener.open(path, Mode.READ_ONLY)) {
            return new DiskProbe(path, device.sizeBytes(), content(device));
        } catch (DeviceOpenException e) {
            return new DiskProbe(path, 0, new DiskProbe.Unreadable(String.valueOf(e.getMessage())));
        }
    }

    private static DiskProbe.Content content(LinuxBlockDevice device) {
        return switch (DiskLabels.read(device)) {
            case DiskLabelReading.Labelled labelled -> member(labelled.identity());
            case DiskLabelReading.Shrunk shrunk -> member(shrunk.identity());
            case DiskLabelReading.Unusable unusable -> new DiskProbe.Unreadable(unusable.describe());
            case DiskLabelReading.Contradictory contradictory -> new DiskProbe.Unreadable(contradictory.describe());
            case DiskLabelReading.Unlabelled ignored -> foreignContent(device);
        };
    }

    private static DiskProbe.Content member(Identity identity) {
        return new DiskProbe.Member(identity.poolId(), identity.poolName(), identity.diskId(), identity.diskIndex());
    }

    private static DiskProbe.Content foreignContent(LinuxBlockDevice device) {
        try {
            List<Signature> signatures = Signatures.find(device);
            List<DeviceUse> uses = DeviceUse.find(KERNEL, device.key());
            if (!signatures.isEmpty()) {
                return new DiskProbe.Foreign(names(signatures));
            }
            return uses.isEmpty()
                    ? new DiskProbe.Empty()
                    : new DiskProbe.Busy(uses.getFirst().toString());
        } catch (DeviceException e) {
            return new DiskProbe.Unreadable(String.valueOf(e.getMessage()));
        }
    }

    /** Opens a disk for this process alone. */
    BlockDevice open(Path path) throws PoolException {
        try {
            return opener.open(path, Mode.OWNED);
        } catch (DeviceOpenException e) {
            throw new PoolException(reason(e.reason()), String.valueOf(e.getMessage()), e);
        }
    }

    private static Reason reason(DeviceOpenException.Reason reason) {
        return switch (reason) {
            case NOT_FOUND, NOT_A_DISK -> Reason.DISK_NOT_FOUND;
            case BUSY -> Reason.DISK_BUSY;
            case TOO_SMALL -> Reason.DISK_TOO_SMALL;
            case READ_ONLY, PERMISSION, NO_DIRECT_IO, SECTOR_TOO_LARGE, FAILED -> Reason.DISK_FAILED;
        };
    }

    private static String names(List<Signature> signatures) {
        return signatures.stream().map(Signature::name).distinct().collect(Collectors.joining(", "));
    }

    private static void refuseTwins(List<Path> paths) throws PoolException {
        Map<Object, Path> seen = new HashMap<>();
        for (Path path : paths) {
            Path first = seen.putIfAbsent(key(path), path);
            if (first != null) {
                throw new PoolException(
                        Reason.DISK_TWICE,
                        "expected different disks, found the same one twice: " + first + " and " + path
                                + ". Give each disk once.");
            }
        }
    }

    /** What two names of one disk have in common: the device's number, or the file's. */
    private static Object key(Path path) throws PoolException {
        try {
            Map<String, Object> attributes = Files.readAttributes(path, "unix:dev,ino,rdev,mode");
            boolean isDevice = attributes.get("mode") instanceof Integer mode && (mode & 0170000) == 0060000;
            return isDevice
                    ? "device " + attributes.get("rdev")
                    : "file " + attributes.get("dev") + " " + attributes.get("ino");
        } catch (IOException e) {
            return path;
        }
    }

    private List<Path> blockDevices() throws PoolException {
        if (!ownRights) {
            throw new PoolException(
                    Reason.INVALID_ARGUMENT,
                    "expected the names of disks, found none: an engine with a keeper does not see what this machine has");
        }
        try (Stream<Path> names = Files.list(BLOCK_DEVICES)) {
            return names.filter(Disks::hasContent)
                    .map(name -> Path.of("/dev").resolve(name.getFileName()))
                    .filter(Files::exists)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new PoolException(
                    Reason.DISK_NOT_FOUND,
                    "cannot list the block devices of this machine (" + e.getMessage() + "). Name the disks.",
                    e);
        }
    }

    /** Loop devices and card readers exist without anything in them. */
    private static boolean hasContent(Path name) {
        try {
            return !Files.readString(name.resolve("size")).strip().equals("0");
        } catch (IOException e) {
            return false;
        }
    }
}
