package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.allod.base.FatalErrors;
import org.jspecify.annotations.Nullable;

/**
 * One client's HTTP connection: splits the bytes into requests, runs one {@link Exchange} after another, and bounds
 * what it reads ahead. Belongs to one loop.
 *
 * <p>Bytes that cannot be processed yet (a partial head, a body whose machine is not up, the next request of a
 * pipeline) wait in one buffer; when it is full, reading stops and TCP flow control slows the client.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells of failures by channelInactive and exceptionCaught.
final class ClientConnection extends ClientChannel {
    /** How long, and for how many bytes, a client may continue to send after the response that ends its connection. */
    private static final long LINGER_NANOS = 2_000_000_000L;

    private static final long LINGER_BYTES = 4 << 20;

    private @Nullable ClientInfo clientInfo;
    private @Nullable ByteBuf buffered;
    private @Nullable Exchange exchange;
    private int scanned;
    private boolean headBegun;
    /** When the last head that arrived in pieces began, and how long it took; 0 for a head that arrived whole. */
    private long headBegan;

    private long headTook;
    private boolean advancing;
    private boolean receiving;
    private boolean paused;
    private boolean inputClosed;
    private boolean lingering;
    private long waitsSince;
    private long lingered;

    ClientConnection(EdgeLoop loop, ListenerSpec listener) {
        super(loop, listener);
    }

    // Called by the exchange.

    ClientInfo peer() {
        return Objects.requireNonNull(clientInfo);
    }

    /** Nanoseconds from the first byte of the request's head to its last. */
    long headTook() {
        return headTook;
    }

    /** Bytes that were read and not processed yet, or null. */
    @Nullable
    ByteBuf buffered() {
        return buffered;
    }

    int bufferedBytes() {
        return buffered == null ? 0 : buffered.readableBytes();
    }

    /** Takes the first {@code count} buffered bytes; the caller owns them. */
    ByteBuf take(int count) {
        ByteBuf from = Objects.requireNonNull(buffered);
        if (count == from.readableBytes()) {
            buffered = null;
            return from;
        }
        return from.readRetainedSlice(count);
    }

    /** Pauses or resumes reading, according to how fast the other side accepts data. */
    void pause(boolean on) {
        paused = on;
        updateReading();
    }

    void write(ByteBuf buffer) {
        loop.context.metrics().bytesOut.add(buffer.readableBytes());
        context().write(buffer, context().voidPromise());
    }

    void flush() {
        context().flush();
    }

    boolean writable() {
        return context().channel().isWritable();
    }

    io.netty.buffer.ByteBufAllocator allocator() {
        return context().alloc();
    }

    boolean inputClosed() {
        return inputClosed;
    }

    /** Whether a read is being handled; a flush follows at its end anyway. */
    boolean receiving() {
        return receiving;
    }

    @Override
    boolean idle() {
        return exchange == null;
    }

    @Override
    boolean givesWay() {
        return exchange == null && !lingering && !closed();
    }

    @Override
    long waitsSince() {
        return waitsSince;
    }

    /** The exchange is over and everything it wrote is queued. */
    void finished(boolean keep) {
        exchange = null;
        scanned = 0;
        paused = false;
        if (!keep || inputClosed) {
            endAfterWrites();
            return;
        }
        waitsSince = loop.now();
        within(loop.context.config().times().keepAlive());
        updateReading();
        if (!advancing && buffered != null) {
            advance();
            flushWhereNeeded();
        }
    }

    /** Resets the connection, which tells the client that its response is incomplete. */
    void abort() {
        exchange = null;
        lingering = true;
        context().close();
    }

    /** Half-closes the connection: the machine will send no more. */
    void shutdownOutput() {
        SslHandler tls = listener.tls() ? context().pipeline().get(SslHandler.class) : null;
        if (tls != null) {
            context().flush();
            tls.closeOutbound();
            return;
        }
        endOutput();
    }

    // Called by the loop.

    @Override
    void expired() {
        Exchange current = exchange;
        if (current != null) {
            current.expired();
        } else if (headBegun && !lingering) {
            refuse(new HttpParseException(Problem.REQUEST_TIMEOUT, "the request's head did not arrive in time"));
            flush();
        } else {
            context().close();
        }
    }

    @Override
    void edgeCloses(boolean now) {
        if (now || exchange == null) {
            context().close();
        }
    }

    // Called by Netty.

    @Override
    void opened(boolean room) {
        clientInfo = ClientInfo.of(
                (InetSocketAddress) context().channel().remoteAddress(),
                (InetSocketAddress) context().channel().localAddress(),
                listener.tls(),
                loop.context.config().region());
        waitsSince = loop.now();
        within(loop.context.config().times().head());
        if (!room) {
            refuse(new HttpParseException(
                    Problem.TOO_MANY_CONNECTIONS,
                    "the edge has as many clients as it may have, overall or of this address"));
            flush();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        receiving = true;
        ByteBuf in = (ByteBuf) message;
        loop.context.metrics().bytesIn.add(in.readableBytes());
        if (lingering) {
            lingered += in.readableBytes();
            in.release();
            if (lingered > LINGER_BYTES) {
                context.close();
            }
            return;
        }
        Exchange current = exchange;
        if (current != null && current.tunnels()) {
            current.fromClient(in);
            return;
        }
        append(in);
        advance();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        receiving = false;
        flushWhereNeeded();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (!context.channel().isWritable()) {
            return;
        }
        if (exchange != null) {
            exchange.clientDrained();
        } else if (!lingering && !closed()) {
            advance();
            flushWhereNeeded();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE || event instanceof SslCloseCompletionEvent) {
            if (inputClosed) {
                return;
            }
            inputClosed = true;
            if (exchange != null) {
                exchange.clientEnded();
            } else {
                context.close();
            }
        }
    }

    @Override
    void gone() {
        Exchange current = exchange;
        exchange = null;
        if (current != null) {
            current.cancel();
        }
        if (buffered != null) {
            buffered.release();
            buffered = null;
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        FatalErrors.check(cause);
        // A client that speaks no TLS, or no common version or cipher, is not an error of the edge.
        if (!(cause instanceof java.io.IOException) && !(cause instanceof io.netty.handler.codec.DecoderException)) {
            Edge.LOG.log(System.Logger.Level.WARNING, "a client's connection closed after a bug", cause);
        }
        context.close();
    }

    // Splitting.

    private void append(ByteBuf in) {
        ByteBuf before = buffered;
        if (before == null) {
            buffered = in;
        } else if (!before.isReadable()) {
            before.release();
            buffered = in;
        } else {
            // Rare: the bytes did not complete anything. A new buffer, because the old one may be shared.
            buffered = joined(context().alloc(), before, in, 1024);
        }
    }

    /** Starts the requests that are complete and passes the current one its bytes. */
    private void advance() {
        if (advancing) {
            return;
        }
        advancing = true;
        try {
            while (!closed() && !lingering) {
                Exchange current = exchange;
                if (current != null) {
                    current.fromBuffer();
                    if (exchange == current) {
                        break;
                    }
                } else if (!writable() || !nextRequest()) {
                    // A client that does not read its responses gets no more of them: its pipelined requests wait in
                    // this buffer and then in its own socket.
                    break;
                }
            }
        } finally {
            advancing = false;
        }
        if (buffered != null && !buffered.isReadable()) {
            buffered.release();
            buffered = null;
        }
        updateReading();
    }

    /** Starts the next exchange if its head is complete. */
    private boolean nextRequest() {
        ByteBuf in = buffered;
        if (in == null) {
            return false;
        }
        if (scanned == 0 && !skipEmptyLines(in)) {
            return false;
        }
        RequestHead head = loop.requestHead;
        int length = Math.min(in.readableBytes(), head.headers.bytes.length);
        try {
            // Scans only new bytes, plus the last three, which may begin the empty line.
            int from = Math.max(0, scanned - 3);
            in.getBytes(in.readerIndex() + from, head.headers.bytes, from, length - from);
            int end = HeaderBlock.headEnd(head.headers.bytes, from, length);
            if (end < 0) {
                incomplete(head, length);
                return false;
            }
            if (from > 0) {
                in.getBytes(in.readerIndex(), head.headers.bytes, 0, from);
            }
            head.parse(end);
            in.skipBytes(end);
        } catch (HttpParseException bad) {
            refuse(bad);
            return false;
        }
        headTook = headBegun ? loop.now() - headBegan : 0;
        headBegun = false;
        scanned = 0;
        loop.context.metrics().requests.increment();
        String id = loop.ids.ulid().toString();
        head.rewrite(loop.out, peer(), id);
        Exchange next = new Exchange(this, head, loop.out.toBuffer(context().alloc(), 0), id);
        exchange = next;
        next.start();
        return true;
    }

    /** Skips leading empty lines, as RFC 9112 section 2.2 recommends: some clients send one after a body. */
    private static boolean skipEmptyLines(ByteBuf in) {
        while (in.readableBytes() >= 2
                && in.getByte(in.readerIndex()) == '\r'
                && in.getByte(in.readerIndex() + 1) == '\n') {
            in.skipBytes(2);
        }
        // A lone CR may be the first half of CR LF: wait for the next byte.
        return in.readableBytes() > 1 || (in.isReadable() && in.getByte(in.readerIndex()) != '\r');
    }

    private void incomplete(RequestHead head, int length) {
        byte first = head.headers.bytes[0];
        if (scanned == 0 && !HeaderBlock.token(first)) {
            throw new HttpParseException(
                    first == 0x16
                            ? "this is TLS, but plain HTTP is spoken on this port"
                            : "the request line does not start with a method");
        }
        if (length == head.headers.bytes.length) {
            throw new HttpParseException(
                    hasLine(head, length) ? Problem.HEAD_TOO_LARGE : Problem.URI_TOO_LONG,
                    "the request's head is longer than " + length + " bytes");
        }
        scanned = length;
        if (!headBegun) {
            headBegun = true;
            headBegan = loop.now();
            within(loop.context.config().times().head());
        }
    }

    private boolean hasLine(RequestHead head, int length) {
        ByteBuf in = Objects.requireNonNull(buffered);
        in.getBytes(in.readerIndex(), head.headers.bytes, 0, length);
        for (int i = 0; i < length; i++) {
            if (head.headers.bytes[i] == '\n') {
                return true;
            }
        }
        return false;
    }

    /** Answers bytes that are not a valid request; nothing that follows on the connection can be parsed. */
    private void refuse(HttpParseException bad) {
        loop.context.metrics().countRefusal(bad.problem());
        String id = loop.ids.ulid().toString();
        write(new ErrorResponse(bad.problem(), bad.why()).write(allocator(), RequestHead.Wants.TEXT, false, true, id));
        endAfterWrites();
    }

    private void updateReading() {
        read(!paused
                && (exchange != null || lingering || writable())
                && bufferedBytes() < loop.context.config().limits().bufferedBytes());
    }

    private void flushWhereNeeded() {
        Exchange current = exchange;
        if (current != null) {
            current.flushUpstream();
        }
        context().flush();
    }

    /**
     * Closes the connection once the response is out. If the client may still be sending, an immediate close would
     * reset the connection and could destroy the response in transit, so further bytes are read and discarded for a
     * short time.
     */
    private void endAfterWrites() {
        if (lingering) {
            return;
        }
        lingering = true;
        deadline(loop.now() + LINGER_NANOS);
        if (buffered != null) {
            buffered.release();
            buffered = null;
        }
        paused = false;
        updateReading();
        if (inputClosed) {
            closeAfterWrites();
        } else {
            shutdownOutput();
        }
    }
}
