package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.syscall.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A POSIX access control list as Linux keeps it in an extended attribute: version 2 (u32), then entries of tag (u16),
 * permissions (u16) and id (u32), little-endian. The mode of a file says the same of its owner, of others, and of the mask, or of
 * the group where there is no mask.
 */
record AccessControlList(List<Entry> entries) {
    record Entry(int tag, int permissions, int id) {
        private Entry limited(int most) {
            return new Entry(tag, permissions & most, id);
        }

        private Entry with(int exactly) {
            return new Entry(tag, exactly, id);
        }
    }

    /** A new inode's mode and the list that goes with it. */
    record Inherited(int mode, AccessControlList list) {}

    private static final int VERSION = 2;
    private static final int HEADER_BYTES = 4;
    private static final int ENTRY_BYTES = 8;

    static final int OWNER = 0x01;
    static final int USER = 0x02;
    static final int OWNING_GROUP = 0x04;
    static final int GROUP = 0x08;
    static final int MASK = 0x10;
    static final int OTHERS = 0x20;

    private static final int ALL = 7;
    private static final int OWNER_SHIFT = 6;
    private static final int GROUP_SHIFT = 3;
    private static final int PERMISSIONS = 0777;

    static AccessControlList parse(ByteString value) throws FsException {
        ByteBuffer bytes = ByteBuffer.wrap(value.toBytes()).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.remaining() < HEADER_BYTES || (bytes.remaining() - HEADER_BYTES) % ENTRY_BYTES != 0) {
            throw invalid("has a length of " + value.length() + " bytes");
        }
        int version = bytes.getInt();
        if (version != VERSION) {
            throw new FsException(Errno.EOPNOTSUPP, "access control list of version " + version);
        }
        List<Entry> entries = new ArrayList<>();
        while (bytes.hasRemaining()) {
            entries.add(new Entry(bytes.getShort() & 0xFFFF, bytes.getShort() & 0xFFFF, bytes.getInt()));
        }
        AccessControlList list = new AccessControlList(List.copyOf(entries));
        list.check();
        return list;
    }

    /** One entry each for owner, owning group and others; a mask as soon as users or groups are named. */
    private void check() throws FsException {
        for (Entry entry : entries) {
            if ((entry.permissions & ~ALL) != 0) {
                throw invalid("gives permissions " + entry.permissions);
            }
            if (Integer.bitCount(entry.tag) != 1 || entry.tag > OTHERS) {
                throw invalid("has an entry of kind " + entry.tag);
            }
        }
        boolean named = count(USER) + count(GROUP) > 0;
        if (count(OWNER) != 1 || count(OWNING_GROUP) != 1 || count(OTHERS) != 1 || count(MASK) > 1) {
            throw invalid("has not one entry each for owner, group and others");
        }
        if (named && count(MASK) == 0) {
            throw invalid("names users or groups and has no mask");
        }
    }

    private static FsException invalid(String what) {
        return new FsException(Errno.EINVAL, "access control list " + what);
    }

    private int count(int tag) {
        return (int) entries.stream().filter(entry -> entry.tag == tag).count();
    }

    ByteString encode() {
        ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES + entries.size() * ENTRY_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(VERSION);
        for (Entry entry : entries) {
            bytes.putShort((short) entry.tag)
                    .putShort((short) entry.permissions)
                    .putInt(entry.id);
        }
        return ByteString.of(bytes.array());
    }

    /** Whether the mode says all that the list says. */
    boolean isMinimal() {
        return entries.stream()
                .allMatch(entry -> entry.tag == OWNER || entry.tag == OWNING_GROUP || entry.tag == OTHERS);
    }

    /** {@code mode} with the permissions that the list gives. */
    int applyTo(int mode) {
        int permissions = 0;
        for (Entry entry : entries) {
            if (inMode(entry)) {
                permissions |= entry.permissions << shift(entry.tag);
            }
        }
        return mode & ~PERMISSIONS | permissions;
    }

    /** What chmod(2) makes of the list. */
    AccessControlList withMode(int mode) {
        return new AccessControlList(entries.stream()
                .map(entry -> inMode(entry) ? entry.with(mode >>> shift(entry.tag) & ALL) : entry)
                .toList());
    }

    /** What an inode that is made with {@code mode} in a directory with this default list gets: the less of both. */
    Inherited inheritedBy(int mode) {
        AccessControlList list = new AccessControlList(entries.stream()
                .map(entry -> inMode(entry) ? entry.limited(mode >>> shift(entry.tag) & ALL) : entry)
                .toList());
        return new Inherited(list.applyTo(mode), list);
    }

    private boolean inMode(Entry entry) {
        return switch (entry.tag) {
            case OWNER, MASK, OTHERS -> true;
            case OWNING_GROUP -> count(MASK) == 0;
            default -> false;
        };
    }

    private static int shift(int tag) {
        return switch (tag) {
            case OWNER -> OWNER_SHIFT;
            case OWNING_GROUP, MASK -> GROUP_SHIFT;
            default -> 0;
        };
    }
}
