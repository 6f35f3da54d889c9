package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.syscall.Errno;

/** fallocate(2) on a volume: which of its modes there are. */
public final class FileAllocation {
    private static final int KEEP_SIZE = 1;
    private static final int PUNCH_HOLE = 2;
    private static final int ZERO_RANGE = 16;

    private FileAllocation() {}

    /** {@code mode} is that of fallocate(2). */
    public static void allocate(PosixVolume volume, long inode, long offset, long length, int mode) throws FsException {
        boolean grows = (mode & KEEP_SIZE) == 0;
        switch (mode & ~KEEP_SIZE) {
            case 0 -> volume.allocate(inode, offset, length, grows);
            case ZERO_RANGE -> volume.zero(inode, offset, length, grows);
            case PUNCH_HOLE -> {
                if (grows) {
                    throw new FsException(Errno.EOPNOTSUPP);
                }
                volume.zero(inode, offset, length, false);
            }
            default -> throw new FsException(Errno.EOPNOTSUPP);
        }
    }
}
