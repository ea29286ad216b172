package org.allod.edge;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.util.AttributeKey;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.ConnectionCaps;

/**
 * In front of a listener: closes what is over the edge's caps as soon as it is accepted, before anything is made for it.
 * A few of these are told why, at a time; more would take the descriptors that the caps are there to keep. Where the edge
 * is full, a client that has nothing under way gives way first: a crowd that only holds connections keeps nobody out.
 */
final class EdgeConnectionGate extends ChannelInboundHandlerAdapter {
    /** Says of a connection that it is one too many, and there to be told so. */
    private static final AttributeKey<Boolean> REFUSED = AttributeKey.valueOf("org.allod.edge.refused");

    /** Connections that are told at once, on all ports together. */
    private static final int MOST_TOLD = 64;

    private final ConnectionCaps caps;
    private final AtomicInteger told;
    private final boolean tells;
    private final List<EdgeLoop> loops;
    /** Which loop is asked for room first; another for each connection. */
    private int turn;

    /**
     * @param told how many are being told now, shared by all listeners
     * @param tells whether HTTP is spoken here in clear, so that a word costs next to nothing
     * @param loops whose clients give way to new ones once there are as many as there may be
     */
    EdgeConnectionGate(ConnectionCaps caps, AtomicInteger told, boolean tells, List<EdgeLoop> loops) {
        this.loops = loops;
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
        turn++;
        admit(context, child, address, 0);
    }

    /** @param asked how many loops have been asked for room already */
    private void admit(ChannelHandlerContext context, Channel child, InetAddress address, int asked) {
        ConnectionCaps.Verdict verdict = caps.enter(address);
        if (verdict == ConnectionCaps.Verdict.ADMITTED) {
            child.closeFuture().addListener(closed -> caps.leave(address));
            context.fireChannelRead(child);
        } else if (verdict == ConnectionCaps.Verdict.TOO_MANY && askForRoom(context, child, address, asked)) {
            return; // It waits until somebody has given way, and is looked at again.
        } else {
            refuse(context, child);
        }
    }

    /**
     * At most one connection a loop waits for room, so a crowd is refused as fast as it comes; and each asks each loop
     * once at most.
     */
    private boolean askForRoom(ChannelHandlerContext context, Channel child, InetAddress address, int asked) {
        for (int i = asked; i < loops.size(); i++) {
            int next = i + 1;
            EdgeLoop loop = loops.get(Math.floorMod(turn + i, loops.size()));
            if (loop.makeRoom(() -> again(context, child, address, next))) {
                return true;
            }
        }
        return false;
    }

    private void again(ChannelHandlerContext context, Channel child, InetAddress address, int asked) {
        try {
            context.executor().execute(() -> admit(context, child, address, asked));
        } catch (RejectedExecutionException closing) {
            child.unsafe().closeForcibly();
        }
    }

    private void refuse(ChannelHandlerContext context, Channel child) {
        if (tells && told.incrementAndGet() <= MOST_TOLD) {
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
