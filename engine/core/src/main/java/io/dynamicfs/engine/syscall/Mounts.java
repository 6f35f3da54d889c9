package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** mount(2), umount2(2) and the question whether a mount still has somebody who answers. */
public final class Mounts {
    public static final long READ_ONLY = 1;
    public static final long NO_SUID = 2;
    public static final long NO_DEVICES = 4;
    public static final long NO_EXEC = 8;
    public static final long NO_ACCESS_TIMES = 1024;
    public static final long NO_DIRECTORY_ACCESS_TIMES = 2048;
    public static final long RELATIVE_ACCESS_TIMES = 1 << 21;
    public static final long STRICT_ACCESS_TIMES = 1 << 24;

    /** Flag of {@link #unmount}: ends a FUSE connection first, so that nothing waits for its server any more. */
    public static final int FORCE = 1;

    /** Flag of {@link #unmount}: takes the mount out of the tree at once and ends it when its last user has gone. */
    public static final int DETACH = 2;

    /** Flag of {@link #unmount}: does not follow a symbolic link. */
    public static final int NO_FOLLOW = 8;

    private static final int STATFS_BYTES_MAX = 256;
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int OPEN_TREE_CLONE = 1;
    private static final int MOVE_MOUNT_F_EMPTY_PATH = 4;
    private static final long MOUNT_ATTR_RDONLY = 1;

    /** {@code struct mount_attr}: set, clear, propagation, user namespace. */
    private static final int MOUNT_ATTR_BYTES = 32;

    private static final MethodHandle MOUNT =
            LibC.link("mount", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle UMOUNT2 =
            LibC.link("umount2", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle OPEN_TREE =
            LibC.link("open_tree", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MOUNT_SETATTR = LibC.link(
            "mount_setattr", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MOVE_MOUNT = LibC.link(
            "move_mount", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle STATFS =
            LibC.link("statfs", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    private Mounts() {}

    /** Mounts {@code source} of {@code type} at {@code target}; {@code data} are the options of the file system itself. */
    public static void mount(String source, Path target, String type, long flags, String data) throws KernelException {
        MemorySegment errno = LibC.errnoSegment();
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = (int) MOUNT.invokeExact(
                    errno,
                    arena.allocateFrom(source).address(),
                    arena.allocateFrom(target.toString()).address(),
                    arena.allocateFrom(type).address(),
                    flags,
                    arena.allocateFrom(data).address());
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        check(result, "mount " + source + " at " + target);
    }

    /**
     * Mounts what is mounted at {@code source} at {@code target} too, read-only from the first moment on if so asked. Neither
     * path may end in a symbolic link. The file system itself is not asked for anything, so that one whose server is silent
     * does not hold this up. Needs Linux 5.12.
     */
    public static void bind(Path source, Path target, boolean readOnly) throws KernelException {
        String call = "bind " + source + " at " + target;
        try (Arena arena = Arena.ofConfined()) {
            long from = arena.allocateFrom(source.toString()).address();
            long to = arena.allocateFrom(target.toString()).address();
            long empty = arena.allocateFrom("").address();
            int tree = (int) OPEN_TREE.invokeExact(
                    LibC.errnoSegment(),
                    AT_FDCWD,
                    from,
                    OPEN_TREE_CLONE | FileDescriptors.O_CLOEXEC | AT_SYMLINK_NOFOLLOW);
            check(tree, call);
            try {
                if (readOnly) {
                    MemorySegment attributes = arena.allocate(MOUNT_ATTR_BYTES, 8);
                    attributes.set(JAVA_LONG, 0, MOUNT_ATTR_RDONLY);
                    int set = (int) MOUNT_SETATTR.invokeExact(
                            LibC.errnoSegment(), tree, empty, AT_EMPTY_PATH, attributes.address(), (long)
                                    MOUNT_ATTR_BYTES);
                    check(set, call);
                }
                int moved = (int)
                        MOVE_MOUNT.invokeExact(LibC.errnoSegment(), tree, empty, AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
                check(moved, call);
            } finally {
                FileDescriptors.close(tree);
            }
        } catch (KernelException refused) {
            throw refused;
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
    }

    /** Unmounts what is on top at {@code target}; {@code flags} are {@link #FORCE}, {@link #DETACH} and {@link #NO_FOLLOW}. */
    public static void unmount(Path target, int flags) throws KernelException {
        MemorySegment errno = LibC.errnoSegment();
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = (int) UMOUNT2.invokeExact(
                    errno, arena.allocateFrom(target.toString()).address(), flags);
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        check(result, "umount " + target);
    }

    /**
     * Whether the file system at {@code target} has lost its server. statfs(2) is asked because FUSE never answers it from
     * a cache.
     */
    public static boolean isDisconnected(Path target) {
        MemorySegment errno = LibC.errnoSegment();
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = (int) STATFS.invokeExact(
                    errno,
                    arena.allocateFrom(target.toString()).address(),
                    arena.allocate(STATFS_BYTES_MAX, 8).address());
        } catch (Throwable thrown) {
            throw new AssertionError(thrown);
        }
        return result < 0 && LibC.errno() == Errno.ENOTCONN.number();
    }

    private static void check(int result, String call) throws KernelException {
        if (result < 0) {
            throw new KernelException(call, LibC.errno());
        }
    }
}
