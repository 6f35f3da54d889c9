package io.dynamicfs.csi.mount;

import io.dynamicfs.csi.rpc.Refusal;
import io.dynamicfs.engine.mount.MountTable;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Staging and target paths. Nothing here looks at a mount point, which may not answer, and nothing is ever deleted with its
 * contents: a path may be a live mount.
 */
public final class MountPaths {
    private final Path root;

    /** {@code root} is the kubelet's directory: nothing outside it is touched. */
    public MountPaths(Path root) throws IOException {
        this.root = root.toRealPath();
    }

    /** The mounts of this moment. */
    public static MountTable table() throws Refusal {
        try {
            return MountTable.read();
        } catch (IOException e) {
            throw new Refusal(Status.Code.INTERNAL, "expected to read /proc/self/mountinfo, found " + e, e);
        }
    }

    /**
     * The path without symbolic links before its last part; empty when its parent does not exist. Refused when it is not
     * absolute, has dots, or is outside the kubelet's directory.
     */
    public Optional<Path> resolve(String what, String text) throws Refusal {
        Path path = Path.of(text);
        Path parent = path.getParent();
        Path name = path.getFileName();
        if (!path.isAbsolute()
                || parent == null
                || name == null
                || !path.normalize().equals(path)) {
            throw Refusal.invalid(what + ": expected an absolute path without dots, found " + text);
        }
        try {
            Path resolved = parent.toRealPath().resolve(name);
            if (!resolved.startsWith(root)) {
                throw Refusal.invalid(what + ": expected a path below " + root + ", found " + resolved
                        + "; set the kubelet's directory if it is elsewhere");
            }
            return Optional.of(resolved);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new Refusal(Status.Code.INTERNAL, what + " " + text + ": expected a readable path, found " + e, e);
        }
    }

    /** Makes the directory unless it is there; a path that is something else is refused. Not for mount points. */
    public static void requireDirectory(String what, Path path) throws Refusal {
        BasicFileAttributes found = attributes(what, path);
        if (found == null) {
            try {
                Files.createDirectory(path);
            } catch (IOException e) {
                throw new Refusal(
                        Status.Code.INTERNAL, what + " " + path + ": expected to create the directory, found " + e, e);
            }
        } else if (!found.isDirectory()) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    what + " " + path + ": expected a directory or nothing, found " + kind(found) + "; remove it");
        }
    }

    /**
     * Removes what a publish has made. An empty directory goes, and so does an empty file or a symbolic link; anything with
     * contents is refused. Not for mount points.
     */
    public static void remove(String what, Path path) throws Refusal {
        BasicFileAttributes found = attributes(what, path);
        if (found == null) {
            return;
        }
        if (found.isRegularFile() && found.size() > 0) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    what + " " + path + ": expected an empty directory, found a file of " + found.size()
                            + " bytes, which is not ours; remove it");
        }
        try {
            Files.deleteIfExists(path);
        } catch (DirectoryNotEmptyException e) {
            throw new Refusal(
                    Status.Code.FAILED_PRECONDITION,
                    what + " " + path + ": expected an empty directory, found entries in it, which are not the"
                            + " volume's; move them away",
                    e);
        } catch (IOException e) {
            throw new Refusal(Status.Code.INTERNAL, what + " " + path + ": expected to remove it, found " + e, e);
        }
    }

    private static @Nullable BasicFileAttributes attributes(String what, Path path) throws Refusal {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw new Refusal(Status.Code.INTERNAL, what + " " + path + ": expected to look at it, found " + e, e);
        }
    }

    private static String kind(BasicFileAttributes attributes) {
        return attributes.isSymbolicLink() ? "a symbolic link" : attributes.isRegularFile() ? "a file" : "a device";
    }
}
