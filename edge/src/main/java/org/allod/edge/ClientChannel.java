package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection of either protocol: its index in the loop's list, its deadline, whether it is read, and the
 * machine whose load it counts for. Subclasses handle its bytes.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells of failures by channelInactive and exceptionCaught.
abstract class ClientChannel extends ChannelInboundHandlerAdapter {
    static final long NEVER = Long.MAX_VALUE;

    final EdgeLoop loop;
    final ListenerSpec listener;
    /** Index in the loop's list of clients. */
    int place;

    private @Nullable ChannelHandlerContext ctx;
    private long deadline = NEVER;
    private boolean reading = true;
    private boolean closed;

    /** The machine this connection counts for, if that machine counts connections. */
    private @Nullable BackendState pinned;

    ClientChannel(EdgeLoop loop, ListenerSpec listener) {
        this.loop = loop;
        this.listener = listener;
    }

    /**
     * The connection was accepted.
     *
     * @param room false if the edge is at its connection limit
     */
    abstract void opened(boolean room);

    /** Its deadline has passed. */
    abstract void expired();

    /** The edge is closing: closes the connection if it is idle, or, with {@code now}, in any case. */
    abstract void edgeCloses(boolean now);

    /** Whether no request is in flight on it. */
    abstract boolean idle();

    /** Whether nothing is under way on it and its place may be another's. */
    boolean givesWay() {
        return false;
    }

    /** Since when it has waited for a request, where it {@link #givesWay}. */
    long waitsSince() {
        return 0;
    }

    /** The connection closed: releases everything. Called once. */
    abstract void gone();

    @Override
    public final void channelActive(ChannelHandlerContext context) {
        ctx = context;
        EdgeCounters counters = loop.context.metrics();
        counters.connections.increment();
        loop.add(this);
        counters.open.incrementAndGet();
        opened(!EdgeConnectionGate.refused(context.channel()));
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        if (closed) {
            return;
        }
        closed = true;
        deadline = NEVER;
        loop.remove(this);
        loop.context.metrics().open.decrementAndGet();
        gone();
        unpin();
    }

    final ChannelHandlerContext context() {
        return Objects.requireNonNull(ctx);
    }

    final boolean closed() {
        return closed;
    }

    /** Checks the deadline. */
    final void tick(long now) {
        if (deadline != NEVER && now - deadline >= 0) {
            deadline = NEVER;
            expired();
        }
    }

    public final void deadline(long at) {
        deadline = at;
    }

    /** Restarts the deadline: it expires {@code time} from now. */
    final void within(Duration time) {
        deadline = loop.now() + time.toNanos();
    }

    /** Pauses or resumes reading. */
    final void read(boolean on) {
        if (reading != on) {
            reading = on;
            context().channel().config().setAutoRead(on);
        }
    }

    /**
     * Half-closes the connection once pending writes are out, and continues to read. Not for TLS, which sends its own
     * close notification.
     */
    final void endOutput() {
        context()
                .writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(done -> ((DuplexChannel) context().channel()).shutdownOutput());
    }

    /** Closes the connection once pending writes are out. */
    final void closeAfterWrites() {
        context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** Joins both buffers in one with room for {@code more} bytes; takes ownership of both. */
    static ByteBuf joined(ByteBufAllocator allocator, ByteBuf before, ByteBuf in, int more) {
        ByteBuf both = allocator.directBuffer(before.readableBytes() + in.readableBytes() + more);
        both.writeBytes(before).writeBytes(in);
        before.release();
        in.release();
        return both;
    }

    @Nullable
    BackendState pinned() {
        return pinned;
    }

    /** Counts this connection as load of the machine until it closes or is pinned elsewhere. */
    boolean pin(BackendState backendState, Service service) {
        if (pinned == backendState) {
            return true;
        }
        unpin();
        if (!backendState.acquire(service)) {
            return false;
        }
        pinned = backendState;
        return true;
    }

    void unpin() {
        BackendState backendState = pinned;
        if (backendState != null) {
            pinned = null;
            backendState.release(loop.now());
            loop.context.nudgeAll();
        }
    }

    void unpinIdle(BackendState backendState) {
        if (pinned == backendState && idle()) {
            unpin();
        }
    }
}
