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
 * A listener's admission: closes connections over the edge's caps as soon as they are accepted, before anything is
 * allocated for them. A few at a time are sent the reason; more would take the descriptors that the caps protect.
 * If the edge is full, an idle client gives way first: a crowd that only holds connections keeps nobody out.
 */
final class EdgeConnectionGate extends ChannelInboundHandlerAdapter {
    /** Marks a connection that is over the cap and is being sent the reason. */
    private static final AttributeKey<Boolean> REFUSED = AttributeKey.valueOf("org.allod.edge.refused");

    /** Maximum connections that are sent the reason at once, over all ports. */
    private static final int MOST_TOLD = 64;

    private final ConnectionCaps caps;
    private final AtomicInteger told;
    private final boolean tells;
    private final List<EdgeLoop> loops;
    /** Which loop is asked for room first; another for each connection. */
    private int turn;

    /**
     * @param told how many are being sent the reason now; shared by all listeners
     * @param tells whether this port speaks HTTP in clear text, so that a response costs next to nothing
     * @param loops whose idle clients give way once the overall cap is reached
     */
    EdgeConnectionGate(ConnectionCaps caps, AtomicInteger told, boolean tells, List<EdgeLoop> loops) {
        this.loops = loops;
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
            // A reset, so that the kernel keeps no state for it either.
            child.config().setOption(ChannelOption.SO_LINGER, 0);
            child.unsafe().closeForcibly();
        }
    }
}
