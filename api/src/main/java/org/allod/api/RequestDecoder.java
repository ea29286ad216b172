package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Netty's decoder of requests, that stops behind one request until it is told to go on. While it is held nothing is read
 * from the connection, so requests that a client sends ahead wait in its own socket, as bytes, however many they are.
 */
final class RequestDecoder extends HttpRequestDecoder {
    /** Bytes that are taken while a request is at work, where the connection is read only to see whether it ends. */
    static final int READ_AHEAD = 16 << 10;

    private final Runnable begun;
    private @Nullable ChannelHandlerContext context;
    private boolean held;
    private boolean listening;
    private boolean discarding;
    private boolean decoding;
    private boolean any;
    private long discarded;

    /** @param begun run when bytes have come that are looked at */
    RequestDecoder(Runnable begun) {
        super(new HttpDecoderConfig()
                .setMaxInitialLineLength(ApiConfig.MAX_LINE)
                .setMaxHeaderSize(ApiConfig.MAX_FIELDS)
                .setMaxChunkSize(16_384));
        this.begun = begun;
    }

    /** Decodes and reads no further. */
    void hold() {
        held = true;
        listening = false;
        read(false);
    }

    /** Still decodes nothing, but reads a little, which is how it is noticed that the client has gone. */
    void listen() {
        listening = true;
        read(true);
    }

    /** Goes on with what is there, and with reading. */
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

    /** Whatever still comes is read and forgotten. */
    void discard() {
        discarding = true;
        held = false;
        read(true);
    }

    /** Whether the client has sent anything at all. */
    boolean begun() {
        return any;
    }

    /** Bytes that were read and forgotten. */
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
        // Requests are answered from within, and then it is this call that goes on to the next.
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

    /** As the decoder's own, but that what is held is no reason to read more. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        discardSomeReadBytes();
        ctx.fireChannelReadComplete();
    }
}
