package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * An {@link Operation} as bytes, little-endian: type u8, time (seconds s64, nanoseconds u32), then the fields of that type
 * in the order of the record. Numbers have their own width; names are length u16 and bytes; targets and attribute values
 * are length u32 and bytes. SetAttributes has a byte of bits that says which fields follow.
 */
public final class OperationLayout {
    static final byte MAKE = 1;
    static final byte SYMLINK = 2;
    static final byte LINK = 3;
    static final byte UNLINK = 4;
    static final byte REMOVE_DIRECTORY = 5;
    static final byte RENAME = 6;
    static final byte SET_ATTRIBUTES = 7;
    static final byte SET_XATTR = 8;
    static final byte REMOVE_XATTR = 9;
    static final byte WRITE = 10;
    static final byte TRUNCATE = 11;
    static final byte ZERO = 12;
    static final byte MAKE_UNNAMED = 13;
    static final byte SHARE = 14;

    static final int HAS_MODE = 1;
    static final int HAS_UID = 2;
    static final int HAS_GID = 4;
    static final int HAS_ACCESSED = 8;
    static final int HAS_MODIFIED = 16;

    static final int TIME_BYTES = 8 + 4;
    static final int HEAD_BYTES = 1 + TIME_BYTES;

    /** A link target is a path: it and its end fit in 4096 bytes. */
    public static final int TARGET_BYTES_MAX = 4095;

    /** The longest operation: an attribute of 64 KiB with the longest name. */
    public static final int BYTES_MAX =
            HEAD_BYTES + 8 + 2 + VolumeKeys.NAME_BYTES_MAX + 4 + XattrLayout.VALUE_BYTES_MAX + 4;

    private static final int NANOS_MAX = 999_999_999;
    private static final int LENGTH_MAX = 1 << 30;

    private OperationLayout() {}

    /** How many bytes {@link #encode} writes. */
    public static int bytes(Operation operation) {
        return HEAD_BYTES
                + switch (operation) {
                    case Operation.Make make -> 8 + 2 + make.name().length() + 8 + 4 * 4;
                    case Operation.MakeUnnamed make -> 8 + 8 + 3 * 4;
                    case Operation.Symlink symlink ->
                        8
                                + 2
                                + symlink.name().length()
                                + 8
                                + 4
                                + symlink.target().length()
                                + 2 * 4;
                    case Operation.Link link -> 8 + 8 + 2 + link.name().length();
                    case Operation.Unlink unlink -> 8 + 2 + unlink.name().length();
                    case Operation.RemoveDirectory remove ->
                        8 + 2 + remove.name().length();
                    case Operation.Rename rename ->
                        8
                                + 2
                                + rename.name().length()
                                + 8
                                + 2
                                + rename.newName().length()
                                + 4;
                    case Operation.SetAttributes set ->
                        8
                                + 1
                                + (set.mode() == null ? 0 : 4)
                                + (set.uid() == null ? 0 : 4)
                                + (set.gid() == null ? 0 : 4)
                                + (set.accessed() == null ? 0 : TIME_BYTES)
                                + (set.modified() == null ? 0 : TIME_BYTES);
                    case Operation.SetXattr set ->
                        8 + 2 + set.name().length() + 4 + set.value().length() + 4;
                    case Operation.RemoveXattr remove -> 8 + 2 + remove.name().length();
                    case Operation.Write write -> 8 + 8 + 4;
                    case Operation.Truncate truncate -> 8 + 8;
                    case Operation.Zero zero -> 8 + 8 + 8 + 1;
                    case Operation.Share share -> 5 * 8;
                };
    }

    /** Writes an operation at the buffer's position, whatever its byte order. Only what can be decoded again is taken. */
    public static void encode(Operation operation, ByteBuffer target) {
        ByteOrder order = target.order();
        target.order(ByteOrder.LITTLE_ENDIAN);
        target.put(type(operation));
        putTime(target, operation.time());
        switch (operation) {
            case Operation.Make make -> {
                putLocation(target, make.directory(), make.name());
                target.putLong(make.inode());
                target.putInt(make.mode()).putInt(make.rdev());
                target.putInt(make.uid()).putInt(make.gid());
            }
            case Operation.MakeUnnamed make -> {
                target.putLong(make.directory()).putLong(make.inode());
                target.putInt(make.mode()).putInt(make.uid()).putInt(make.gid());
            }
            case Operation.Symlink symlink -> {
                putLocation(target, symlink.directory(), symlink.name());
                target.putLong(symlink.inode());
                putValue(target, symlink.target(), TARGET_BYTES_MAX);
                target.putInt(symlink.uid()).putInt(symlink.gid());
            }
            case Operation.Link link -> {
                target.putLong(link.inode());
                putLocation(target, link.directory(), link.name());
            }
            case Operation.Unlink unlink -> putLocation(target, unlink.directory(), unlink.name());
            case Operation.RemoveDirectory remove -> putLocation(target, remove.directory(), remove.name());
            case Operation.Rename rename -> {
                putLocation(target, rename.directory(), rename.name());
                putLocation(target, rename.newDirectory(), rename.newName());
                target.putInt(rename.flags());
            }
            case Operation.SetAttributes set -> putAttributes(target, set);
            case Operation.SetXattr set -> {
                putLocation(target, set.inode(), set.name());
                putValue(target, set.value(), XattrLayout.VALUE_BYTES_MAX);
                target.putInt(set.flags());
            }
            case Operation.RemoveXattr remove -> putLocation(target, remove.inode(), remove.name());
            case Operation.Write write ->
                target.putLong(write.inode()).putLong(write.offset()).putInt(write.length());
            case Operation.Share share -> {
                target.putLong(share.source()).putLong(share.sourceOffset());
                target.putLong(share.target()).putLong(share.targetOffset()).putLong(share.length());
            }
            case Operation.Truncate truncate -> target.putLong(truncate.inode()).putLong(truncate.size());
            case Operation.Zero zero ->
                target.putLong(zero.inode())
                        .putLong(zero.offset())
                        .putLong(zero.length())
                        .put((byte) (zero.grows() ? 1 : 0));
        }
        target.order(order);
    }

