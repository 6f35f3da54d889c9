package io.dynamicfs.csi.engine;

import io.dynamicfs.csi.keeper.KeptConnection;
import io.dynamicfs.csi.mount.MountPaths;
import io.dynamicfs.csi.mount.Unmounter;
import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.engine.mount.MountTable;
import io.dynamicfs.engine.syscall.FileDescriptors;
import java.nio.file.Path;
import java.util.List;

/** Ends one FUSE connection for good, so that nothing waits any more for an engine that does not come. */
public final class Aborter {
    private final Unmounter unmounter;
    private final Incidents incidents;

    public Aborter(Unmounter unmounter, Incidents incidents) {
        this.unmounter = unmounter;
        this.incidents = incidents;
    }

    /** The mounts stay where they are, dead: whoever made them takes them away. */
    public void abort(KeptConnection connection, String why) throws Refusal {
        List<MountTable.Entry> mounts = MountPaths.table().ofDevice(connection.device());
        if (mounts.isEmpty()) {
            return;
        }
        Path point = mounts.getFirst().point();
        // Somebody in the mount makes the forced unmount end the connection and then fail, as is wanted.
        int inside = FileDescriptors.open(
                point.toString(), FileDescriptors.O_PATH | FileDescriptors.O_NOFOLLOW | FileDescriptors.O_CLOEXEC, 0);
        try {
            Unmounter.Result ignored = unmounter.unmount(point, Unmounter.How.BY_FORCE);
        } finally {
            if (inside >= 0) {
                FileDescriptors.close(inside);
            }
        }
        incidents.aborted(connection, why);
    }
}
