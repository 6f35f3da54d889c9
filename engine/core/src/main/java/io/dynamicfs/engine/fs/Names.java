package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.syscall.Errno;

/** Which names a directory entry may have, and what an operation on one that it may not have answers. */
final class Names {
    private static final ByteString DOT = ByteString.of(".");
    private static final ByteString DOT_DOT = ByteString.of("..");

    private Names() {}

    static boolean isDot(ByteString name) {
        return name.equals(DOT);
    }

    static boolean isDotDot(ByteString name) {
        return name.equals(DOT_DOT);
    }

    static boolean isDots(ByteString name) {
        return isDot(name) || isDotDot(name);
    }

    /**
     * Refuses what no entry of that directory can be called, and any name of a directory that was removed; "." and ".." pass,
     * because each operation answers them in its own way.
     */
    static void check(Inode directory, ByteString name) throws FsException {
        if (name.isEmpty() || directory.links() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (name.length() > PosixVolume.NAME_BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        if (name.contains((byte) '/') || name.contains((byte) 0)) {
            throw new FsException(Errno.EINVAL);
        }
    }
}
