package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.allod.base.FatalErrors;
import org.allod.base.IdGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One client connection. Requests are processed one at a time, in order. While one is in progress, and while its
 * response waits for the client to read, nothing further is read or decoded, so that a client cannot queue up work.
 * Belongs to its event loop.
 */
final class ApiConnection extends SimpleChannelInboundHandler<InboundMessage> {
    /** The response header with the request's id, under the name that Machines API clients log. */
    static final String REQUEST_ID = "fly-request-id";

    /**
     * Maximum bytes read and discarded after a refusal. They are read so that a reset does not destroy the response.
     */
    private static final long MOST_LINGERING = 1 << 20;

    private static final Response TOO_MANY = ErrorBody.later(
            Duration.ofSeconds(1), "too many requests of this caller are in progress; wait until some of them end");

    private final ServingPool pool;
    private final Dispatcher dispatcher;
    private final RequestDecoder decoder;
    private final ConnectionDeadlines deadlines;
    private final IdGenerator ids;

    private @Nullable ChannelHandlerContext ctx;
    private @Nullable Thread worker;
    /** Whether the connection stays open after the request in progress. */
    private boolean keepAlive = true;

    private Caller caller = new Caller.Nobody("");
    /** Whether the request counts against its caller's limit. */
    private boolean counted;
    /** Whether any request of this connection was authenticated. */
    private boolean known;
    /** Bytes of the body budget that the request holds. */
    private long held;
    /** Whether the response is a stream, which has its own timeout for a slow reader. */
    private boolean streaming;
    /** Whether the response is written and the next request waits until the client has read enough of it. */
    private boolean draining;

    /** The id of the request in progress, for its sender and the log. */
    private String id = "";

    ApiConnection(
            ServingPool pool,
            Dispatcher dispatcher,
            RequestDecoder decoder,
            ConnectionDeadlines deadlines,
            IdGenerator ids) {
        this.pool = pool;
        this.dispatcher = dispatcher;
        this.decoder = decoder;
        this.deadlines = deadlines;
        this.ids = ids;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        ctx = context;
        pool.add(this);
    }

