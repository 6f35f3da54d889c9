package io.dynamicfs.engine.fuse;

/**
 * Where the kernel puts the fields of a request, in bytes from its start. Integers are in the byte order of the machine.
 *
 * <pre>
 *  0 length u32 | opcode u32 | unique u64 | node u64 | uid u32 | gid u32 | pid u32 | extensions u16, pad
 * 40 body of the operation
 * </pre>
 */
final class RequestLayout {
    static final int LENGTH = 0;
    static final int OPCODE = 4;
    static final int UNIQUE = 8;
    static final int NODE = 16;
    static final int UID = 24;
    static final int GID = 28;
    static final int PID = 32;
    static final int BODY = 40;

    static final int FORGET_COUNT = BODY;

    static final int BATCH_FORGET_COUNT = BODY;
    static final int BATCH_FORGET_ENTRIES = BODY + 8;
    static final int BATCH_FORGET_ENTRY_BYTES = 16;

    static final int SETATTR_VALID = BODY;
    static final int SETATTR_SIZE = BODY + 16;
    static final int SETATTR_ACCESSED = BODY + 32;
    static final int SETATTR_MODIFIED = BODY + 40;
    static final int SETATTR_ACCESSED_NANOS = BODY + 56;
    static final int SETATTR_MODIFIED_NANOS = BODY + 60;
    static final int SETATTR_MODE = BODY + 68;
    static final int SETATTR_UID = BODY + 76;
    static final int SETATTR_GID = BODY + 80;

    static final int VALID_MODE = 1;
    static final int VALID_UID = 1 << 1;
    static final int VALID_GID = 1 << 2;
    static final int VALID_SIZE = 1 << 3;
    static final int VALID_ACCESSED = 1 << 4;
    static final int VALID_MODIFIED = 1 << 5;
    static final int VALID_KILL_PRIVILEGES = 1 << 11;

    static final int MKNOD_MODE = BODY;
    static final int MKNOD_RDEV = BODY + 4;
    static final int MKNOD_UMASK = BODY + 8;
    static final int MKNOD_NAME = BODY + 16;

    static final int MKDIR_MODE = BODY;
    static final int MKDIR_UMASK = BODY + 4;
    static final int MKDIR_NAME = BODY + 8;

    static final int RENAME_DIRECTORY = BODY;
    static final int RENAME_NAMES = BODY + 8;
    static final int RENAME2_FLAGS = BODY + 8;
    static final int RENAME2_NAMES = BODY + 16;

    static final int LINK_NODE = BODY;
    static final int LINK_NAME = BODY + 8;

    static final int OPEN_FLAGS = BODY;

    static final int RELEASE_FLAGS = BODY + 8;

    static final int CREATE_FLAGS = BODY;
    static final int CREATE_MODE = BODY + 4;
    static final int CREATE_UMASK = BODY + 8;
    static final int CREATE_NAME = BODY + 16;

    /** READ, READDIR and READDIRPLUS. */
    static final int READ_OFFSET = BODY + 8;

    static final int READ_SIZE = BODY + 16;
    static final int READ_FLAGS = BODY + 32;

    static final int WRITE_OFFSET = BODY + 8;
    static final int WRITE_SIZE = BODY + 16;
    static final int WRITE_FLAGS = BODY + 20;
    static final int WRITE_DATA = BODY + 40;
    static final int WRITE_KILL_PRIVILEGES = 1 << 2;

    static final int FALLOCATE_OFFSET = BODY + 8;
    static final int FALLOCATE_LENGTH = BODY + 16;
    static final int FALLOCATE_MODE = BODY + 24;

    static final int LSEEK_OFFSET = BODY + 8;
    static final int LSEEK_WHENCE = BODY + 16;

    static final int COPY_SOURCE_OFFSET = BODY + 8;
    static final int COPY_TARGET = BODY + 16;
    static final int COPY_TARGET_OFFSET = BODY + 32;
    static final int COPY_LENGTH = BODY + 40;
    static final int COPY_FLAGS = BODY + 48;

    static final int FSYNC_FLAGS = BODY + 8;
    static final int FSYNC_DATA_ONLY = 1;

    static final int SETXATTR_SIZE = BODY;
    static final int SETXATTR_FLAGS = BODY + 4;
    static final int SETXATTR_NAME = BODY + 8;

    /** With the feature SETXATTR_EXTENSION. */
    static final int SETXATTR_MORE_FLAGS = BODY + 8;

    static final int SETXATTR_EXTENDED_NAME = BODY + 16;
    static final int SETXATTR_KILL_SET_GID = 1;

    static final int GETXATTR_SIZE = BODY;
    static final int GETXATTR_NAME = BODY + 8;

    static final int INIT_MAJOR = BODY;
    static final int INIT_MINOR = BODY + 4;
    static final int INIT_READ_AHEAD = BODY + 8;
    static final int INIT_FLAGS = BODY + 12;
    static final int INIT_FLAGS_HIGH = BODY + 16;

    private RequestLayout() {}
}
