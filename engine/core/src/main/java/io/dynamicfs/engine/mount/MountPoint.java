package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.mount.MountException.Reason;
import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import io.dynamicfs.engine.syscall.Errno;
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
public final class MountPoint {
    public static final String TYPE = "fuse.dynamicfs";

    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);

    /** Takes away the mount on top at a directory, as a transport can; its exception is for the user. */
    public interface Unmounter {
        void unmount(Path directory, Unmount how) throws KernelException;
    }

    private MountPoint() {}

    /**
     * Returns the directory without symbolic links, ready to be mounted on: existing, empty and no mount point. A mount of
     * ours whose engine has died is detached first, with {@code unmounter}.
     */
    public static Path prepare(Path requested, Unmounter unmounter) throws MountException {
        Path directory = withoutLinks(requested);
        detachDeadMounts(directory, unmounter);
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
    public static Optional<MountTable.Entry> mountAt(Path directory) throws MountException {
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

    /** Unmounts {@code mount} of {@code source} and {@code device} (major:minor, as in mountinfo) unless somebody has. */
    public static void unmount(Mount mount, String source, String device, Unmount how, Unmounter unmounter)
            throws MountException {
        Path directory = mount.directory();
        Optional<MountTable.Entry> top = mountAt(directory);
        boolean isOnTop = top.isPresent() && top.get().device().equals(device);
        if (!isOnTop && top.isPresent() && !mount.hasEnded()) {
            throw new MountException(
                    Reason.BUSY,
                    "mount " + directory + ": expected volume " + source + " on top, found "
                            + top.get().source() + " mounted over it; unmount that first");
        }
        if (!isOnTop) {
            return;
        }
        try {
            unmounter.unmount(directory, mount.hasEnded() ? Unmount.LAZILY : how);
        } catch (KernelException refused) {
            if (refused.is(Errno.EBUSY)) {
                throw new MountException(
                        Reason.BUSY,
                        "unmount of " + directory + ": expected nobody to use it, found open files or working"
                                + " directories; fuser -vm " + directory
                                + " shows whose, end those processes or unmount lazily",
                        refused);
            }
            throw new MountException(
                    Reason.FAILED,
                    "unmount of " + directory + ": expected the kernel to accept it, found " + refused.getMessage()
                            + "; see the kernel log",
                    refused);
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

    private static void detachDeadMounts(Path directory, Unmounter unmounter) throws MountException {
        for (Optional<MountTable.Entry> top = mountAt(directory); top.isPresent(); top = mountAt(directory)) {
            MountTable.Entry mount = top.get();
            if (!mount.type().equals(TYPE) || !Mounts.isDisconnected(directory)) {
                throw new MountException(
                        Reason.ALREADY_MOUNTED,
                        "mount point " + directory + ": expected nothing mounted, found " + mount.source() + " of type "
                                + mount.type() + "; unmount it or choose another directory");
            }
            try {
                unmounter.unmount(directory, Unmount.LAZILY);
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
