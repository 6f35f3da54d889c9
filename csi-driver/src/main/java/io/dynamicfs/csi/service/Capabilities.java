package io.dynamicfs.csi.service;

import io.dynamicfs.csi.mount.MountFlags;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.csi.v1.VolumeCapability;
import io.dynamicfs.csi.v1.VolumeCapability.AccessMode.Mode;
import io.dynamicfs.engine.mount.MountException;
import io.grpc.Status;
import java.util.List;

/** Which ways of using a volume there are. */
final class Capabilities {
    static final String FILE_SYSTEM = "dynamicfs";

    private Capabilities() {}

    /** Refuses with {@code code} what cannot be given, and with INVALID_ARGUMENT what says nothing. */
    static void require(List<VolumeCapability> capabilities, Status.Code code) throws Refusal {
        if (capabilities.isEmpty()) {
            throw Refusal.invalid("volume capability: expected at least one, found none");
        }
        for (VolumeCapability capability : capabilities) {
            require(capability, code);
        }
    }

    static void require(VolumeCapability capability, Status.Code code) throws Refusal {
        switch (capability.getAccessTypeCase()) {
            case ACCESSTYPE_NOT_SET ->
                throw Refusal.invalid("volume capability: expected an access type, found none; ask for a mount");
            case BLOCK ->
                throw new Refusal(
                        code, "volume mode Block: raw block volumes are not supported; use volumeMode: Filesystem");
            case MOUNT -> requireMount(capability.getMount(), code);
        }
        requireMode(capability.getAccessMode().getMode(), code);
    }

    static boolean isSingleWriter(VolumeCapability capability) {
        return capability.getAccessMode().getMode() == Mode.SINGLE_NODE_SINGLE_WRITER;
    }

    static boolean isReadOnly(VolumeCapability capability) {
        return capability.getAccessMode().getMode() == Mode.SINGLE_NODE_READER_ONLY;
    }

    static MountFlags flags(VolumeCapability capability) throws MountException {
        return MountFlags.parse(capability.getMount().getMountFlagsList());
    }

    private static void requireMount(VolumeCapability.MountVolume mount, Status.Code code) throws Refusal {
        if (!mount.getFsType().isEmpty() && !mount.getFsType().equals(FILE_SYSTEM)) {
            throw new Refusal(
                    code,
                    "file system type: expected none or " + FILE_SYSTEM + ", found " + mount.getFsType()
                            + "; leave csi.storage.k8s.io/fstype out");
        }
        try {
            MountFlags.parse(mount.getMountFlagsList());
        } catch (MountException e) {
            throw new Refusal(Status.Code.INVALID_ARGUMENT, String.valueOf(e.getMessage()), e);
        }
    }

    private static void requireMode(Mode mode, Status.Code code) throws Refusal {
        switch (mode) {
            case SINGLE_NODE_WRITER, SINGLE_NODE_READER_ONLY, SINGLE_NODE_SINGLE_WRITER, SINGLE_NODE_MULTI_WRITER -> {}
            case MULTI_NODE_READER_ONLY, MULTI_NODE_SINGLE_WRITER, MULTI_NODE_MULTI_WRITER ->
                throw new Refusal(
                        code,
                        "access mode " + mode + ": a volume is on the disks of one node and is mounted there only; use"
                                + " ReadWriteOnce, which several pods of that node can share, or ReadWriteOncePod");
            case UNKNOWN, UNRECOGNIZED ->
                throw Refusal.invalid("access mode: expected one that is known, found " + mode);
        }
    }
}
