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

/** In front of a listener: closes what is over its caps as soon as it is accepted, before anything is made for it. */
@ChannelHandler.Sharable
final class ApiConnectionGate extends ChannelInboundHandlerAdapter {
    private final ConnectionCaps caps;
    private final BooleanSupplier makeRoom;

    /** @param makeRoom makes room by closing a connection that only waits, and says whether there was one */
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
            // Reset, so that the kernel keeps nothing of it either.
            child.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        child.unsafe().closeForcibly();
    }
}
