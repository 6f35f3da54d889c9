package io.dynamicfs.csi.disk;

import io.dynamicfs.engine.commit.DiskLabelReading;
import io.dynamicfs.engine.commit.DiskLabels;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DeviceOpenException;
import io.dynamicfs.engine.device.KernelFiles;
import io.dynamicfs.engine.device.LinuxBlockDevice;
import io.dynamicfs.engine.device.Signature;
import io.dynamicfs.engine.device.Signatures;
import io.dynamicfs.engine.format.Identity;
import java.nio.file.Path;
import java.util.List;

/** Reads what is on a disk, as somebody who only looks. Takes as long as the disk does. */
final class DiskProbe {
    private DiskProbe() {}

    static DiskContent read(KernelFiles kernel, Path path) {
        try (LinuxBlockDevice device = LinuxBlockDevice.open(kernel, path, LinuxBlockDevice.Mode.READ_ONLY)) {
            return switch (DiskLabels.read(device)) {
                case DiskLabelReading.Labelled labelled -> member(labelled.identity());
                case DiskLabelReading.Shrunk shrunk -> member(shrunk.identity());
                case DiskLabelReading.Unusable unusable -> new DiskContent.Unreadable(unusable.describe());
                case DiskLabelReading.Contradictory contradictory ->
                    new DiskContent.Unreadable(contradictory.describe());
                case DiskLabelReading.Unlabelled ignored -> unlabelled(device);
            };
        } catch (DeviceOpenException e) {
            String message = String.valueOf(e.getMessage());
            return e.reason() == DeviceOpenException.Reason.TOO_SMALL
                    ? new DiskContent.TooSmall(message)
                    : new DiskContent.Unreadable(message);
        }
    }

    private static DiskContent member(Identity identity) {
        return new DiskContent.Member(identity.poolId(), identity.poolName(), identity.diskId(), identity.diskIndex());
    }

    private static DiskContent unlabelled(LinuxBlockDevice device) {
        try {
            List<String> names = Signatures.find(device).stream()
                    .map(Signature::name)
                    .distinct()
                    .toList();
            return names.isEmpty() ? new DiskContent.Empty() : new DiskContent.Foreign(names);
        } catch (DeviceException e) {
            return new DiskContent.Unreadable(String.valueOf(e.getMessage()));
        }
    }
}
