package io.dynamicfs.engine.fuse;

/** Takes whole replies at native addresses; any thread may call it. */
interface ReplyChannel {
    void send(long address, long bytes);

    /** Has the kernel send what it has cached of an inode's content, then runs {@code then} on another thread. */
    void writeBack(long inode, Runnable then);

    /** Has the kernel ask for the attributes of an inode anew; while a request of that inode waits for its reply. */
    void attributesChanged(long inode);

    /** Keeps the channel usable for one later reply; false when it has ended. */
    boolean retain();

    void release();
}
