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
 * A listener's admission: closes connections over the edge's caps as soon as they are accepted, before anything is
 * allocated for them. A few at a time are sent the reason; more would take the descriptors that the caps protect.
 */
final class EdgeConnectionGate extends ChannelInboundHandlerAdapter {
    /** Marks a connection that is over the cap and is being sent the reason. */
    private static final AttributeKey<Boolean> REFUSED = AttributeKey.valueOf("org.allod.edge.refused");

    /** Maximum connections that are sent the reason at once, over all ports. */
    private static final int MOST_TOLD = 64;

    private final ConnectionCaps caps;
    private final AtomicInteger told;
    private final boolean tells;

    /**
     * @param told how many are being sent the reason now; shared by all listeners
     * @param tells whether this port speaks HTTP in clear text, so that a response costs next to nothing
     */
    EdgeConnectionGate(ConnectionCaps caps, AtomicInteger told, boolean tells) {
        this.caps = caps;
        this.told = told;
        this.tells = tells;
    }

    /** Whether this connection is refused and is to be sent the reason. */
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
            // A reset, so that the kernel keeps no state for it either.
            child.config().setOption(ChannelOption.SO_LINGER, 0);
            child.unsafe().closeForcibly();
        }
    }
}
