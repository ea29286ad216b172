package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;

/**
 * A JSON list on its way to a client. Up to {@link #AT_ONCE} entries form one response; a longer list is built, sent
 * and awaited piece by piece, so that a hundred thousand machines are never in memory as text at once.
 */
final class JsonArrayStream {
    static final int AT_ONCE = 2_000;

    /** Entries in one piece of a long list. */
    private static final int PIECE = 500;

    private static final byte[] COMMA = {','};

    private JsonArrayStream() {}

    /**
     * Builds a list that is short enough for one response, on the calling thread; returns any other response unchanged.
     */
    static Response ready(Response response) {
        return response instanceof Response.Items items && items.count() <= AT_ONCE
                ? new Response.Ready(200, text(items, 0, items.count()))
                : response;
    }

    /** The JSON of entries {@code from} to {@code to} with the separators and brackets around them. */
    private static List<byte[]> text(Response.Items items, int from, int to) {
        List<byte[]> parts = new ArrayList<>(2 * (to - from) + 2);
        if (from == 0) {
            parts.add(new byte[] {'['});
        }
        boolean first = from == 0;
        for (byte[] entry : items.entries().part(from, to)) {
            if (!first) {
                parts.add(COMMA);
            }
            first = false;
            parts.add(entry);
        }
        if (to == items.count()) {
            parts.add(new byte[] {']'});
        }
        return parts;
    }

    /**
     * Copies the pieces into one direct buffer. The transport would copy them there anyway, after allocating an object
     * for each.
     */
    static ByteBuf buffer(ByteBufAllocator allocator, List<byte[]> parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        ByteBuf whole = allocator.directBuffer(length);
        for (byte[] part : parts) {
            whole.writeBytes(part);
        }
        return whole;
    }

    /** Sends a long list; runs {@code done} on the connection's event loop once it is sent. */
    static void start(
            ChannelHandlerContext context,
            ServingPool pool,
            Caller caller,
            Response.Items items,
            String request,
            Runnable done) {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "application/json")
                .set(ApiConnection.REQUEST_ID, request)
                .set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        context.writeAndFlush(head);
        Thread thread = pool.thread("api list", () -> run(context, pool.answers, caller, items, done));
        context.channel().closeFuture().addListener(closed -> thread.interrupt());
        thread.start();
    }

    private static void run(
            ChannelHandlerContext context, CallerBudget budget, Caller caller, Response.Items items, Runnable done) {
        try {
            for (int from = 0; from < items.count(); from += PIECE) {
                piece(context, budget, caller, text(items, from, Math.min(from + PIECE, items.count())));
            }
        } catch (InterruptedException e) {
            return; // the client has gone, or the daemon is stopping
        } catch (Exception e) {
            if (!context.channel().isActive()) {
                return; // the client has gone; writes report that as an exception of their own
            }
            // The status has been sent already, so only a closed connection can tell that the list is incomplete.
            System.getLogger("allod.api").log(System.Logger.Level.WARNING, "a list response was cut short", e);
            context.close();
            return;
        }
        context.writeAndFlush(new DefaultLastHttpContent())
                .addListener(written -> context.executor().execute(done));
    }

    private static void piece(ChannelHandlerContext context, CallerBudget budget, Caller caller, List<byte[]> parts)
            throws InterruptedException {
        long size = parts.stream().mapToLong(part -> part.length).sum();
        if (!budget.take(caller, size)) {
            throw new IllegalStateException(caller.name() + " has too many unread responses");
        }
        try {
            // Waiting for each write provides back-pressure.
            context.writeAndFlush(new DefaultHttpContent(buffer(context.alloc(), parts)))
                    .sync();
        } finally {
            budget.give(caller, size);
        }
    }
}
