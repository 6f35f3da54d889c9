package io.dynamicfs.engine.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * The entries of one READDIR or READDIRPLUS, written straight into the reply.
 *
 * <pre>
 * READDIRPLUS only: entry and attributes (128 bytes)
 * inode u64 | cookie of the next entry u64 | name length u32 | type u32 | name | zeros up to a multiple of 8
 * </pre>
 */
public final class DirectoryListing {
    private static final int RECORD_BYTES = 24;
    private static final int TYPE_SHIFT = 12;
    private static final int TYPE_MASK = 0xf;

    private final MemorySegment reply;
    private final long start;
    private final long end;
    private final boolean withNodes;
    private final long validSeconds;
    private long next;

    DirectoryListing(MemorySegment reply, long start, int bytesMax, boolean withNodes, long validSeconds) {
        this.reply = reply;
        this.start = start;
        this.end = Math.min(start + bytesMax, reply.byteSize());
        this.withNodes = withNodes;
        this.validSeconds = validSeconds;
        this.next = start;
    }

    /** Whether the kernel takes a reference of every entry but "." and "..". */
    public boolean withNodes() {
        return withNodes;
    }

    /** False when the entry does not fit any more; it is then not in the listing. */
    public boolean add(byte[] name, NodeAttributes node, long nextCookie) {
        int padded = (RECORD_BYTES + name.length + 7) & -8;
        if (next + padded + (withNodes ? ReplyLayout.ENTRY_BYTES : 0) > end) {
            return false;
        }
        if (withNodes) {
            next += isDotOrDotDot(name)
                    ? ReplyLayout.entryWithoutNode(reply, next, node)
                    : ReplyLayout.entry(reply, next, node, validSeconds);
        }
        reply.set(JAVA_LONG, next, node.node());
        reply.set(JAVA_LONG, next + 8, nextCookie);
        reply.set(JAVA_INT, next + 16, name.length);
        reply.set(JAVA_INT, next + 20, (node.mode() >>> TYPE_SHIFT) & TYPE_MASK);
        MemorySegment.copy(name, 0, reply, JAVA_BYTE, next + RECORD_BYTES, name.length);
        reply.asSlice(next + RECORD_BYTES + name.length, padded - RECORD_BYTES - name.length)
                .fill((byte) 0);
        next += padded;
        return true;
    }

    /** Whether the kernel takes no reference for this name. */
    public static boolean isDotOrDotDot(byte[] name) {
        return name.length <= 2 && name.length > 0 && name[0] == '.' && name[name.length - 1] == '.';
    }

    int bytes() {
        return (int) (next - start);
    }
}
