package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.syscall.KernelException;
import io.dynamicfs.engine.syscall.Mounts;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The directory that a volume is to appear at. */
final class MountPoint {
    static final String TYPE = "fuse.dynamicfs";

    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);

    private MountPoint() {}

    /**
     * Returns the directory without symbolic links, ready to be mounted on: existing, empty and no mount point. A mount of
     * ours whose engine has died is detached first.
     */
    static Path prepare(Path requested) throws MountException {
        Path directory = withoutLinks(requested);
        detachDeadMounts(directory);
        if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new MountException(
                    Reason.NO_DIRECTORY,
                    "mount point " + directory + ": expected an empty directory, found nothing; create it");
        }
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new MountException(
                    Reason.NOT_A_DIRECTORY,
                    "mount point " + directory + ": expected an empty directory, found another kind of file;"
                            + " name a directory");
        }
        requireEmpty(directory);
        return directory;
    }

    /** The mount on top at {@code directory}. */
    static Optional<MountTable.Entry> mountAt(Path directory) throws MountException {
        try {
            return MountTable.read().at(directory);
        } catch (IOException failure) {
            throw new MountException(
                    Reason.FAILED,
                    "list of mounts: expected to read /proc/self/mountinfo, found " + failure.getMessage()
                            + "; is /proc mounted?",
                    failure);
        }
    }

    /** Only the parent may be resolved by looking at the file: the directory itself may be a mount that answers nothing. */
    private static Path withoutLinks(Path requested) throws MountException {
        Path absolute = requested.toAbsolutePath().normalize();
        try {
            if (mountAt(absolute).isEmpty() && Files.isSymbolicLink(absolute)) {
                return absolute.toRealPath();
            }
            Path parent = absolute.getParent();
            Path name = absolute.getFileName();
            return parent == null || name == null
                    ? absolute
                    : parent.toRealPath().resolve(name);
        } catch (IOException failure) {
            throw new MountException(
                    Reason.NO_DIRECTORY,
                    "mount point " + absolute + ": expected an empty directory, found " + failure + "; create it",
                    failure);
        }
    }

    private static void detachDeadMounts(Path directory) throws MountException {
        for (Optional<MountTable.Entry> top = mountAt(directory); top.isPresent(); top = mountAt(directory)) {
            MountTable.Entry mount = top.get();
            if (!mount.type().equals(TYPE) || !Mounts.isDisconnected(directory)) {
                throw new MountException(
                        Reason.ALREADY_MOUNTED,
                        "mount point " + directory + ": expected nothing mounted, found " + mount.source() + " of type "
                                + mount.type() + "; unmount it or choose another directory");
            }
            try {
                Mounts.unmount(directory, Mounts.DETACH | Mounts.NO_FOLLOW);
            } catch (KernelException failure) {
                throw new MountException(
                        Reason.FAILED,
                        "mount point " + directory + ": expected to detach the mount of " + mount.source()
                                + " that a dead engine left, found " + failure.getMessage()
                                + "; run umount -l " + directory,
                        failure);
            }
            LOG.warn("detached the mount of a dead engine: volume={} directory={}", mount.source(), directory);
        }
    }

    private static void requireEmpty(Path directory) throws MountException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            if (entries.iterator().hasNext()) {
                throw new MountException(
                        Reason.NOT_EMPTY,
                        "mount point " + directory + ": expected an empty directory, found entries that the volume"
                                + " would hide; move them away or choose another directory");
            }
        } catch (IOException failure) {
            throw new MountException(
                    Reason.FAILED,
                    "mount point " + directory + ": expected a readable directory, found " + failure + "; check it",
                    failure);
        }
    }
}
