package io.dynamicfs.engine.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * The request that a reader has in hand, a view of its buffer: valid until the handler returns. A resent request (after its
 * server died) has the same {@link #unique()} as when it was sent first; together with the connection it names the request.
 */
public final class FuseRequest {
    private static final long RESENT = Long.MIN_VALUE;

    private final long connection;
    private final MemorySegment bytes;
    private int length;

    FuseRequest(long connection, MemorySegment bytes) {
        this.connection = connection;
        this.bytes = bytes;
    }

    /** Points the view at a request of {@code received} bytes that has been read into its buffer. */
    void received(int received) {
        length = received;
    }

    /** The random number of the connection, the same for all servers that it ever has. */
    public long connection() {
        return connection;
    }

    public long unique() {
        return wireUnique() & ~RESENT;
    }

    public boolean resent() {
        return (wireUnique() & RESENT) != 0;
    }

    public long node() {
        return longAt(RequestLayout.NODE);
    }

    /** The caller's user, or -1 where an idmapped mount has none to tell. */
    public int uid() {
        return intAt(RequestLayout.UID);
    }

    public int gid() {
        return intAt(RequestLayout.GID);
    }

    public int pid() {
        return intAt(RequestLayout.PID);
    }

    /** What a reply must repeat, with the mark of a resent request. */
    long wireUnique() {
        return bytes.get(JAVA_LONG, RequestLayout.UNIQUE);
    }

    int opcode() {
        return bytes.get(JAVA_INT, RequestLayout.OPCODE);
    }

    int length() {
        return length;
    }

    int intAt(int offset) {
        require(offset + 4);
        return bytes.get(JAVA_INT, offset);
    }

    long longAt(int offset) {
        require(offset + 8);
        return bytes.get(JAVA_LONG, offset);
    }

    /** The bytes from {@code offset} to the next zero byte. */
    byte[] nameAt(int offset) {
        require(offset + 1);
        int end = offset;
        while (bytes.get(JAVA_BYTE, end) != 0) {
            end++;
            require(end + 1);
        }
        byte[] name = new byte[end - offset];
        MemorySegment.copy(bytes, JAVA_BYTE, offset, name, 0, name.length);
        return name;
    }

    MemorySegment dataAt(int offset, int count) {
        if (count < 0) {
            throw new IllegalArgumentException("request of negative size " + count);
        }
        require(Math.addExact(offset, count));
        return bytes.asSlice(offset, count);
    }

    private void require(int end) {
        if (end > length) {
            throw new IllegalArgumentException("request of opcode " + opcode() + ": expected at least " + end
                    + " bytes, found " + length + "; the kernel speaks another version of the protocol");
        }
    }
}