    /** Reads the operation at the buffer's position; when it is valid the position is then behind it, else unspecified. */
    public static Decoded<Operation> decode(ByteBuffer source) {
        ByteOrder order = source.order();
        source.order(ByteOrder.LITTLE_ENDIAN);
        try {
            return new Decoded.Valid<>(new Reader(source).operation());
        } catch (CorruptOperation corrupt) {
            return new Decoded.Corrupt<>(corrupt.field, corrupt.expected, Long.toString(corrupt.found));
        } finally {
            source.order(order);
        }
    }

    private static byte type(Operation operation) {
        return switch (operation) {
            case Operation.Make make -> MAKE;
            case Operation.Symlink symlink -> SYMLINK;
            case Operation.Link link -> LINK;
            case Operation.Unlink unlink -> UNLINK;
            case Operation.RemoveDirectory remove -> REMOVE_DIRECTORY;
            case Operation.Rename rename -> RENAME;
            case Operation.SetAttributes set -> SET_ATTRIBUTES;
            case Operation.SetXattr set -> SET_XATTR;
            case Operation.RemoveXattr remove -> REMOVE_XATTR;
            case Operation.Write write -> WRITE;
            case Operation.Truncate truncate -> TRUNCATE;
            case Operation.Zero zero -> ZERO;
            case Operation.MakeUnnamed make -> MAKE_UNNAMED;
            case Operation.Share share -> SHARE;
        };
    }

    private static void putAttributes(ByteBuffer target, Operation.SetAttributes set) {
        target.putLong(set.inode());
        target.put((byte) ((set.mode() == null ? 0 : HAS_MODE)
                | (set.uid() == null ? 0 : HAS_UID)
                | (set.gid() == null ? 0 : HAS_GID)
                | (set.accessed() == null ? 0 : HAS_ACCESSED)
                | (set.modified() == null ? 0 : HAS_MODIFIED)));
        putIfPresent(target, set.mode());
        putIfPresent(target, set.uid());
        putIfPresent(target, set.gid());
        putIfPresent(target, set.accessed());
        putIfPresent(target, set.modified());
    }

    private static void putIfPresent(ByteBuffer target, @Nullable Integer value) {
        if (value != null) {
            target.putInt(value);
        }
    }

    private static void putIfPresent(ByteBuffer target, @Nullable Timestamp value) {
        if (value != null) {
            putTime(target, value);
        }
    }

    private static void putTime(ByteBuffer target, Timestamp time) {
        if (time.nanos() < 0 || time.nanos() > NANOS_MAX) {
            throw new IllegalArgumentException("nanoseconds must be below 10^9, not " + time.nanos());
        }
        target.putLong(time.seconds()).putInt(time.nanos());
    }

