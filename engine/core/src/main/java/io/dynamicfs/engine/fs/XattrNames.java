package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.syscall.Errno;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Which extended attributes a file may have. */
final class XattrNames {
    static final int NAME_BYTES_MAX = 255;

    /** What listxattr(2) can hand out at once: all names of a file, each with a zero byte. */
    static final int LIST_BYTES_MAX = 64 << 10;

    /** Values of one file in all; it bounds what removing the file costs. */
    static final int TOTAL_VALUE_BYTES_MAX = 1 << 20;

    /** The file's redundancy policy; it is kept in the inode. */
    static final ByteString REDUNDANCY = ByteString.of("user.dynamicfs.redundancy");

    static final ByteString CAPABILITY = ByteString.of("security.capability");

    /** Who may do what with a file, beyond its mode; kept in step with that. */
    static final ByteString ACCESS_LIST = ByteString.of("system.posix_acl_access");

    /** What new inodes of a directory get. */
    static final ByteString DEFAULT_LIST = ByteString.of("system.posix_acl_default");

    private static final List<String> PREFIXES = List.of("user.", "trusted.", "security.");

    private XattrNames() {}

    static boolean isRedundancy(ByteString name) {
        return name.equals(REDUNDANCY);
    }

    static boolean isAccessControlList(ByteString name) {
        return name.equals(ACCESS_LIST) || name.equals(DEFAULT_LIST);
    }

    static boolean isUser(ByteString name) {
        return startsWith(name, "user.");
    }

    static void checkLength(ByteString name) throws FsException {
        if (name.isEmpty() || name.length() > NAME_BYTES_MAX) {
            throw new FsException(Errno.ERANGE);
        }
    }

    /** Refuses names of no kind that is stored. */
    static void checkKind(ByteString name) throws FsException {
        if (name.contains((byte) 0)) {
            throw new FsException(Errno.EINVAL);
        }
        if (isAccessControlList(name)) {
            return;
        }
        for (String prefix : PREFIXES) {
            if (startsWith(name, prefix)) {
                if (name.length() == prefix.length()) {
                    throw new FsException(Errno.EINVAL);
                }
                return;
            }
        }
        throw new FsException(Errno.EOPNOTSUPP);
    }

    private static boolean startsWith(ByteString name, String prefix) {
        byte[] wanted = prefix.getBytes(StandardCharsets.US_ASCII);
        if (name.length() < wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            if (name.at(i) != wanted[i]) {
                return false;
            }
        }
        return true;
    }
}
