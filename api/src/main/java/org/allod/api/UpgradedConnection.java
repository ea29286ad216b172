package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import org.allod.base.FatalErrors;

/**
 * A connection that has stopped being HTTP: a pair of blocking streams for a virtual thread. At most {@link
 * #MAX_QUEUED} bytes are queued for reading; beyond that the client is not read from.
 */
final class UpgradedConnection extends ChannelInboundHandlerAdapter {
    private static final System.Logger LOG = System.getLogger("allod.api");
    private static final int MAX_QUEUED = 256 << 10;
    /** Memory overhead of one queued buffer: a client may send single bytes. */
    private static final int PIECE_COST = 64;
    /** The bytes that a client must accept within its patience, or it is disconnected. */
    private static final int STRIDE = 16 << 10;

    private final ChannelHandlerContext context;
    private final ArrayDeque<byte[]> queue = new ArrayDeque<>();
    private int queued;
    private boolean ended;

    private final Duration patience;

    private UpgradedConnection(ChannelHandlerContext context, Duration patience) {
        this.context = context;
        this.patience = patience;
    }

    /**
     * Responds 101 and hands the connection over. If the client has gone by then, hands over a connection that has
     * ended, so that the handler releases its resources. Called on the event loop.
     */
    static void start(ChannelHandlerContext context, ServingPool pool, Response.Upgrade upgrade, String request) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.SWITCHING_PROTOCOLS);
        response.headers()
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE)
                .set(HttpHeaderNames.UPGRADE, upgrade.protocol())
                .set(ApiConnection.REQUEST_ID, request);
        UpgradedConnection raw = new UpgradedConnection(context, upgrade.patience());
        // Detects a client whose host has vanished, even if nothing is sent to it.
        boolean _ = context.channel().config().setOption(ChannelOption.SO_KEEPALIVE, true);
        context.writeAndFlush(response).addListener(written -> {
            if (written.isSuccess()) {
                raw.takeOver();
            } else {
                raw.channelInactive(context);
            }
            pool.thread("api upgrade", () -> raw.run(upgrade)).start();
        });
    }

    private void takeOver() {
        var pipeline = context.pipeline();
        pipeline.addLast("raw", this);
        // When the codec is removed, it passes on the bytes that it read beyond the request.
        pipeline.remove("whole");
        pipeline.remove("api");
        pipeline.remove("encoder");
        pipeline.remove("decoder");
        context.channel().config().setAutoRead(true);
    }

    private void run(Response.Upgrade upgrade) {
        try {
            upgrade.duplex().run(new In(), new Out());
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "an upgraded connection was closed early", e);
        } catch (Exception e) {
            LOG.log(Level.WARNING, "an upgraded connection failed", e);
        } finally {
            context.channel()
                    .writeAndFlush(Unpooled.EMPTY_BUFFER)
                    .addListener(io.netty.channel.ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
        if (!(message instanceof ByteBuf buffer)) {
            return;
        }
        byte[] bytes = new byte[buffer.readableBytes()];
        buffer.readBytes(bytes);
        buffer.release();
        synchronized (queue) {
            queue.add(bytes);
            queued += bytes.length + PIECE_COST;
            if (queued > MAX_QUEUED) {
                context.channel().config().setAutoRead(false);
            }
            queue.notifyAll();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ignored) {
        synchronized (queue) {
            ended = true;
            queue.notifyAll();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ignored, Throwable cause) {
        FatalErrors.check(cause);
        context.close();
    }

    private final class In extends InputStream {
        private byte[] current = new byte[0];
        private int at;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            // A read of zero bytes, as for the payload of an empty frame, must not block.
            if (length == 0) {
                return 0;
            }
            if (at == current.length && !refill()) {
                return -1;
            }
            int count = Math.min(length, current.length - at);
            System.arraycopy(current, at, into, offset, count);
            at += count;
            return count;
        }

        private boolean refill() throws IOException {
            synchronized (queue) {
                try {
                    while (queue.isEmpty() && !ended) {
                        queue.wait();
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted", e);
                }
                byte[] next = queue.poll();
                if (next == null) {
                    return false;
                }
                current = next;
                at = 0;
                queued -= next.length + PIECE_COST;
                if (queued <= MAX_QUEUED / 2) {
                    context.channel().config().setAutoRead(true);
                }
                return true;
            }
        }
    }

    private final class Out extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            for (int done = 0; done < length; ) {
                int count = Math.min(STRIDE, length - done);
                send(Unpooled.copiedBuffer(bytes, offset + done, count));
                done += count;
            }
        }

        private void send(ByteBuf piece) throws IOException {
            try {
                ChannelFuture sent = context.channel().writeAndFlush(piece);
                if (!sent.await(patience.toMillis())) {
                    context.close();
                    throw new IOException("the client has read nothing for " + patience.toSeconds() + " s");
                }
                if (!sent.isSuccess()) {
                    throw new IOException("the client has gone", sent.cause());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }
}
