package io.dynamicfs.engine.jnr;

import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.mount.Mount;
import io.dynamicfs.engine.mount.MountException;
import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.mount.MountOption;
import io.dynamicfs.engine.mount.MountPoint;
import io.dynamicfs.engine.mount.Transport;
import io.dynamicfs.engine.mount.VolumeMount;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Mounts with libfuse 2, which asks fusermount where mount(2) is refused. The connection ends with this process. */
public final class JnrTransport implements Transport {
    private static final Logger LOG = LoggerFactory.getLogger(JnrTransport.class);

    /** What libfuse 2 can carry in one request. */
    private static final int DATA_BYTES_MAX = 128 << 10;

    /** Names change only through the mount; what is reached by several of them must not be kept by name. */
    private static final int NAMES_VALID_SECONDS = 3600;

    /** Options that ask for what FUSE mounts are anyway; libfuse does not know them. */
    private static final List<MountOption> WITHOUT_EFFECT = List.of(
            MountOption.NO_DIRECTORY_ACCESS_TIMES, MountOption.RELATIVE_ACCESS_TIMES, MountOption.STRICT_ACCESS_TIMES);

    @Override
    public Mount mount(PosixVolume volume, VolumeMount.Spec spec, ThreadFactory threads, Runnable onEnd)
            throws MountException {
        requireFusermount();
        LibFuseSession library = loadLibrary();
        CurrentRequest request = new CurrentRequest();
        PathVolume paths = new PathVolume(volume, request);
        PathOperations operations = new PathOperations(paths, spec.source(), InstantSource.system());
        Path directory = MountPoint.prepare(spec.directory(), Fusermount::unmount);
        JnrMount mount = JnrMount.attach(
                library, operations, request, spec.source(), directory, options(spec, Fusermount.isRoot()));
        mount.serve(spec.readers(), threads, () -> paths.end(spec.connection()), onEnd);
        return mount;
    }

    private static void requireFusermount() throws MountException {
        if (Fusermount.isRoot()) {
            return;
        }
        Optional<String> path = Optional.ofNullable(System.getenv("PATH"));
        if (Fusermount.program(path.orElse("")).isEmpty()) {
            throw new MountException(
                    Reason.NO_LIBRARY,
                    "transport jnr: expected the program fusermount, which mounts for users other than root, found none;"
                            + " install it: apt-get install fuse3");
        }
    }

    private static LibFuseSession loadLibrary() throws MountException {
        try {
            return LibFuseSession.load();
        } catch (LinkageError missing) {
            throw new MountException(
                    Reason.NO_LIBRARY,
                    "transport jnr: expected libfuse.so.2, found " + firstLine(missing)
                            + "; install it: apt-get install libfuse2 (libfuse2t64 on newer systems)",
                    missing);
        }
    }

    private static String firstLine(LinkageError error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("nothing");
    }

    /** As after {@code -o}. */
    static List<String> options(VolumeMount.Spec spec, boolean isRoot) {
        List<String> options = new ArrayList<>(List.of(
                "fsname=" + spec.source(),
                "subtype=" + MountPoint.TYPE.substring(MountPoint.TYPE.indexOf('.') + 1),
                "default_permissions",
                "use_ino",
                "big_writes",
                "max_write=" + DATA_BYTES_MAX,
                "max_read=" + DATA_BYTES_MAX,
                "max_readahead=" + DATA_BYTES_MAX,
                "entry_timeout=" + NAMES_VALID_SECONDS,
                "negative_timeout=0",
                "attr_timeout=0"));
        if (Fusermount.allowsOthers()) {
            options.add("allow_other");
        } else {
            LOG.info(
                    "only this user sees the mount: volume={} directory={}; for others root adds user_allow_other to"
                            + " /etc/fuse.conf",
                    spec.source(),
                    spec.directory());
        }
        if (isRoot) {
            // libfuse would forbid both.
            options.addAll(List.of("suid", "dev"));
        } else {
            // fusermount then stays and cleans up behind us. It also opens /dev/fuse, which not every host lets its
            // users do.
            options.add("auto_unmount");
        }
        for (MountOption option : MountOption.values()) {
            if (spec.options().contains(option) && !WITHOUT_EFFECT.contains(option)) {
                options.add(option.text());
            }
        }
        return options;
    }
}