    private static void putLocation(ByteBuffer target, long inode, ByteString name) {
        if (name.isEmpty() || name.length() > VolumeKeys.NAME_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "a name has 1.." + VolumeKeys.NAME_BYTES_MAX + " bytes, not " + name.length());
        }
        target.putLong(inode).putShort((short) name.length());
        name.write(target);
    }

    private static void putValue(ByteBuffer target, ByteString value, int bytesMax) {
        if (value.length() > bytesMax) {
            throw new IllegalArgumentException("a value has at most " + bytesMax + " bytes, not " + value.length());
        }
        target.putInt(value.length());
        value.write(target);
    }

    /** Reads field after field; every field is checked against what is left before it is taken. */
    private record Reader(ByteBuffer source) {

        Operation operation() throws CorruptOperation {
            need(HEAD_BYTES);
            byte type = source.get();
            Timestamp time = time();
            return switch (type) {
                case MAKE -> new Operation.Make(inode(), name(), inode(), word(), word(), word(), word(), time);
                case SYMLINK ->
                    new Operation.Symlink(inode(), name(), inode(), value(TARGET_BYTES_MAX), word(), word(), time);
                case LINK -> new Operation.Link(inode(), inode(), name(), time);
                case UNLINK -> new Operation.Unlink(inode(), name(), time);
                case REMOVE_DIRECTORY -> new Operation.RemoveDirectory(inode(), name(), time);
                case RENAME -> new Operation.Rename(inode(), name(), inode(), name(), word(), time);
                case SET_ATTRIBUTES -> attributes(time);
                case SET_XATTR ->
                    new Operation.SetXattr(inode(), name(), value(XattrLayout.VALUE_BYTES_MAX), word(), time);
                case REMOVE_XATTR -> new Operation.RemoveXattr(inode(), name(), time);
                case WRITE -> write(time);
                case TRUNCATE -> new Operation.Truncate(inode(), position(), time);
                case ZERO -> zero(time);
                case MAKE_UNNAMED -> new Operation.MakeUnnamed(inode(), inode(), word(), word(), word(), time);
                case SHARE -> share(time);
                default -> throw new CorruptOperation("type", MAKE + ".." + SHARE, type);
            };
        }

        private Operation share(Timestamp time) throws CorruptOperation {
            Operation.Share share = new Operation.Share(inode(), position(), inode(), position(), position(), time);
            long last = Math.max(share.sourceOffset(), share.targetOffset());
            if (share.length() == 0 || share.length() > Long.MAX_VALUE - last) {
                throw new CorruptOperation("length", "1 up to the end of what a file can have", share.length());
            }
            return share;
        }

        private Operation attributes(Timestamp time) throws CorruptOperation {
            long inode = inode();
            need(1);
            int present = source.get();
            if ((present & ~(HAS_MODE | HAS_UID | HAS_GID | HAS_ACCESSED | HAS_MODIFIED)) != 0) {
                throw new CorruptOperation("attribute bits", "known ones only", present);
            }
            return new Operation.SetAttributes(
                    inode,
                    (present & HAS_MODE) == 0 ? null : Integer.valueOf(word()),
                    (present & HAS_UID) == 0 ? null : Integer.valueOf(word()),
                    (present & HAS_GID) == 0 ? null : Integer.valueOf(word()),
                    (present & HAS_ACCESSED) == 0 ? null : time(),
                    (present & HAS_MODIFIED) == 0 ? null : time(),
                    time);
        }

        private Operation write(Timestamp time) throws CorruptOperation {
            long inode = inode();
            long offset = position();
            int length = word();
            if (length < 0 || length > LENGTH_MAX || offset > Long.MAX_VALUE - length) {
                throw new CorruptOperation("write length", "at most " + LENGTH_MAX + ", ending below 2^63", length);
            }
            return new Operation.Write(inode, offset, length, time);
        }

        private Operation zero(Timestamp time) throws CorruptOperation {
            long inode = inode();
            long offset = position();
            long length = position();
            if (length == 0 || offset > Long.MAX_VALUE - length) {
                throw new CorruptOperation("zeroed length", "at least 1, ending below 2^63", length);
            }
            need(1);
            int grows = source.get();
            if ((grows & ~1) != 0) {
                throw new CorruptOperation("growth", "0 or 1", grows);
            }
            return new Operation.Zero(inode, offset, length, grows == 1, time);
        }

        private long inode() throws CorruptOperation {
            need(8);
            long inode = source.getLong();
            if (inode <= 0) {
                throw new CorruptOperation("inode", "1 or more", inode);
            }
            return inode;
        }

        private long position() throws CorruptOperation {
            need(8);
            long position = source.getLong();
            if (position < 0) {
                throw new CorruptOperation("file position", "0 or more", position);
            }
            return position;
        }

        private int word() throws CorruptOperation {
            need(4);
            return source.getInt();
        }

        private Timestamp time() throws CorruptOperation {
            need(TIME_BYTES);
            long seconds = source.getLong();
            int nanos = source.getInt();
            if (nanos < 0 || nanos > NANOS_MAX) {
                throw new CorruptOperation("nanoseconds", "below 10^9", nanos);
            }
            return new Timestamp(seconds, nanos);
        }

        private ByteString name() throws CorruptOperation {
            need(2);
            int length = source.getShort() & 0xFFFF;
            if (length == 0 || length > VolumeKeys.NAME_BYTES_MAX) {
                throw new CorruptOperation("name length", "1.." + VolumeKeys.NAME_BYTES_MAX, length);
            }
            need(length);
            return ByteString.read(source, length);
        }

        private ByteString value(int bytesMax) throws CorruptOperation {
            int length = word();
            if (length < 0 || length > bytesMax) {
                throw new CorruptOperation("value length", "0.." + bytesMax, length);
            }
            need(length);
            return ByteString.read(source, length);
        }

        private void need(int bytes) throws CorruptOperation {
            if (source.remaining() < bytes) {
                throw new CorruptOperation("bytes left", "at least " + bytes, source.remaining());
            }
        }
    }

    /** Leaves a reader half-way; it never leaves this class. */
    private static final class CorruptOperation extends Exception {
        private static final long serialVersionUID = 1L;

        private final String field;
        private final String expected;
        private final long found;

        CorruptOperation(String field, String expected, long found) {
            super(field, null, false, false);
            this.field = "operation's " + field;
            this.expected = expected;
            this.found = found;
        }
    }
}
