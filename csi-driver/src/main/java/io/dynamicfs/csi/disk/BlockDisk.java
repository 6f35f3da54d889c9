package io.dynamicfs.csi.disk;

import io.dynamicfs.engine.device.DeviceUse;
import io.dynamicfs.engine.syscall.DeviceNumber;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A whole block device of this node. {@code name} is the kernel's, {@code path} its node in our /dev, {@code byId} the stable
 * names that lead to it. What the hardware does not tell is null.
 */
public record BlockDisk(
        String name,
        DeviceNumber number,
        Path path,
        List<Path> byId,
        @Nullable String serial,
        @Nullable String wwn,
        @Nullable String model,
        long sizeBytes,
        boolean rotational,
        boolean removable,
        boolean readOnly,
        boolean virtual,
        List<DeviceUse> uses,
        DiskContent content) {

    public BlockDisk {
        byId = List.copyOf(byId);
        uses = List.copyOf(uses);
    }

    /** The name that still means this disk after a reboot, where there is one. */
    public Path stablePath() {
        return byId.isEmpty() ? path : byId.getFirst();
    }

    /** What tells this disk from all others of the node: lower-case letters, digits and dashes. */
    public String stableId() {
        String text = wwn != null
                ? wwn
                : serial != null ? serial : stablePath().getFileName().toString();
        String id = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return id.isEmpty() ? name : id;
    }

    /** Everything that keeps a pool from taking this disk; nothing when it may. */
    public List<Ineligibility> ineligibilities() {
        List<Ineligibility> reasons = new ArrayList<>();
        switch (content) {
            case DiskContent.Empty ignored -> {}
            case DiskContent.Member member ->
                add(
                        reasons,
                        Ineligibility.Reason.POOL_MEMBER,
                        "is disk " + member.index() + " of pool " + member.poolName() + " (" + member.poolId() + ")");
            case DiskContent.Foreign foreign ->
                add(
                        reasons,
                        Ineligibility.Reason.SIGNATURE,
                        "carries " + String.join(", ", foreign.signatures()) + "; wipe it if that is not needed");
            case DiskContent.TooSmall small -> add(reasons, Ineligibility.Reason.TOO_SMALL, small.reason());
            case DiskContent.Unreadable unreadable ->
                add(reasons, Ineligibility.Reason.UNREADABLE, unreadable.reason());
        }
        for (DeviceUse use : uses) {
            add(
                    reasons,
                    switch (use.kind()) {
                        case MOUNTED -> Ineligibility.Reason.MOUNTED;
                        case PARTITIONED -> Ineligibility.Reason.PARTITIONED;
                        case SWAP, HELD, LOOP_BACKING -> Ineligibility.Reason.IN_USE;
                    },
                    use.toString());
        }
        if (readOnly) {
            add(reasons, Ineligibility.Reason.READ_ONLY, "is read-only");
        }
        if (removable) {
            add(reasons, Ineligibility.Reason.REMOVABLE, "is a removable medium");
        }
        if (virtual) {
            add(reasons, Ineligibility.Reason.VIRTUAL, "is made by software from other devices");
        }
        return List.copyOf(reasons);
    }

    private static void add(List<Ineligibility> reasons, Ineligibility.Reason reason, String message) {
        reasons.add(new Ineligibility(reason, message));
    }
}
