package io.dynamicfs.engine.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ProtocolException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Decodes a request, has the handler serve it and encodes the reply. It holds no state and does no I/O. */
final class RequestDispatcher {
    /** The kernel expects no reply, or gets it later. */
    static final int NO_REPLY = 0;

    /** One kernel is the only client, so it may keep what it knows until it changes it itself. */
    static final long VALID_SECONDS = 3600;

    private static final int NOTHING = 0;
    private static final int LATER = Integer.MIN_VALUE;
    private static final int TYPE_REGULAR = 0100000;
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int PERMISSION_BITS = 07777;
    private static final int ACCESS_BITS = 0777;
    private static final int TYPE_BITS = 0170000;
    private static final long COPY_BYTES_MAX = 1 << 30;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private final FuseHandler handler;
    private final ReplyChannel channel;
    private final int pageBytes;
    private final CompletableFuture<Negotiated> negotiated;

    RequestDispatcher(
            FuseHandler handler, ReplyChannel channel, int pageBytes, CompletableFuture<Negotiated> negotiated) {
        this.handler = handler;
        this.channel = channel;
        this.pageBytes = pageBytes;
        this.negotiated = negotiated;
    }

    /** Serves {@code request}; returns the length of the reply in {@code reply} in bytes, or {@link #NO_REPLY}. */
    int serve(FuseRequest request, MemorySegment reply) {
        Opcode opcode = Opcode.of(request.opcode());
        if (opcode == null) {
            return error(request, reply, Errno.ENOSYS);
        }
        int body;
        try {
            body = body(opcode, request, reply);
        } catch (Throwable thrown) {
            return expectsReply(opcode) ? error(request, reply, handler.errno(request, thrown)) : NO_REPLY;
        }
        if (body == LATER) {
            return NO_REPLY;
        }
        if (body < 0) {
            return header(request, reply, 0, body);
        }
        return header(request, reply, body, 0);
    }

    /** Goes on with what an earlier server of the connection has agreed on. */
    void resume(Negotiated agreed) {
        handler.negotiated(agreed);
        negotiated.complete(agreed);
    }

    /** The reply to the request that this thread has served last has left, or will come from elsewhere. */
    void replied() {
        handler.replied();
    }

    /** Encodes the answer that the request failed. */
    int error(FuseRequest request, MemorySegment reply, Errno errno) {
        return header(request, reply, 0, -errno.number());
    }

    /** Returns the length of the body, a negative error number, or {@link #LATER}. */
    private int body(Opcode opcode, FuseRequest request, MemorySegment reply) throws Exception {
        return switch (opcode) {
            case LOOKUP -> lookup(request, reply);
            case FORGET -> forget(request);
            case BATCH_FORGET -> batchForget(request);
            case GETATTR -> ReplyLayout.attributes(reply, ReplyLayout.BODY, handler.attributes(request), VALID_SECONDS);
            case STATX -> ReplyLayout.statx(reply, ReplyLayout.BODY, handler.attributes(request), VALID_SECONDS);
            case SETATTR ->
                ReplyLayout.attributes(
                        reply, ReplyLayout.BODY, handler.setAttributes(request, change(request)), VALID_SECONDS);
            case READLINK -> bytes(reply, handler.readLink(request));
            case SYMLINK -> symlink(request, reply);
            case MKNOD -> makeNode(request, reply);
            case MKDIR -> makeDirectory(request, reply);
            case UNLINK -> {
                handler.unlink(request, request.nameAt(RequestLayout.BODY));
                yield NOTHING;
            }
            case RMDIR -> {
                handler.removeDirectory(request, request.nameAt(RequestLayout.BODY));
                yield NOTHING;
            }
            case RENAME -> rename(request, RequestLayout.RENAME_NAMES, 0);
            case RENAME2 -> rename(request, RequestLayout.RENAME2_NAMES, request.intAt(RequestLayout.RENAME2_FLAGS));
            case LINK -> link(request, reply);
            case OPEN ->
                ReplyLayout.open(
                        reply,
                        ReplyLayout.BODY,
                        handler.open(
                                request,
                                request.intAt(RequestLayout.OPEN_FLAGS),
                                () -> channel.attributesChanged(request.node())));
            case OPENDIR -> ReplyLayout.open(reply, ReplyLayout.BODY, 0);
            case CREATE -> create(request, reply);
            case TMPFILE -> createUnnamed(request, reply);
            case READ -> read(request, reply);
            case WRITE -> write(request, reply);
            case STATFS -> ReplyLayout.statistics(reply, ReplyLayout.BODY, handler.statistics(request));
            case RELEASE -> {
                handler.release(request, request.intAt(RequestLayout.RELEASE_FLAGS));
                yield NOTHING;
            }
            case RELEASEDIR, DESTROY -> NOTHING;
            case FALLOCATE -> {
                handler.allocate(
                        request,
                        request.longAt(RequestLayout.FALLOCATE_OFFSET),
                        request.longAt(RequestLayout.FALLOCATE_LENGTH),
                        request.intAt(RequestLayout.FALLOCATE_MODE));
                yield NOTHING;
            }
            case LSEEK -> seek(request, reply);
            case COPY_FILE_RANGE -> copy(request, reply);
            case FSYNC, FSYNCDIR -> sync(request);
            case SETXATTR -> setXattr(request);
            case GETXATTR -> {
                byte[] name = request.nameAt(RequestLayout.GETXATTR_NAME);
                yield sized(request, reply, handler.getXattr(request, name));
            }
            case LISTXATTR -> sized(request, reply, concatenated(handler.listXattr(request)));
            case REMOVEXATTR -> {
                handler.removeXattr(request, request.nameAt(RequestLayout.BODY));
                yield NOTHING;
            }
            case READDIR -> readDirectory(request, reply, false);
            case READDIRPLUS -> readDirectory(request, reply, true);
            case INIT -> init(request, reply);
            case INTERRUPT -> LATER;
        };
    }

