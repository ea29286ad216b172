package org.allod.edge;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;

/** The socket implementation: Linux epoll if its library loads, else the JDK's NIO. */
record Transport(
        IoHandlerFactory handler, Class<? extends ServerSocketChannel> server, Class<? extends SocketChannel> client) {
    static Transport pick(boolean nativeOne) {
        if (nativeOne && Epoll.isAvailable()) {
            return new Transport(EpollIoHandler.newFactory(), EpollServerSocketChannel.class, EpollSocketChannel.class);
        }
        return new Transport(NioIoHandler.newFactory(), NioServerSocketChannel.class, NioSocketChannel.class);
    }

    MultiThreadIoEventLoopGroup group(int threads) {
        // Netty's own thread class: its buffer pools rely on its thread-locals.
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory("edge", true), handler);
    }
}
