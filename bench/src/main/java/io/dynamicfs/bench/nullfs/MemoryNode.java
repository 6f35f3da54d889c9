package io.dynamicfs.bench.nullfs;

import io.dynamicfs.engine.fuse.FuseTime;
import io.dynamicfs.engine.fuse.NodeAttributes;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** One inode: attributes, and the entries of a directory or the content of a file. */
final class MemoryNode {
    private static final int HOLE = -1;
    private static final int SECTORS_PER_BLOCK = Blocks.BYTES / 512;

    /** A name with where a listing goes on behind it. */
    record Entry(byte[] name, MemoryNode node, long cookie) {}

    final long number;
    final int type;
    final int rdev;
    final byte[] target;

    /** Of a directory: by name, and in the order in which they were made. */
    final Map<ByteBuffer, Entry> entries = new ConcurrentHashMap<>();

    final ConcurrentSkipListMap<Long, Entry> listing = new ConcurrentSkipListMap<>();
    final Map<ByteBuffer, byte[]> attributes = new ConcurrentHashMap<>();

    private final Blocks blocks;
    private int[] content = {};
    private int contentBlocks;
    private long size;
    int permissions;
    int uid;
    int gid;
    int links;
    long lookups;
    volatile MemoryNode parent = this;
    private FuseTime accessed;
    private FuseTime modified;
    private FuseTime changed;
    private final FuseTime born;

    MemoryNode(Blocks blocks, long number, int mode, int rdev, byte[] target, int uid, int gid, FuseTime now) {
        this.blocks = blocks;
        this.number = number;
        this.type = mode & ~07777;
        this.permissions = mode & 07777;
        this.rdev = rdev;
        this.target = target;
        this.uid = uid;
        this.gid = gid;
        this.accessed = now;
        this.modified = now;
        this.changed = now;
        this.born = now;
    }

    synchronized NodeAttributes attributes() {
        return new NodeAttributes(
                number,
                type | permissions,
                links,
                uid,
                gid,
                rdev,
                target.length > 0 ? target.length : size,
                (long) contentBlocks * SECTORS_PER_BLOCK,
                accessed,
                modified,
                changed,
                born);
    }

    synchronized void times(FuseTime newAccessed, FuseTime newModified) {
        accessed = newAccessed;
        modified = newModified;
    }

    synchronized FuseTime accessed() {
        return accessed;
    }

    synchronized FuseTime modified() {
        return modified;
    }

    synchronized void touched(FuseTime now) {
        changed = now;
    }

    synchronized void written(FuseTime now) {
        modified = now;
        changed = now;
    }

    synchronized int read(long offset, MemorySegment to) {
        int count = (int) Math.clamp(size - offset, 0, to.byteSize());
        for (int done = 0; done < count; ) {
            long at = offset + done;
            int within = (int) (at % Blocks.BYTES);
            int part = Math.min(count - done, Blocks.BYTES - within);
            int index = (int) (at / Blocks.BYTES);
            if (index < content.length && content[index] != HOLE) {
                MemorySegment.copy(blocks.at(content[index]), within, to, done, part);
            } else {
                to.asSlice(done, part).fill((byte) 0);
            }
            done += part;
        }
        return count;
    }

    synchronized void write(long offset, MemorySegment from) throws Refusal {
        long count = from.byteSize();
        for (long done = 0; done < count; ) {
            long at = offset + done;
            int within = (int) (at % Blocks.BYTES);
            long part = Math.min(count - done, Blocks.BYTES - within);
            MemorySegment.copy(from, done, blocks.at(block(at / Blocks.BYTES)), within, part);
            done += part;
        }
        size = Math.max(size, offset + count);
    }

    private int block(long index) throws Refusal {
        if (index >= content.length) {
            if (index >= Integer.MAX_VALUE / 2) {
                throw new Refusal(Errno.EFBIG);
            }
            int before = content.length;
            content = Arrays.copyOf(content, (int) Math.max(index + 1, before * 2L));
            Arrays.fill(content, before, content.length, HOLE);
        }
        if (content[(int) index] == HOLE) {
            int taken = blocks.take();
            if (taken < 0) {
                throw new Refusal(Errno.ENOSPC);
            }
            content[(int) index] = taken;
            contentBlocks++;
        }
        return content[(int) index];
    }

    synchronized void resize(long newSize) {
        int keep = (int) Math.min((newSize + Blocks.BYTES - 1) / Blocks.BYTES, content.length);
        for (int i = keep; i < content.length; i++) {
            if (content[i] != HOLE) {
                blocks.give(content[i]);
                contentBlocks--;
            }
        }
        content = Arrays.copyOf(content, keep);
        int within = (int) (newSize % Blocks.BYTES);
        if (newSize < size && within > 0 && newSize / Blocks.BYTES < keep && content[keep - 1] != HOLE) {
            blocks.at(content[keep - 1]).asSlice(within).fill((byte) 0);
        }
        size = newSize;
    }
}
