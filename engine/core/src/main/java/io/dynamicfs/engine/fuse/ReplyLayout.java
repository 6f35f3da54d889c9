package io.dynamicfs.engine.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * The bytes of replies. Every encoder writes all bytes of its structure (the buffer holds an older reply) and returns how
 * many they are.
 *
 * <pre>
 *  0 length u32 | error i32 (0 or a negative errno) | unique u64
 * 16 body of the operation
 * </pre>
 */
final class ReplyLayout {
    static final int HEADER_BYTES = 16;
    static final int BODY = HEADER_BYTES;
    static final int ATTRIBUTE_BYTES = 88;
    static final int ENTRY_BYTES = 40 + ATTRIBUTE_BYTES;
    static final int OPEN_BYTES = 16;
    static final int INIT_BYTES = 64;
    static final int POSITION_BYTES = 8;

    private static final int BLOCK_SIZE_HINT = 4096;
    private static final int STATFS_BYTES = 80;
    private static final int STATX_HEADER_BYTES = 32;
    private static final int STATX_BYTES = 256;
    private static final int STATX_BASIC_AND_BIRTH = 0xfff;

    private ReplyLayout() {}

    static void header(MemorySegment reply, int length, int error, long unique) {
        reply.set(JAVA_INT, 0, length);
        reply.set(JAVA_INT, 4, error);
        reply.set(JAVA_LONG, 8, unique);
    }

    /** A name and what it leads to; both stay valid in the kernel's caches for {@code validSeconds}. */
    static int entry(MemorySegment reply, long offset, NodeAttributes node, long validSeconds) {
        return entry(reply, offset, node.node(), node, validSeconds);
    }

    /** An entry that the kernel does not turn into a node and holds no reference for: "." and ".." of a listing. */
    static int entryWithoutNode(MemorySegment reply, long offset, NodeAttributes node) {
        return entry(reply, offset, 0, node, 0);
    }

    /** The answer that a name does not exist, remembered for {@code validSeconds}. */
    static int noEntry(MemorySegment reply, long offset, long validSeconds) {
        reply.asSlice(offset, ENTRY_BYTES).fill((byte) 0);
        reply.set(JAVA_LONG, offset + 16, validSeconds);
        return ENTRY_BYTES;
    }

    static int attributes(MemorySegment reply, long offset, NodeAttributes node, long validSeconds) {
        reply.set(JAVA_LONG, offset, validSeconds);
        reply.set(JAVA_LONG, offset + 8, 0L);
        return 16 + attributeFields(reply, offset + 16, node);
    }

    static int open(MemorySegment reply, long offset, int openFlags) {
        reply.set(JAVA_LONG, offset, 0L);
        reply.set(JAVA_INT, offset + 8, openFlags);
        reply.set(JAVA_INT, offset + 12, 0);
        return OPEN_BYTES;
    }

    /** How much a WRITE has written, or how long the value of an extended attribute is. */
    static int size(MemorySegment reply, long offset, int bytes) {
        reply.set(JAVA_INT, offset, bytes);
        reply.set(JAVA_INT, offset + 4, 0);
        return 8;
    }

    /** Where an LSEEK has found what it looked for. */
    static int position(MemorySegment reply, long offset, long position) {
        reply.set(JAVA_LONG, offset, position);
        return POSITION_BYTES;
    }

    static int statistics(MemorySegment reply, long offset, FuseStatistics statistics) {
        reply.asSlice(offset, STATFS_BYTES).fill((byte) 0);
        reply.set(JAVA_LONG, offset, statistics.blocks());
        reply.set(JAVA_LONG, offset + 8, statistics.freeBlocks());
        reply.set(JAVA_LONG, offset + 16, statistics.freeBlocks());
        reply.set(JAVA_LONG, offset + 24, statistics.nodes());
        reply.set(JAVA_LONG, offset + 32, statistics.freeNodes());
        reply.set(JAVA_INT, offset + 40, statistics.blockBytes());
        reply.set(JAVA_INT, offset + 44, statistics.nameBytesMax());
        reply.set(JAVA_INT, offset + 48, statistics.blockBytes());
        return STATFS_BYTES;
    }

