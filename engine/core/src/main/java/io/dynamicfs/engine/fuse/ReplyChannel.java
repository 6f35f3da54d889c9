package io.dynamicfs.engine.fuse;

/** Takes whole replies at native addresses; any thread may call it. */
interface ReplyChannel {
    void send(long address, long bytes);

    /** Has the kernel ask for the attributes of an inode anew; while a request of that inode waits for its reply. */
    void attributesChanged(long inode);

    /** Keeps the channel usable for one later reply; false when it has ended. */
    boolean retain();

    void release();
}