    private int lookup(FuseRequest request, MemorySegment reply) throws Exception {
        NodeAttributes found = handler.lookup(request, request.nameAt(RequestLayout.BODY));
        return found == null ? ReplyLayout.noEntry(reply, ReplyLayout.BODY, VALID_SECONDS) : entry(reply, found);
    }

    private int forget(FuseRequest request) {
        handler.forget(request.node(), request.longAt(RequestLayout.FORGET_COUNT));
        return LATER;
    }

    private int batchForget(FuseRequest request) {
        int count = request.intAt(RequestLayout.BATCH_FORGET_COUNT);
        for (int i = 0; i < count; i++) {
            int entry = RequestLayout.BATCH_FORGET_ENTRIES + i * RequestLayout.BATCH_FORGET_ENTRY_BYTES;
            handler.forget(request.longAt(entry), request.longAt(entry + 8));
        }
        return LATER;
    }

    private int symlink(FuseRequest request, MemorySegment reply) throws Exception {
        byte[] name = request.nameAt(RequestLayout.BODY);
        byte[] target = request.nameAt(RequestLayout.BODY + name.length + 1);
        return entry(reply, handler.symlink(request, name, target));
    }

    private int makeNode(FuseRequest request, MemorySegment reply) throws Exception {
        int mode = request.intAt(RequestLayout.MKNOD_MODE);
        int typed = (mode & TYPE_BITS) == 0 ? mode | TYPE_REGULAR : mode;
        byte[] name = request.nameAt(RequestLayout.MKNOD_NAME);
        return entry(
                reply,
                handler.make(
                        request,
                        name,
                        typed,
                        request.intAt(RequestLayout.MKNOD_RDEV),
                        umask(request, RequestLayout.MKNOD_UMASK)));
    }

    private int makeDirectory(FuseRequest request, MemorySegment reply) throws Exception {
        int mode = (request.intAt(RequestLayout.MKDIR_MODE) & PERMISSION_BITS) | TYPE_DIRECTORY;
        return entry(
                reply,
                handler.make(
                        request,
                        request.nameAt(RequestLayout.MKDIR_NAME),
                        mode,
                        0,
                        umask(request, RequestLayout.MKDIR_UMASK)));
    }

    private int rename(FuseRequest request, int names, int flags) throws Exception {
        byte[] name = request.nameAt(names);
        byte[] newName = request.nameAt(names + name.length + 1);
        handler.rename(request, name, request.longAt(RequestLayout.RENAME_DIRECTORY), newName, flags);
        return NOTHING;
    }

    private int link(FuseRequest request, MemorySegment reply) throws Exception {
        long node = request.longAt(RequestLayout.LINK_NODE);
        return entry(reply, handler.link(request, node, request.nameAt(RequestLayout.LINK_NAME)));
    }

    private int create(FuseRequest request, MemorySegment reply) throws Exception {
        int mode = (request.intAt(RequestLayout.CREATE_MODE) & PERMISSION_BITS) | TYPE_REGULAR;
        int flags = request.intAt(RequestLayout.CREATE_FLAGS);
        byte[] name = request.nameAt(RequestLayout.CREATE_NAME);
        int umask = umask(request, RequestLayout.CREATE_UMASK);
        return opened(reply, handler.create(request, name, mode, flags, umask));
    }

    private int createUnnamed(FuseRequest request, MemorySegment reply) throws Exception {
        int mode = request.intAt(RequestLayout.CREATE_MODE) & PERMISSION_BITS;
        int flags = request.intAt(RequestLayout.CREATE_FLAGS);
        int umask = umask(request, RequestLayout.CREATE_UMASK);
        return opened(reply, handler.createUnnamed(request, mode, flags, umask));
    }