    /** GETATTR with the time of birth. */
    static int statx(MemorySegment reply, long offset, NodeAttributes node, long validSeconds) {
        reply.asSlice(offset, STATX_HEADER_BYTES + STATX_BYTES).fill((byte) 0);
        reply.set(JAVA_LONG, offset, validSeconds);
        long stat = offset + STATX_HEADER_BYTES;
        reply.set(JAVA_INT, stat, STATX_BASIC_AND_BIRTH);
        reply.set(JAVA_INT, stat + 4, BLOCK_SIZE_HINT);
        reply.set(JAVA_INT, stat + 16, node.links());
        reply.set(JAVA_INT, stat + 20, node.uid());
        reply.set(JAVA_INT, stat + 24, node.gid());
        reply.set(JAVA_SHORT, stat + 28, (short) node.mode());
        reply.set(JAVA_LONG, stat + 32, node.node());
        reply.set(JAVA_LONG, stat + 40, node.size());
        reply.set(JAVA_LONG, stat + 48, node.blocks());
        statxTime(reply, stat + 64, node.accessed());
        statxTime(reply, stat + 80, node.born());
        statxTime(reply, stat + 96, node.changed());
        statxTime(reply, stat + 112, node.modified());
        reply.set(JAVA_INT, stat + 128, (node.rdev() & 0xfff00) >>> 8);
        reply.set(JAVA_INT, stat + 132, (node.rdev() & 0xff) | ((node.rdev() >>> 12) & 0xfff00));
        return STATX_HEADER_BYTES + STATX_BYTES;
    }

    static int init(MemorySegment reply, long offset, Negotiated answer) {
        reply.asSlice(offset, INIT_BYTES).fill((byte) 0);
        reply.set(JAVA_INT, offset, Negotiated.MAJOR);
        reply.set(JAVA_INT, offset + 4, answer.minor());
        reply.set(JAVA_INT, offset + 8, answer.readAheadBytes());
        reply.set(JAVA_INT, offset + 12, (int) answer.features());
        reply.set(JAVA_SHORT, offset + 16, (short) Negotiated.BACKGROUND_MAX);
        reply.set(JAVA_SHORT, offset + 18, (short) Negotiated.CONGESTION_THRESHOLD);
        reply.set(JAVA_INT, offset + 20, Negotiated.DATA_BYTES_MAX);
        reply.set(JAVA_INT, offset + 24, Negotiated.TIME_GRANULARITY_NANOS);
        reply.set(JAVA_SHORT, offset + 28, (short) answer.pagesMax());
        reply.set(JAVA_INT, offset + 32, (int) (answer.features() >>> 32));
        return INIT_BYTES;
    }

    private static int entry(MemorySegment reply, long offset, long nodeId, NodeAttributes node, long validSeconds) {
        reply.set(JAVA_LONG, offset, nodeId);
        reply.set(JAVA_LONG, offset + 8, 0L);
        reply.set(JAVA_LONG, offset + 16, validSeconds);
        reply.set(JAVA_LONG, offset + 24, validSeconds);
        reply.set(JAVA_LONG, offset + 32, 0L);
        return 40 + attributeFields(reply, offset + 40, node);
    }

    private static int attributeFields(MemorySegment reply, long offset, NodeAttributes node) {
        reply.set(JAVA_LONG, offset, node.node());
        reply.set(JAVA_LONG, offset + 8, node.size());
        reply.set(JAVA_LONG, offset + 16, node.blocks());
        reply.set(JAVA_LONG, offset + 24, node.accessed().seconds());
        reply.set(JAVA_LONG, offset + 32, node.modified().seconds());
        reply.set(JAVA_LONG, offset + 40, node.changed().seconds());
        reply.set(JAVA_INT, offset + 48, node.accessed().nanos());
        reply.set(JAVA_INT, offset + 52, node.modified().nanos());
        reply.set(JAVA_INT, offset + 56, node.changed().nanos());
        reply.set(JAVA_INT, offset + 60, node.mode());
        reply.set(JAVA_INT, offset + 64, node.links());
        reply.set(JAVA_INT, offset + 68, node.uid());
        reply.set(JAVA_INT, offset + 72, node.gid());
        reply.set(JAVA_INT, offset + 76, node.rdev());
        reply.set(JAVA_INT, offset + 80, BLOCK_SIZE_HINT);
        reply.set(JAVA_INT, offset + 84, 0);
        return ATTRIBUTE_BYTES;
    }

    private static void statxTime(MemorySegment reply, long offset, FuseTime time) {
        reply.set(JAVA_LONG, offset, time.seconds());
        reply.set(JAVA_INT, offset + 8, time.nanos());
    }
}
