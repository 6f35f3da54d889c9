package io.dynamicfs.engine.fuse;

/** Takes whole replies at native addresses; any thread may call it. */
interface ReplyChannel {
    void send(long address, long bytes);

    /** Keeps the channel usable for one later reply; false when it has ended. */
    boolean retain();

    void release();
}
