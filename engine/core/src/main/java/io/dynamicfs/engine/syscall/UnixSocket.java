package io.dynamicfs.engine.syscall;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An AF_UNIX socket of type SOCK_SEQPACKET: whole packets, each with one file descriptor at most. On the wire a packet begins
 * with a byte of value 1, because a packet of no bytes would mean the end. Closing it wakes a thread that waits in it.
 */
public final class UnixSocket implements AutoCloseable {
    /** Stands for a packet without a descriptor. */
    public static final int NO_DESCRIPTOR = -1;

    /** {@code sun_path} of 108 bytes holds a terminating zero. */
    public static final int PATH_BYTES_MAX = 107;

    private static final byte FRAME = 1;
    private static final int FRAME_BYTES = 1;
    private static final int ADDRESS_FAMILY_BYTES = 2;
    private static final int ADDRESS_BYTES = ADDRESS_FAMILY_BYTES + PATH_BYTES_MAX + 1;

    private static final int AF_UNIX = 1;
    private static final int SOCK_SEQPACKET = 5;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SCM_RIGHTS = 1;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_CTRUNC = 0x8;
    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int BACKLOG = 64;
    private static final int OWNER_ONLY = 0600;

    /** {@code struct ucred}: process, user, group. */
    private static final int CREDENTIALS_BYTES = 12;

    private static final int CREDENTIALS_USER = 4;

    /** {@code struct msghdr} of 64-bit Linux. */
    private static final int MESSAGE_BYTES = 56;

    private static final int MESSAGE_VECTORS = 16;
    private static final int MESSAGE_VECTOR_COUNT = 24;
    private static final int MESSAGE_CONTROL = 32;
    private static final int MESSAGE_CONTROL_BYTES = 40;
    private static final int MESSAGE_FLAGS = 48;

    /** {@code struct cmsghdr} with one descriptor behind it. */
    private static final int CONTROL_LEVEL = 8;

    private static final int CONTROL_TYPE = 12;
    private static final int CONTROL_DATA = 16;
    private static final int CONTROL_LENGTH = CONTROL_DATA + Integer.BYTES;
    private static final int CONTROL_SPACE = CONTROL_DATA + Long.BYTES;

