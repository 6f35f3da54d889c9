package io.dynamicfs.engine.fuse;

import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** A request whose answer comes later and from any thread. Only the first answer counts. */
public final class ParkedReply {
    private final ReplyChannel channel;
    private final long wireUnique;
    private final boolean connected;
    private final AtomicBoolean answered = new AtomicBoolean();

    ParkedReply(ReplyChannel channel, long wireUnique) {
        this.channel = channel;
        this.wireUnique = wireUnique;
        this.connected = channel.retain();
    }

    public void succeed() {
        answer(0, ReplyLayout.HEADER_BYTES, 0);
    }

    /** The answer of an LSEEK. */
    public void succeed(long position) {
        answer(0, ReplyLayout.HEADER_BYTES + ReplyLayout.POSITION_BYTES, position);
    }

    public void fail(Errno errno) {
        answer(-errno.number(), ReplyLayout.HEADER_BYTES, 0);
    }

    /**
     * Has the kernel send the writes to an inode that are only in its cache, then runs {@code then}: what it finds in the volume
     * is what programs have written. Readers go on meanwhile, for they have to serve those writes.
     */
    public void afterWriteBack(long inode, Runnable then) {
        channel.writeBack(inode, then);
    }

    private void answer(int error, int length, long position) {
        if (!answered.compareAndSet(false, true) || !connected) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment reply = arena.allocate(ReplyLayout.HEADER_BYTES + ReplyLayout.POSITION_BYTES, 8);
            ReplyLayout.header(reply, length, error, wireUnique);
            ReplyLayout.position(reply, ReplyLayout.BODY, position);
            channel.send(reply.address(), length);
        } finally {
            channel.release();
        }
    }
}
