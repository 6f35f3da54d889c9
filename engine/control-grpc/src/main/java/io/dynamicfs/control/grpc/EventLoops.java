package io.dynamicfs.control.grpc;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import java.util.concurrent.TimeUnit;

/** The thread under a server or a client on a unix socket. */
final class EventLoops {
    private static final int STOP_SECONDS = 1;

    private EventLoops() {}

    static EventLoopGroup single() {
        return new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    }

    /** Stops the thread; one that does not end in time is a daemon and ends with the process. */
    static void stop(EventLoopGroup loops) {
        boolean ignored = loops.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(STOP_SECONDS, TimeUnit.SECONDS);
    }
}
