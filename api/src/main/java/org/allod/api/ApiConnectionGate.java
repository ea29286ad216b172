package org.allod.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.function.BooleanSupplier;
import org.allod.base.ConnectionCaps;

/**
 * A listener's admission: closes connections over its caps as soon as they are accepted, before anything is allocated
 * for them.
 */
@ChannelHandler.Sharable
final class ApiConnectionGate extends ChannelInboundHandlerAdapter {
    private final ConnectionCaps caps;
    private final BooleanSupplier makeRoom;

    /** @param makeRoom closes one idle connection to make room; returns whether there was one */
    ApiConnectionGate(ConnectionCaps caps, BooleanSupplier makeRoom) {
        this.caps = caps;
        this.makeRoom = makeRoom;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel child = (Channel) accepted;
        // A Unix socket has no addresses: all its clients count as one.
        InetAddress address = child.remoteAddress() instanceof InetSocketAddress remote
                ? remote.getAddress()
                : InetAddress.getLoopbackAddress();
        ConnectionCaps.Verdict verdict = caps.enter(address);
        if (verdict == ConnectionCaps.Verdict.TOO_MANY && makeRoom.getAsBoolean()) {
            verdict = caps.enter(address);
        }
        if (verdict == ConnectionCaps.Verdict.ADMITTED) {
            child.closeFuture().addListener(closed -> caps.leave(address));
            context.fireChannelRead(child);
            return;
        }
        if (child.remoteAddress() instanceof InetSocketAddress) {
            // A reset, so that the kernel keeps no state for it either.
            child.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        child.unsafe().closeForcibly();
    }
}