    /** An upgraded connection has no requests and no deadlines. */
    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        pool.remove(this);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, InboundMessage message) {
        decoder.hold();
        keepAlive = message.keepAlive();
        id = ids.ulid().toString();
        switch (message) {
            case InboundMessage.Asked(Dispatcher.Request request, Caller sender, long bytes) -> {
                caller = sender;
                held = bytes;
                known |= !(sender instanceof Caller.Nobody);
                counted = pool.requests.take(sender, 1);
                if (counted) {
                    work(context, request);
                } else {
                    finish(context, TOO_MANY, request.method().name());
                }
            }
            case InboundMessage.Unfit(Response answer, String method, boolean keep) -> {
                write(context, answer, method, written -> {});
                if (keep) {
                    next(context);
                } else {
                    linger(context);
                }
            }
        }
    }

    private void work(ChannelHandlerContext context, Dispatcher.Request request) {
        deadlines.enter(ConnectionDeadlines.Phase.WORK, pool.now());
        String named = id;
        Caller sender = caller;
        Thread working = pool.thread("api " + request.method() + " " + request.path(), () -> {
            Response answer = JsonArrayStream.ready(dispatcher.answer(request, sender, named));
            try {
                context.executor()
                        .execute(() -> finish(context, answer, request.method().name()));
            } catch (RejectedExecutionException closed) {
                // The server has closed meanwhile, and the connection with it.
            }
        });
        working.start();
        worker = working;
    }

    private void finish(ChannelHandlerContext context, Response answer, String method) {
        worker = null;
        pool.bodies.give(caller, held);
        held = 0;
        switch (method.equals("HEAD") ? headOf(answer) : answer) {
            case Response.Lines lines -> {
                streaming = true;
                decoder.listen();
                new NdjsonStream(context, pool, lines.writer(), id, () -> next(context)).start();
            }
            case Response.Items items -> JsonArrayStream.start(context, pool, caller, items, id, () -> next(context));
            case Response.Upgrade upgrade -> {
                // It counts for as long as it is open. Told at once where the client has gone meanwhile.
                Caller holder = caller;
                counted = false;
                context.channel().closeFuture().addListener(closed -> pool.requests.give(holder, 1));
                UpgradedConnection.start(context, pool, upgrade, id);
            }
            case Response whole -> {
                reply(context, whole, method);
                next(context);
            }
        }
        if (!context.channel().isActive()) {
            // The client went while it was at work, and a stream that nobody reads tells no end.
            release();
        }
    }

    /** The response to HEAD: without starting the work of a body that is not sent. */
    private static Response headOf(Response answer) {
        return switch (answer) {
            case Response.Items _, Response.Upgrade _ -> new Response.Text(200, "application/json", "");
            case Response.Lines _ -> new Response.Text(200, NdjsonStream.TYPE, "");
            default -> answer;
        };
    }

    private void release() {
        if (counted) {
            counted = false;
            pool.requests.give(caller, 1);
        }
    }

    private void next(ChannelHandlerContext context) {
        streaming = false;
        release();
        if (!keepAlive) {
            context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        } else if (context.channel().isWritable()) {
            draining = false;
            deadlines.enter(ConnectionDeadlines.Phase.IDLE, pool.now());
            decoder.resume();
        } else {
            draining = true;
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (draining && context.channel().isWritable()) {
            next(context);
        }
        context.fireChannelWritabilityChanged();
    }

    /**
     * Half-closes the connection after a response while the client may still be sending. An immediate close would reset
     * the connection and could destroy the response in transit, so further bytes are read and discarded for a short
     * time.
     */
    private void linger(ChannelHandlerContext context) {
        keepAlive = false;
        deadlines.enter(ConnectionDeadlines.Phase.LINGER, pool.now());
        decoder.discard();
        context.writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(written -> ((DuplexChannel) context.channel()).shutdownOutput());
    }

    /** Whether no request is in progress: it waits for a head or for the rest of one. */
    boolean onlyWaits() {
        return deadlines.phase() == ConnectionDeadlines.Phase.HEAD
                || deadlines.phase() == ConnectionDeadlines.Phase.IDLE;
    }

    boolean known() {
        return known;
    }

    long waitsSince() {
        return deadlines.since();
    }

    /** Closes the connection to make room for another. */
    void giveWay() {
        Objects.requireNonNull(ctx).close();
    }

    /** Checks the deadlines. */
    void tick(long now) {
        ChannelHandlerContext context = Objects.requireNonNull(ctx);
        boolean unread = !streaming && deadlines.unread(context.channel(), now);
        if (decoder.discarded() > MOST_LINGERING) {
            context.close();
        } else if (unread || (!streaming && deadlines.expired(now))) {
            expire(context, unread);
        }
    }

    private void expire(ChannelHandlerContext context, boolean unread) {
        boolean late = !unread
                && (deadlines.phase() == ConnectionDeadlines.Phase.BODY
                        || (deadlines.phase() == ConnectionDeadlines.Phase.HEAD && decoder.begun()));
        if (unread || deadlines.phase() != ConnectionDeadlines.Phase.LINGER) {
            pool.expired.increment();
        }
        if (late) {
            id = ids.ulid().toString();
            keepAlive = false;
            write(context, ErrorBody.of(408, "the request did not arrive in time"), "", written -> {});
            linger(context);
        } else {
            context.close();
        }
    }

    private void reply(ChannelHandlerContext context, Response answer, String method) {
        long size = size(answer);
        Caller reader = caller;
        if (pool.answers.take(reader, size)) {
            write(context, answer, method, written -> pool.answers.give(reader, size));
        } else {
            keepAlive = false;
            Response instead = ErrorBody.of(
                    503, "too many responses of this caller are unread; read them, then repeat the request");
            write(context, instead, method, written -> {});
        }
    }

    private static long size(Response answer) {
        return switch (answer) {
            case Response.Ready(int _, var parts) ->
                parts.stream().mapToLong(part -> part.length).sum();
            case Response.Text(int _, String _, String text) -> text.length();
            default -> 0; // an object no larger than the thing it describes
        };
    }

    private void write(ChannelHandlerContext context, Response answer, String method, ChannelFutureListener written) {
        FullHttpResponse response = switch (answer) {
            case Response.Ready(int status, var parts) ->
                whole(status, "application/json", JsonArrayStream.buffer(context.alloc(), parts));
            default -> whole(answer);
        };
        if (method.equals("HEAD")) {
            boolean unknown = !response.content().isReadable();
            response = response.replace(Unpooled.EMPTY_BUFFER);
            if (unknown) {
                response.headers().remove(HttpHeaderNames.CONTENT_LENGTH);
            }
        }
        response.headers().set(REQUEST_ID, id);
        HttpUtil.setKeepAlive(response, keepAlive);
        context.writeAndFlush(response).addListener(written);
    }

    /** A single-message response, without the request id. */
    static FullHttpResponse whole(Response answer) {
        return switch (answer) {
            case Response.Json(int status, var body) -> whole(status, "application/json", text(body.toString()));
            case Response.NotAllowed(var allowed, var body) -> {
                FullHttpResponse not = whole(405, "application/json", text(body.toString()));
                not.headers().set(HttpHeaderNames.ALLOW, String.join(", ", allowed));
                yield not;
            }
            case Response.Later(Duration after, var body) -> {
                FullHttpResponse later = whole(429, "application/json", text(body.toString()));
                later.headers().set(HttpHeaderNames.RETRY_AFTER, Math.max(1, (after.toMillis() + 999) / 1_000));
                yield later;
            }
            case Response.Text(int status, String type, String body) -> whole(status, type, text(body));
            case Response.Empty(int status) -> whole(status, "", Unpooled.EMPTY_BUFFER);
            case Response.Ready _, Response.Items _, Response.Lines _, Response.Upgrade _ ->
                throw new IllegalArgumentException("not a single-message response");
        };
    }

    private static ByteBuf text(String body) {
        return Unpooled.copiedBuffer(body, StandardCharsets.UTF_8);
    }

    private static FullHttpResponse whole(int status, String type, ByteBuf bytes) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), bytes);
        if (!type.isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
        }
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, bytes.readableBytes());
        if (status == 401) {
            response.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        return response;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        // The client has gone: interrupt the thread that waits on its behalf. The operation it requested continues.
        Thread working = worker;
        if (working != null) {
            // It goes on counting until it has come to its end: whoever leaves at once gets no more work done for it.
            working.interrupt();
        } else {
            pool.bodies.give(caller, held);
            held = 0;
            release();
        }
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        FatalErrors.check(cause);
        context.close();
    }
}
