package org.allod.api;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/**
 * A response of many lines, written by a thread that blocks while the client is slow. A failure halfway becomes the
 * last line, in the form of an error body, because the status has already been sent.
 */
final class NdjsonStream implements Response.Lines.Sink {
    static final String TYPE = "application/x-ndjson";

    private static final System.Logger LOG = System.getLogger("allod.api");

    private final ChannelHandlerContext context;
    private final ServingPool pool;
    private final Response.Writer writer;
    private final String request;
    private final Runnable done;

    NdjsonStream(
            ChannelHandlerContext context, ServingPool pool, Response.Writer writer, String request, Runnable done) {
        this.request = request;
        this.pool = pool;
        this.context = context;
        this.writer = writer;
        this.done = done;
    }

    void start() {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, TYPE)
                .set(ApiConnection.REQUEST_ID, request)
                .set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        context.writeAndFlush(head);
        Thread thread = pool.thread("api lines", this::run);
        context.channel().closeFuture().addListener(closed -> thread.interrupt());
        thread.start();
    }

    private void run() {
        try {
            writer.write(this);
        } catch (RejectedException e) {
            last(ErrorBody.of(e));
        } catch (FailedException e) {
            last(ErrorBody.of(500, e.getMessage()));
        } catch (InterruptedException | IOException e) {
            // The client has gone, or the daemon is stopping.
            context.close();
            return;
        } catch (Exception e) {
            LOG.log(Level.ERROR, "request " + request + ": a line stream failed with an unexpected error", e);
            last(ErrorBody.of(500, "internal error (request " + request + "); see the daemon log"));
        }
        context.writeAndFlush(new DefaultLastHttpContent())
                .addListener(written -> context.executor().execute(done));
    }

    private void last(Response.Json error) {
        try {
            ((tools.jackson.databind.node.ObjectNode) error.body()).put("http", error.status());
            line(error.body());
        } catch (IOException e) {
            context.close();
        }
    }

    @Override
    public void line(JsonNode line) throws IOException {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            // Waiting for each write provides back-pressure.
            context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)))
                    .sync();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the client has gone", e);
        } catch (Exception e) {
            throw new IOException("the client has gone", e);
        }
    }

    @Override
    public boolean open() {
        return context.channel().isActive();
    }
}
