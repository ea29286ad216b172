package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.util.Objects;
import org.allod.base.FatalErrors;
import org.jspecify.annotations.Nullable;

/** One connection to a machine: idle in its pool, or in use by one exchange or raw connection. Belongs to one loop. */
@SuppressWarnings("FutureReturnValueIgnored") // Netty reports failures through channelInactive and exceptionCaught
final class UpstreamConnection extends ChannelInboundHandlerAdapter {
    private final EdgeLoop loop;
    private final BackendState backendState;
    private @Nullable ChannelHandlerContext ctx;
    private @Nullable UpstreamListener exchange;
    /** The client whose writes are not flushed yet. */
    private @Nullable ClientConnection unflushed;

    private boolean reused;
    private boolean ended;
    private boolean reading = true;
    private long freeSince;

    UpstreamConnection(EdgeLoop loop, BackendState backendState) {
        this.loop = loop;
        this.backendState = backendState;
    }

    void begin(UpstreamListener work) {
        exchange = work;
    }

    /** Detaches from its exchange, which receives no further callback. */
    void end() {
        exchange = null;
    }

    /** Whether it carried a request before: then the machine may close it at any moment because it was idle. */
    boolean reused() {
        return reused;
    }

    long freeSince() {
        return freeSince;
    }

    /** Returns to the pool, or closes if it cannot be reused. */
    void toPool() {
        exchange = null;
        reused = true;
        freeSince = loop.now();
        read(true);
        if (ended
                || !context().channel().isActive()
                || backendState.draining()
                || loop.closing()
                || !backendState.pool(loop.index).put(this)) {
            close();
        } else {
            loop.trackPool(backendState);
        }
    }

    void write(ByteBuf buffer) {
        ChannelHandlerContext to = context();
        to.write(buffer, to.voidPromise());
    }

    void flush() {
        context().flush();
    }

    boolean writable() {
        return context().channel().isWritable();
    }

    /** Pauses or resumes reading from the machine (back-pressure). */
    void read(boolean on) {
        if (reading != on) {
            reading = on;
            context().channel().config().setAutoRead(on);
        }
    }

    void close() {
        exchange = null;
        context().close();
    }

    /** Half-closes the connection: the client will send no more. */
    void shutdownOutput() {
        ((DuplexChannel) context().channel()).shutdownOutput();
    }

    /** Forwards bytes to the client, flushed together at the end of the read; reads on as the client accepts them. */
    void toClient(ClientConnection client, ByteBuf buffer) {
        client.write(buffer);
        unflushed = client;
        if (!client.writable()) {
            read(false);
        }
    }

    private ChannelHandlerContext context() {
        return Objects.requireNonNull(ctx);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ctx = context;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        UpstreamListener work = exchange;
        if (work == null) {
            // An unsolicited response must not be taken for the response to the next request.
            in.release();
            context.close();
        } else {
            work.onUpstreamData(in);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        ClientConnection client = unflushed;
        if (client != null) {
            unflushed = null;
            client.flush();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        UpstreamListener work = exchange;
        if (work != null && context.channel().isWritable()) {
            work.onUpstreamWritable();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            ended = true;
            UpstreamListener work = exchange;
            if (work == null) {
                context.close();
            } else {
                work.onUpstreamEnd(this);
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        backendState.pool(loop.index).remove(this);
        UpstreamListener work = exchange;
        exchange = null;
        if (work != null) {
            work.onUpstreamLost(this);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        FatalErrors.check(cause);
        if (!(cause instanceof java.io.IOException)) {
            Edge.LOG.log(
                    System.Logger.Level.WARNING,
                    "connection to machine " + backendState.id + " closed after a bug",
                    cause);
        }
        context.close();
    }
}