    private static int umask(FuseRequest request, int offset) {
        return request.intAt(offset) & ACCESS_BITS;
    }

    private static int opened(MemorySegment reply, NodeAttributes made) {
        int entry = entry(reply, made);
        return entry + ReplyLayout.open(reply, ReplyLayout.BODY + entry, FuseHandler.OPEN_KEEP_CACHE);
    }

    private int read(FuseRequest request, MemorySegment reply) throws Exception {
        int size = request.intAt(RequestLayout.READ_SIZE);
        if (size < 0 || size > reply.byteSize() - ReplyLayout.BODY) {
            return -Errno.EINVAL.number();
        }
        return handler.read(
                request,
                request.longAt(RequestLayout.READ_OFFSET),
                reply.asSlice(ReplyLayout.BODY, size),
                request.intAt(RequestLayout.READ_FLAGS));
    }

    private int write(FuseRequest request, MemorySegment reply) throws Exception {
        int size = request.intAt(RequestLayout.WRITE_SIZE);
        MemorySegment data = request.dataAt(RequestLayout.WRITE_DATA, size);
        boolean killPrivileges = (request.intAt(RequestLayout.WRITE_FLAGS) & RequestLayout.WRITE_KILL_PRIVILEGES) != 0;
        handler.write(request, request.longAt(RequestLayout.WRITE_OFFSET), data, killPrivileges);
        return ReplyLayout.size(reply, ReplyLayout.BODY, size);
    }

    private int copy(FuseRequest request, MemorySegment reply) throws Exception {
        if (request.longAt(RequestLayout.COPY_FLAGS) != 0) {
            return -Errno.EINVAL.number();
        }
        // The reply has 32 bits for the number.
        long length = Math.min(request.longAt(RequestLayout.COPY_LENGTH), COPY_BYTES_MAX);
        long copied = handler.copy(
                request,
                request.longAt(RequestLayout.COPY_SOURCE_OFFSET),
                request.longAt(RequestLayout.COPY_TARGET),
                request.longAt(RequestLayout.COPY_TARGET_OFFSET),
                length);
        return ReplyLayout.size(reply, ReplyLayout.BODY, (int) copied);
    }

    private int seek(FuseRequest request, MemorySegment reply) throws Exception {
        int whence = request.intAt(RequestLayout.LSEEK_WHENCE);
        long offset = request.longAt(RequestLayout.LSEEK_OFFSET);
        if (whence != SEEK_DATA && whence != SEEK_HOLE) {
            return -Errno.EINVAL.number();
        }
        return ReplyLayout.position(reply, ReplyLayout.BODY, handler.seek(request, offset, whence == SEEK_HOLE));
    }

    private int sync(FuseRequest request) {
        boolean dataOnly = (request.intAt(RequestLayout.FSYNC_FLAGS) & RequestLayout.FSYNC_DATA_ONLY) != 0;
        return parked(request, reply -> handler.sync(request, dataOnly, reply));
    }

    private interface Parking {
        void run(ParkedReply reply) throws Exception;
    }

    private int parked(FuseRequest request, Parking parking) {
        ParkedReply parked = new ParkedReply(channel, request.wireUnique());
        try {
            parking.run(parked);
        } catch (Throwable thrown) {
            parked.fail(handler.errno(request, thrown));
        }
        return LATER;
    }

    private int setXattr(FuseRequest request) throws Exception {
        Negotiated agreed = negotiated.getNow(null);
        boolean extended = agreed != null && agreed.has(Negotiated.SETXATTR_EXTENSION);
        int nameAt = extended ? RequestLayout.SETXATTR_EXTENDED_NAME : RequestLayout.SETXATTR_NAME;
        int moreFlags = extended ? request.intAt(RequestLayout.SETXATTR_MORE_FLAGS) : 0;
        byte[] name = request.nameAt(nameAt);
        byte[] value = request.dataAt(nameAt + name.length + 1, request.intAt(RequestLayout.SETXATTR_SIZE))
                .toArray(ValueLayout.JAVA_BYTE);
        handler.setXattr(
                request,
                name,
                value,
                request.intAt(RequestLayout.SETXATTR_FLAGS),
                (moreFlags & RequestLayout.SETXATTR_KILL_SET_GID) != 0);
        return NOTHING;
    }

    /** The answer of GETXATTR and LISTXATTR: the length alone where the caller only asks for it. */
    private static int sized(FuseRequest request, MemorySegment reply, byte[] value) {
        int room = request.intAt(RequestLayout.GETXATTR_SIZE);
        if (room == 0) {
            return ReplyLayout.size(reply, ReplyLayout.BODY, value.length);
        }
        return value.length > room ? -Errno.ERANGE.number() : bytes(reply, value);
    }