    private static final MethodHandle SOCKET =
            LibC.link("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle BIND =
            LibC.link("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle CHMOD = LibC.link("chmod", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle LISTEN = LibC.link("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle CONNECT =
            LibC.link("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle ACCEPT4 =
            LibC.link("accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SHUTDOWN =
            LibC.link("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SENDMSG =
            LibC.link("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle RECVMSG =
            LibC.link("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle GETSOCKOPT = LibC.link(
            "getsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle SETSOCKOPT =
            LibC.link("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));

    /** What arrived. The receiver owns the descriptor, {@link #NO_DESCRIPTOR} when there is none. */
    public record Packet(byte[] bytes, int descriptor) {}

    private final int fd;

    /** One for being open and one for each call under way; the last to leave closes, so that no call meets a reused number. */
    private final AtomicInteger users = new AtomicInteger(1);

    private final AtomicBoolean closed = new AtomicBoolean();

    private UnixSocket(int fd) {
        this.fd = fd;
    }

    /** Listens at {@code path}, which must not exist, with mode 0600: only its owner and root can connect. */
    public static UnixSocket listen(Path path) throws KernelException {
        UnixSocket socket = create(path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            long name = arena.allocateFrom(path.toString()).address();
            MemorySegment errno = LibC.errnoSegment();
            check((int) BIND.invokeExact(errno, socket.fd, address.address(), ADDRESS_BYTES), "bind " + path);
            check((int) CHMOD.invokeExact(errno, name, OWNER_ONLY), "chmod " + path);
            check((int) LISTEN.invokeExact(errno, socket.fd, BACKLOG), "listen " + path);
            return socket;
        } catch (Throwable thrown) {
            socket.close();
            throw rethrow(thrown);
        }
    }

    /** Connects to the listener at {@code path}. */
    public static UnixSocket connect(Path path) throws KernelException {
        UnixSocket socket = create(path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            int result;
            do {
                result = (int) CONNECT.invokeExact(LibC.errnoSegment(), socket.fd, address.address(), ADDRESS_BYTES);
            } while (interrupted(result));
            check(result, "connect to " + path);
            return socket;
        } catch (Throwable thrown) {
            socket.close();
            throw rethrow(thrown);
        }
    }

    /** Waits for the next connection; fails once the socket is closed. */
    public UnixSocket accept() throws KernelException {
        enter("accept");
        try {
            int result;
            do {
                result = (int) ACCEPT4.invokeExact(LibC.errnoSegment(), fd, 0L, 0L, SOCK_CLOEXEC);
            } while (interrupted(result));
            check(result, "accept");
            return new UnixSocket(result);
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        } finally {
            leave();
        }
    }

    /** Sends one packet, and a copy of {@code descriptor} unless that is {@link #NO_DESCRIPTOR}. */
    public void send(byte[] packet, int descriptor) throws KernelException {
        enter("send");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(FRAME_BYTES + (long) packet.length);
            bytes.set(JAVA_BYTE, 0, FRAME);
            MemorySegment.copy(packet, 0, bytes, JAVA_BYTE, FRAME_BYTES, packet.length);
            MemorySegment message = message(arena, bytes);
            if (descriptor != NO_DESCRIPTOR) {
                MemorySegment control = arena.allocate(CONTROL_SPACE, Long.BYTES);
                control.set(JAVA_LONG, 0, CONTROL_LENGTH);
                control.set(JAVA_INT, CONTROL_LEVEL, SOL_SOCKET);
                control.set(JAVA_INT, CONTROL_TYPE, SCM_RIGHTS);
                control.set(JAVA_INT, CONTROL_DATA, descriptor);
                message.set(JAVA_LONG, MESSAGE_CONTROL, control.address());
                message.set(JAVA_LONG, MESSAGE_CONTROL_BYTES, CONTROL_SPACE);
            }
            long result;
            do {
                result = (long) SENDMSG.invokeExact(LibC.errnoSegment(), fd, message.address(), MSG_NOSIGNAL);
            } while (interrupted(result));
            check(result, "send");
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        } finally {
            leave();
        }
    }

    /**
     * Waits for the next packet; null when the other end is closed. A packet that is larger than {@code bytesMax} or brings
     * more than one descriptor is refused with EMSGSIZE, one that does not begin as it should with EINVAL; nothing of it stays
     * open.
     */
    public @Nullable Packet receive(int bytesMax) throws KernelException {
        enter("receive");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(FRAME_BYTES + (long) bytesMax, 8);
            MemorySegment control = arena.allocate(CONTROL_SPACE, Long.BYTES);
            MemorySegment message = message(arena, bytes);
            message.set(JAVA_LONG, MESSAGE_CONTROL, control.address());
            // Room for exactly one: the kernel closes what does not fit and says so.
            message.set(JAVA_LONG, MESSAGE_CONTROL_BYTES, CONTROL_LENGTH);
            long result;
            do {
                result = (long) RECVMSG.invokeExact(LibC.errnoSegment(), fd, message.address(), MSG_CMSG_CLOEXEC);
            } while (interrupted(result));
            check(result, "receive");
            int descriptor = descriptor(message, control);
            if ((message.get(JAVA_INT, MESSAGE_FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
                discard(descriptor);
                throw new KernelException("receive", Errno.EMSGSIZE.number());
            }
            if (result == 0) {
                discard(descriptor);
                return null;
            }
            if (bytes.get(JAVA_BYTE, 0) != FRAME) {
                discard(descriptor);
                throw new KernelException("receive", Errno.EINVAL.number());
            }
            return new Packet(bytes.asSlice(FRAME_BYTES, result - FRAME_BYTES).toArray(JAVA_BYTE), descriptor);
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        } finally {
            leave();
        }
    }

    /** How long each later {@link #accept}, {@link #send} and {@link #receive} may wait before it fails with EAGAIN. */
    public void limitWaits(Duration limit) throws KernelException {
        enter("limit waits");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(2 * Long.BYTES, Long.BYTES);
            time.set(JAVA_LONG, 0, limit.toSeconds());
            time.set(JAVA_LONG, Long.BYTES, limit.toNanosPart() / 1000);
            int bytes = (int) time.byteSize();
            MemorySegment errno = LibC.errnoSegment();
            check(
                    (int) SETSOCKOPT.invokeExact(errno, fd, SOL_SOCKET, SO_RCVTIMEO, time.address(), bytes),
                    "limit receiving");
            check(
                    (int) SETSOCKOPT.invokeExact(errno, fd, SOL_SOCKET, SO_SNDTIMEO, time.address(), bytes),
                    "limit sending");
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        } finally {
            leave();
        }
    }

    /** The user id of the process at the other end, as it was when it connected or listened. */
    public int peerUid() throws KernelException {
        enter("peer");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(CREDENTIALS_BYTES, Integer.BYTES);
            MemorySegment length = arena.allocateFrom(JAVA_INT, CREDENTIALS_BYTES);
            int result = (int) GETSOCKOPT.invokeExact(
                    LibC.errnoSegment(), fd, SOL_SOCKET, SO_PEERCRED, credentials.address(), length.address());
            check(result, "ask who is at the other end");
            return credentials.get(JAVA_INT, CREDENTIALS_USER);
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        } finally {
            leave();
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                // Fails on a socket that was never connected, where nobody waits either.
                int ignored = (int) SHUTDOWN.invokeExact(LibC.errnoSegment(), fd, SHUT_RDWR);
            } catch (Throwable thrown) {
                throw new AssertionError(thrown);
            }
            leave();
        }
    }

    private static UnixSocket create(Path path) throws KernelException {
        if (path.toString().getBytes(StandardCharsets.UTF_8).length > PATH_BYTES_MAX) {
            throw new IllegalArgumentException("expected a socket path of " + PATH_BYTES_MAX + " bytes at most, found "
                    + path + ": choose a shorter one");
        }
        try {
            int result = (int) SOCKET.invokeExact(LibC.errnoSegment(), AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
            check(result, "socket");
            return new UnixSocket(result);
        } catch (Throwable thrown) {
            throw rethrow(thrown);
        }
    }

    private static MemorySegment address(Arena arena, Path path) {
        MemorySegment address = arena.allocate(ADDRESS_BYTES, Long.BYTES);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        address.setString(ADDRESS_FAMILY_BYTES, path.toString());
        return address;
    }

    private static MemorySegment message(Arena arena, MemorySegment bytes) {
        MemorySegment vector = arena.allocate(2 * Long.BYTES, Long.BYTES);
        vector.set(JAVA_LONG, 0, bytes.address());
        vector.set(JAVA_LONG, Long.BYTES, bytes.byteSize());
        MemorySegment message = arena.allocate(MESSAGE_BYTES, Long.BYTES);
        message.set(JAVA_LONG, MESSAGE_VECTORS, vector.address());
        message.set(JAVA_LONG, MESSAGE_VECTOR_COUNT, 1);
        return message;
    }

    private static int descriptor(MemorySegment message, MemorySegment control) {
        boolean present = message.get(JAVA_LONG, MESSAGE_CONTROL_BYTES) >= CONTROL_LENGTH
                && control.get(JAVA_INT, CONTROL_LEVEL) == SOL_SOCKET
                && control.get(JAVA_INT, CONTROL_TYPE) == SCM_RIGHTS;
        return present ? control.get(JAVA_INT, CONTROL_DATA) : NO_DESCRIPTOR;
    }

    private static void discard(int descriptor) {
        if (descriptor != NO_DESCRIPTOR) {
            FileDescriptors.close(descriptor);
        }
    }

    private static boolean interrupted(long result) {
        return result < 0 && LibC.errno() == Errno.EINTR.number();
    }

    private static void check(long result, String call) throws KernelException {
        if (result < 0) {
            throw new KernelException(call, LibC.errno());
        }
    }

    private static KernelException rethrow(Throwable thrown) {
        return switch (thrown) {
            case KernelException refused -> refused;
            case Error error -> throw error;
            case RuntimeException failure -> throw failure;
            default -> throw new AssertionError(thrown);
        };
    }

    private void enter(String call) throws KernelException {
        int before;
        do {
            before = users.get();
            if (closed.get() || before == 0) {
                throw new KernelException(call + " on a closed socket", Errno.EBADF.number());
            }
        } while (!users.compareAndSet(before, before + 1));
    }

    private void leave() {
        if (users.decrementAndGet() == 0) {
            FileDescriptors.close(fd);
        }
    }
}
