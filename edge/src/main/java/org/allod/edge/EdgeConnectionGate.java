package org.allod.edge;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.util.AttributeKey;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.ConnectionCaps;

/**
 * In front of a listener: closes what is over the edge's caps as soon as it is accepted, before anything is made for it.
 * A few of these are told why, at a time; more would take the descriptors that the caps are there to keep.
 */
final class EdgeConnectionGate extends ChannelInboundHandlerAdapter {
    /** Says of a connection that it is one too many, and there to be told so. */
    private static final AttributeKey<Boolean> REFUSED = AttributeKey.valueOf("org.allod.edge.refused");

    /** Connections that are told at once, on all ports together. */
    private static final int MOST_TOLD = 64;

    private final ConnectionCaps caps;
    private final AtomicInteger told;
    private final boolean tells;

    /**
     * @param told how many are being told now, shared by all listeners
     * @param tells whether HTTP is spoken here in clear, so that a word costs next to nothing
     */
    EdgeConnectionGate(ConnectionCaps caps, AtomicInteger told, boolean tells) {
        this.caps = caps;
        this.told = told;
        this.tells = tells;
    }

    /** Whether this connection is to be told that there are too many. */
    static boolean refused(Channel channel) {
        return channel.hasAttr(REFUSED);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel child = (Channel) accepted;
        InetAddress address = ((InetSocketAddress) child.remoteAddress()).getAddress();
        if (caps.enter(address) == ConnectionCaps.Verdict.ADMITTED) {
            child.closeFuture().addListener(closed -> caps.leave(address));
            context.fireChannelRead(child);
        } else if (tells && told.incrementAndGet() <= MOST_TOLD) {
            child.closeFuture().addListener(closed -> told.decrementAndGet());
            child.attr(REFUSED).set(true);
            context.fireChannelRead(child);
        } else {
            if (tells) {
                told.decrementAndGet();
            }
            // Reset, so that the kernel keeps nothing of it either.
            child.config().setOption(ChannelOption.SO_LINGER, 0);
            child.unsafe().closeForcibly();
        }
    }
}