    private static byte[] concatenated(List<byte[]> names) {
        int length = 0;
        for (byte[] name : names) {
            length += name.length + 1;
        }
        byte[] all = new byte[length];
        int next = 0;
        for (byte[] name : names) {
            System.arraycopy(name, 0, all, next, name.length);
            next += name.length + 1;
        }
        return all;
    }

    private int readDirectory(FuseRequest request, MemorySegment reply, boolean withNodes) throws Exception {
        int size = Math.clamp(request.intAt(RequestLayout.READ_SIZE), 0, Negotiated.DATA_BYTES_MAX);
        DirectoryListing listing = new DirectoryListing(reply, ReplyLayout.BODY, size, withNodes, VALID_SECONDS);
        handler.readDirectory(
                request, request.longAt(RequestLayout.READ_OFFSET), listing, request.intAt(RequestLayout.READ_FLAGS));
        return listing.bytes();
    }

    private int init(FuseRequest request, MemorySegment reply) {
        int major = request.intAt(RequestLayout.INIT_MAJOR);
        int minor = request.intAt(RequestLayout.INIT_MINOR);
        if (major != Negotiated.MAJOR || minor < Negotiated.MINOR_MIN) {
            negotiated.completeExceptionally(new ProtocolException("FUSE protocol of the kernel: expected "
                    + Negotiated.MAJOR + "." + Negotiated.MINOR_MIN + " or a later " + Negotiated.MAJOR + ".x, found "
                    + major + "." + minor + "; Linux 5.4 is the oldest that works"));
            return -Errno.EINVAL.number();
        }
        long offered = request.intAt(RequestLayout.INIT_FLAGS) & 0xffff_ffffL;
        if ((offered & Negotiated.INIT_EXTENSION) != 0) {
            offered |= (long) request.intAt(RequestLayout.INIT_FLAGS_HIGH) << 32;
        }
        Negotiated answer = Negotiated.of(minor, request.intAt(RequestLayout.INIT_READ_AHEAD), offered, pageBytes);
        handler.negotiated(answer);
        negotiated.complete(answer);
        return ReplyLayout.init(reply, ReplyLayout.BODY, answer);
    }

    private static NodeChange change(FuseRequest request) {
        int valid = request.intAt(RequestLayout.SETATTR_VALID);
        return new NodeChange(
                intIf(valid, RequestLayout.VALID_MODE, request, RequestLayout.SETATTR_MODE),
                intIf(valid, RequestLayout.VALID_UID, request, RequestLayout.SETATTR_UID),
                intIf(valid, RequestLayout.VALID_GID, request, RequestLayout.SETATTR_GID),
                (valid & RequestLayout.VALID_SIZE) == 0 ? null : request.longAt(RequestLayout.SETATTR_SIZE),
                timeIf(
                        valid,
                        RequestLayout.VALID_ACCESSED,
                        request,
                        RequestLayout.SETATTR_ACCESSED,
                        RequestLayout.SETATTR_ACCESSED_NANOS),
                timeIf(
                        valid,
                        RequestLayout.VALID_MODIFIED,
                        request,
                        RequestLayout.SETATTR_MODIFIED,
                        RequestLayout.SETATTR_MODIFIED_NANOS),
                (valid & RequestLayout.VALID_KILL_PRIVILEGES) != 0);
    }

    private static @Nullable Integer intIf(int valid, int bit, FuseRequest request, int offset) {
        return (valid & bit) == 0 ? null : Integer.valueOf(request.intAt(offset));
    }

    private static @Nullable FuseTime timeIf(int valid, int bit, FuseRequest request, int seconds, int nanos) {
        return (valid & bit) == 0 ? null : new FuseTime(request.longAt(seconds), request.intAt(nanos));
    }

    private static int entry(MemorySegment reply, NodeAttributes node) {
        return ReplyLayout.entry(reply, ReplyLayout.BODY, node, VALID_SECONDS);
    }

    private static int bytes(MemorySegment reply, byte[] value) {
        MemorySegment.copy(value, 0, reply, JAVA_BYTE, ReplyLayout.BODY, value.length);
        return value.length;
    }

    private static boolean expectsReply(Opcode opcode) {
        return opcode != Opcode.FORGET && opcode != Opcode.BATCH_FORGET && opcode != Opcode.INTERRUPT;
    }

    private static int header(FuseRequest request, MemorySegment reply, int body, int error) {
        int length = ReplyLayout.HEADER_BYTES + body;
        ReplyLayout.header(reply, length, error, request.wireUnique());
        return length;
    }
}
