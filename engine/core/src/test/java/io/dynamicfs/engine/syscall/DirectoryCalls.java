package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** The kernel's own answers: calls relative to directory descriptors that give 0 or more, or minus the error number. */
public final class DirectoryCalls {
    private static final int AT_FDCWD = -100;
    private static final int AT_REMOVEDIR = 0x200;
    private static final int O_WRONLY_CREAT_EXCL = 1 | 0100 | 0200;
    private static final int O_RDONLY_CLOEXEC = 02000000;
    private static final int MODE_MAX = 07777;

    private static final MethodHandle OPENAT =
            LibC.link("openat", of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(3));
    private static final MethodHandle CLOSE = LibC.link("close", of(JAVA_INT));
    private static final MethodHandle MKDIRAT = LibC.link("mkdirat", of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle SYMLINKAT = LibC.link("symlinkat", of(ADDRESS, JAVA_INT, ADDRESS));
    private static final MethodHandle LINKAT = LibC.link("linkat", of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle UNLINKAT = LibC.link("unlinkat", of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle RENAMEAT2 =
            LibC.link("renameat2", of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle FCHMODAT = LibC.link("fchmodat", of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle LSETXATTR =
            LibC.link("lsetxattr", of(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle LREMOVEXATTR = LibC.link("lremovexattr", of(ADDRESS, ADDRESS));

    private DirectoryCalls() {}

    public static int openDirectory(String path) {
        return call(OPENAT, AT_FDCWD, path, O_RDONLY_CLOEXEC, 0);
    }

    public static int openDirectory(int directory, String name) {
        return call(OPENAT, directory, name, O_RDONLY_CLOEXEC, 0);
    }

    public static void close(int descriptor) {
        call(CLOSE, descriptor);
    }

    /** Creates a file that must not exist. */
    public static int create(int directory, String name, int mode) {
        int descriptor = call(OPENAT, directory, name, O_WRONLY_CREAT_EXCL, mode & MODE_MAX);
        if (descriptor >= 0) {
            close(descriptor);
        }
        return Math.min(descriptor, 0);
    }

    public static int makeDirectory(int directory, String name, int mode) {
        return call(MKDIRAT, directory, name, mode & MODE_MAX);
    }

    public static int symlink(String target, int directory, String name) {
        return call(SYMLINKAT, target, directory, name);
    }

    public static int link(int directory, String name, int newDirectory, String newName) {
        return call(LINKAT, directory, name, newDirectory, newName, 0);
    }

    public static int unlink(int directory, String name) {
        return call(UNLINKAT, directory, name, 0);
    }

    public static int removeDirectory(int directory, String name) {
        return call(UNLINKAT, directory, name, AT_REMOVEDIR);
    }

    public static int rename(int directory, String name, int newDirectory, String newName, int flags) {
        return call(RENAMEAT2, directory, name, newDirectory, newName, flags);
    }

    public static int chmod(int directory, String name, int mode) {
        return call(FCHMODAT, directory, name, mode & MODE_MAX, 0);
    }

    public static int setXattr(String path, String name, byte[] value, int flags) {
        return call(LSETXATTR, path, name, value, (long) value.length, flags);
    }

    public static int removeXattr(String path, String name) {
        return call(LREMOVEXATTR, path, name);
    }

    private static FunctionDescriptor of(MemoryLayout... arguments) {
        return FunctionDescriptor.of(JAVA_INT, arguments);
    }

    private static int call(MethodHandle function, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            Object[] all = new Object[arguments.length + 1];
            all[0] = LibC.errnoSegment();
            for (int i = 0; i < arguments.length; i++) {
                all[i + 1] = inMemory(arena, arguments[i]);
            }
            int result = (int) function.invokeWithArguments(all);
            return result < 0 ? -LibC.errno() : result;
        } catch (Throwable failure) {
            throw new AssertionError(failure);
        }
    }

    private static Object inMemory(Arena arena, Object argument) {
        return switch (argument) {
            case String text -> arena.allocateFrom(text, StandardCharsets.UTF_8);
            case byte[] bytes -> {
                MemorySegment copy = arena.allocate(Math.max(1, bytes.length));
                MemorySegment.copy(bytes, 0, copy, JAVA_BYTE, 0, bytes.length);
                yield copy;
            }
            default -> argument;
        };
    }
}
