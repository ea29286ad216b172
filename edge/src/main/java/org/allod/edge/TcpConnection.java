package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.allod.base.FatalErrors;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection on a port that belongs to one app: bytes are forwarded both ways unparsed. It wakes a machine
 * as a request does; until one is up, nothing is read from the client, so that TCP flow control holds its bytes. If no
 * machine is available the connection is reset, the only error that works for an unknown protocol. Belongs to one loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells of failures by channelInactive and exceptionCaught.
final class TcpConnection extends ClientChannel implements UpstreamRequester, UpstreamListener {
    private @Nullable UpstreamAcquisition acquisition;
    private @Nullable UpstreamConnection upstream;
    private boolean clientEnded;
    private boolean machineEnded;

    TcpConnection(EdgeLoop loop, ListenerSpec listener) {
        super(loop, listener);
    }

    @Override
    void opened(boolean room) {
        if (!room) {
            loop.context.metrics().countRefusal(Problem.TOO_MANY_CONNECTIONS);
            reset();
            return;
        }
        if (listener.tls()) {
            // With TLS the machine is not contacted before the handshake is done: it may speak first, and its bytes
            // must be encrypted.
            within(loop.context.config().times().head());
        } else {
            seek();
        }
    }

    private void seek() {
        read(false);
        UpstreamAcquisition finding = new UpstreamAcquisition(this, listener.raw());
        acquisition = finding;
        finding.start();
    }

    // While it waits for a machine.

    @Override
    public ClientChannel client() {
        return this;
    }

    @Override
    public @Nullable AppRoute route() {
        return loop.context.routes().byApp().get(listener.raw());
    }

    @Override
    public void pause() {
        read(false);
    }

    @Override
    public int heldBytes() {
        return 0;
    }

    @Override
    public void onAcquired(UpstreamConnection to) {
        if (to.reused()) {
            // The pooled connection has carried HTTP for another port of the edge; a raw stream needs a new one.
            to.close();
            Objects.requireNonNull(acquisition).again();
            return;
        }
        upstream = to;
        to.begin(this);
        int version = options().proxyProtocol();
        if (version > 0) {
            InetSocketAddress client = (InetSocketAddress) context().channel().remoteAddress();
            InetSocketAddress here = (InetSocketAddress) context().channel().localAddress();
            to.write(Unpooled.wrappedBuffer(ProxyHeader.of(version, client, here)));
            to.flush();
        }
        progress();
        read(true);
    }

    private HttpOptions options() {
        AppRoute route = route();
        return route == null ? HttpOptions.USUAL : route.app().http();
    }

    @Override
    public void fail(ErrorResponse answer) {
        loop.context.metrics().countRefusal(answer.problem());
        Edge.LOG.log(
                System.Logger.Level.DEBUG, "a connection to port " + listener.port() + " was reset: " + answer.why());
        reset();
    }

    // Data.

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        loop.context.metrics().bytesIn.add(in.readableBytes());
        UpstreamConnection to = upstream;
        if (to == null) {
            in.release();
            return;
        }
        progress();
        to.write(in);
        if (!to.writable()) {
            read(false);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        UpstreamConnection to = upstream;
        if (to != null) {
            to.flush();
        }
    }

    @Override
    public void onUpstreamData(ByteBuf in) {
        progress();
        loop.context.metrics().bytesOut.add(in.readableBytes());
        ChannelHandlerContext to = context();
        to.writeAndFlush(in, to.voidPromise());
        UpstreamConnection from = upstream;
        if (from != null && !to.channel().isWritable()) {
            from.read(false);
        }
    }

    @Override
    public void onUpstreamWritable() {
        read(true);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        UpstreamConnection from = upstream;
        if (from != null && context.channel().isWritable()) {
            from.read(true);
        }
    }

    // End of the connection.

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE || event == SslCloseCompletionEvent.SUCCESS) {
            clientEnded = true;
            UpstreamConnection to = upstream;
            if (to == null || machineEnded) {
                context.close();
            } else {
                to.flush();
                to.shutdownOutput();
            }
        } else if (event instanceof SslHandshakeCompletionEvent done) {
            if (done.isSuccess()) {
                seek();
            } else {
                context.close();
            }
        }
    }

    @Override
    public void onUpstreamEnd(UpstreamConnection which) {
        machineEnded = true;
        if (clientEnded || listener.tls()) {
            closeAfterWrites();
        } else {
            endOutput();
        }
    }

    @Override
    public void onUpstreamLost(UpstreamConnection which) {
        upstream = null;
        closeAfterWrites();
    }

    @Override
    void gone() {
        UpstreamConnection to = upstream;
        if (to != null) {
            upstream = null;
            to.close();
        }
        UpstreamAcquisition finding = acquisition;
        if (finding != null) {
            finding.cancel();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        FatalErrors.check(cause);
        if (!(cause instanceof java.io.IOException)) {
            Edge.LOG.log(System.Logger.Level.DEBUG, "a raw connection closed", cause);
        }
        context.close();
    }

    @Override
    void expired() {
        UpstreamAcquisition finding = acquisition;
        if (upstream == null && finding != null) {
            finding.onDeadline();
        } else {
            context().close();
        }
    }

    @Override
    void edgeCloses(boolean now) {
        if (now || upstream == null) {
            context().close();
        }
    }

    @Override
    boolean idle() {
        return false;
    }

    private void progress() {
        within(options().idle().orElse(loop.context.config().times().tunnelIdle()));
    }

    /** Resets the connection, so that the client sees an error and not an orderly end. */
    private void reset() {
        context().channel().config().setOption(io.netty.channel.ChannelOption.SO_LINGER, 0);
        context().close();
    }
}
