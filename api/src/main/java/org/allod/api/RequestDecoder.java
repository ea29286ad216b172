package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Netty's request decoder, which stops after one request until it is told to continue. While it is held, nothing is
 * read from the connection, so that pipelined requests wait in the client's socket as bytes, however many they are.
 */
final class RequestDecoder extends HttpRequestDecoder {
    /** Maximum bytes read while a request is in progress and the connection is read only to detect its end. */
    static final int READ_AHEAD = 16 << 10;

    private final Runnable begun;
    private @Nullable ChannelHandlerContext context;
    private boolean held;
    private boolean listening;
    private boolean discarding;
    private boolean decoding;
    private boolean any;
    private long discarded;

    /** @param begun runs when bytes arrive that will be decoded */
    RequestDecoder(Runnable begun) {
        super(new HttpDecoderConfig()
                .setMaxInitialLineLength(ApiConfig.MAX_LINE)
                .setMaxHeaderSize(ApiConfig.MAX_FIELDS)
                .setMaxChunkSize(16_384));
        this.begun = begun;
    }

    /** Stops decoding and reading. */
    void hold() {
        held = true;
        listening = false;
        read(false);
    }

    /** Decodes nothing yet, but reads a little, which detects that the client has gone. */
    void listen() {
        listening = true;
        read(true);
    }

    /** Continues with the buffered bytes, and with reading. */
    void resume() {
        ChannelHandlerContext own = context;
        if (!held || own == null) {
            return;
        }
        held = false;
        listening = false;
        if (!decoding) {
            try {
                if (actualReadableBytes() > 0) {
                    begun.run();
                }
                channelRead(own, Unpooled.EMPTY_BUFFER);
            } catch (Exception e) {
                own.fireExceptionCaught(e);
            }
        }
        if (!held && !own.isRemoved()) {
            read(true);
        }
    }

    /** Reads and drops everything that still arrives. */
    void discard() {
        discarding = true;
        held = false;
        read(true);
    }

    /** Whether the client has sent any bytes. */
    boolean begun() {
        return any;
    }

    /** How many bytes were read and dropped. */
    long discarded() {
        return discarded;
    }

    private void read(boolean on) {
        if (context != null) {
            context.channel().config().setAutoRead(on);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object input) throws Exception {
        if (discarding && input instanceof ByteBuf bytes) {
            discarded += bytes.readableBytes();
            bytes.release();
            return;
        }
        if (!held && input instanceof ByteBuf bytes && bytes.isReadable()) {
            any = true;
            begun.run();
        }
        // Requests are answered from within this call, which then continues with the next one.
        boolean outer = !decoding;
        decoding = true;
        try {
            super.channelRead(ctx, input);
        } finally {
            if (outer) {
                decoding = false;
            }
        }
        if (listening && actualReadableBytes() >= READ_AHEAD) {
            read(false);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws Exception {
        if (discarding) {
            discarded += in.readableBytes();
            in.skipBytes(in.readableBytes());
        } else if (!held) {
            super.decode(ctx, in, out);
        }
    }

    /** As the superclass does, except that held bytes are no reason to read more. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        discardSomeReadBytes();
        ctx.fireChannelReadComplete();
    }
}
