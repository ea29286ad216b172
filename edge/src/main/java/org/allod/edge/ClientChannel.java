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
 * A client's connection, whatever it speaks: its place among those of its loop, how long it may be still, whether it is
 * read from, and whose load it is part of. What becomes of its bytes is the business of the kinds of connection.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells of failures by channelInactive and exceptionCaught.
abstract class ClientChannel extends ChannelInboundHandlerAdapter {
    static final long NEVER = Long.MAX_VALUE;

    final EdgeLoop loop;
    final ListenerSpec listener;
    /** In the loop's list of clients. */
    int place;

    private @Nullable ChannelHandlerContext ctx;
    private long deadline = NEVER;
    private boolean reading = true;
    private boolean closed;

    /** The machine this connection counts for, where machines count connections. */
    private @Nullable BackendState pinned;

    ClientChannel(EdgeLoop loop, ListenerSpec listener) {
        this.loop = loop;
        this.listener = listener;
    }

    /**
     * It is there.
     *
     * @param room whether the edge has room for it
     */
    abstract void opened(boolean room);

    /** Its deadline has passed. */
    abstract void expired();

    /** The edge goes down: closes where nothing is under way, or in any case. */
    abstract void edgeCloses(boolean now);

    /** Whether nothing is under way on it. */
    abstract boolean idle();

    /** Whether nothing is under way on it and its place may be another's. */
    boolean givesWay() {
        return false;
    }

    /** Since when it has waited for a request, where it {@link #givesWay}. */
    long waitsSince() {
        return 0;
    }

    /** It is closed: lets go of everything. Comes once. */
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

    /** Looks at the time. */
    final void tick(long now) {
        if (deadline != NEVER && now - deadline >= 0) {
            deadline = NEVER;
            expired();
        }
    }

    public final void deadline(long at) {
        deadline = at;
    }

    /** Something has moved: counts from now on. */
    final void within(Duration time) {
        deadline = loop.now() + time.toNanos();
    }

    /** Stops or goes on reading. */
    final void read(boolean on) {
        if (reading != on) {
            reading = on;
            context().channel().config().setAutoRead(on);
        }
    }

    /** Says that no more comes, once what was written is out; goes on reading. Not for TLS, which says it itself. */
    final void endOutput() {
        context()
                .writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(done -> ((DuplexChannel) context().channel()).shutdownOutput());
    }

    /** Closes once what was written is out. */
    final void closeAfterWrites() {
        context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** Both in one buffer with room for {@code more}; takes them over. */
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

    /** Counts this connection as load of the machine, until it closes or goes elsewhere. */
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
