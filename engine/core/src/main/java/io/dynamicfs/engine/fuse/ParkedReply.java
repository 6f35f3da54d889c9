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
        answer(0);
    }

    public void fail(Errno errno) {
        answer(-errno.number());
    }

    private void answer(int error) {
        if (!answered.compareAndSet(false, true) || !connected) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment reply = arena.allocate(ReplyLayout.HEADER_BYTES, 8);
            ReplyLayout.header(reply, ReplyLayout.HEADER_BYTES, error, wireUnique);
            channel.send(reply.address(), ReplyLayout.HEADER_BYTES);
        } finally {
            channel.release();
        }
    }
}
