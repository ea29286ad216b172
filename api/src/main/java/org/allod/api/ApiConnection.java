package org.allod.api;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.timeout.IdleStateEvent;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.allod.base.FatalErrors;
import org.allod.base.Ids;
import org.jspecify.annotations.Nullable;

/**
 * One client connection. Requests are answered one after the other, in order; while one is at work no further byte is
 * read, so a client cannot pile work up. Belongs to its event loop.
 */
final class ApiConnection extends SimpleChannelInboundHandler<Object> {
    /** The header that names the request, as the interface's clients log it. */
    static final String REQUEST_ID = "fly-request-id";

    private final Dispatcher dispatcher;
    private final Prover prover;
    private final Ids ids;
    private final Optional<Caller> local;
    private final ArrayDeque<Arrival> waiting = new ArrayDeque<>();
    private @Nullable Thread worker;
    /** Of the request at work. */
    private boolean keepAlive = true;

    /** The name of the request at work, for its sender and for the log. */
    private String id = "";

    ApiConnection(Dispatcher dispatcher, Prover prover, Ids ids, Optional<Caller> local) {
        this.dispatcher = dispatcher;
        this.prover = prover;
        this.ids = ids;
        this.local = local;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Object message) {
        Arrival arrival = message instanceof FullHttpRequest http ? Arrival.of(http) : (Arrival) message;
        if (worker == null) {
            take(context, arrival);
        } else {
            // At most what one read had in it: reading is off while a request is at work.
            waiting.add(arrival);
        }
    }

    private void take(ChannelHandlerContext context, Arrival arrival) {
        keepAlive = arrival.keepAlive();
        id = ids.ulid().toString();
        switch (arrival) {
            case Arrival.Asked(Dispatcher.Request request) -> work(context, request);
            case Arrival.Unfit(Answer answer, String method, boolean _) -> {
                reply(context, answer, method);
                next(context);
            }
        }
    }

    private void work(ChannelHandlerContext context, Dispatcher.Request request) {
        context.channel().config().setAutoRead(false);
        String named = id;
        Caller caller = local.orElseGet(() -> remote(context, request));
        if (caller instanceof Caller.Local(int uid) && uid != 0 && uid != Uid.OWN) {
            finish(
                    context,
                    ErrorBody.of(403, "user " + uid + " may not use this socket; use the TCP address and a token"),
                    request.method().name());
            return;
        }
        worker = Thread.ofVirtual()
                .name("api " + request.method() + " " + request.path())
                .unstarted(() -> {
                    Answer answer = ItemStream.ready(dispatcher.answer(request, caller, named));
                    try {
                        context.executor()
                                .execute(() ->
                                        finish(context, answer, request.method().name()));
                    } catch (RejectedExecutionException closed) {
                        // The server has ended meanwhile, and the connection with it.
                    }
                });
        worker.start();
    }

    private Caller remote(ChannelHandlerContext context, Dispatcher.Request request) {
        String address = ((InetSocketAddress) context.channel().remoteAddress())
                .getAddress()
                .getHostAddress();
        return prover.prove(request.headers().getOrDefault("authorization", ""), address)
                .orElseGet(() -> new Caller.Nobody(address));
    }

    private void finish(ChannelHandlerContext context, Answer answer, String method) {
        worker = null;
        switch (method.equals("HEAD") ? headOf(answer) : answer) {
            case Answer.Lines lines -> new LineStream(context, lines.writer(), id, () -> next(context)).start();
            case Answer.Items items -> ItemStream.start(context, items, id, () -> next(context));
            case Answer.Upgrade upgrade -> Upgrading.start(context, upgrade, id);
            case Answer whole -> {
                reply(context, whole, method);
                next(context);
            }
        }
    }

    /** Nothing is made that would not be sent. */
    private static Answer headOf(Answer answer) {
        return switch (answer) {
            case Answer.Items _, Answer.Upgrade _ -> new Answer.Text(200, "application/json", "");
            case Answer.Lines _ -> new Answer.Text(200, LineStream.TYPE, "");
            default -> answer;
        };
    }

    private void next(ChannelHandlerContext context) {
        if (!keepAlive) {
            context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        Arrival arrival = waiting.poll();
        if (arrival != null) {
            take(context, arrival);
        } else {
            context.channel().config().setAutoRead(true);
        }
    }

    private void reply(ChannelHandlerContext context, Answer answer, String method) {
        FullHttpResponse response = switch (answer) {
            case Answer.Ready(int status, var parts) ->
                whole(status, "application/json", ItemStream.buffer(context.alloc(), parts));
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
        context.writeAndFlush(response);
    }

    /** An answer of one piece, but for what names its request. */
    static FullHttpResponse whole(Answer answer) {
        return switch (answer) {
            case Answer.Json(int status, var body) -> whole(status, "application/json", text(body.toString()));
            case Answer.NotAllowed(var allowed, var body) -> {
                FullHttpResponse not = whole(405, "application/json", text(body.toString()));
                not.headers().set(HttpHeaderNames.ALLOW, String.join(", ", allowed));
                yield not;
            }
            case Answer.Later(Duration after, var body) -> {
                FullHttpResponse later = whole(429, "application/json", text(body.toString()));
                later.headers().set(HttpHeaderNames.RETRY_AFTER, Math.max(1, (after.toMillis() + 999) / 1_000));
                yield later;
            }
            case Answer.Text(int status, String type, String body) -> whole(status, type, text(body));
            case Answer.Empty(int status) -> whole(status, "", Unpooled.EMPTY_BUFFER);
            case Answer.Ready _, Answer.Items _, Answer.Lines _, Answer.Upgrade _ ->
                throw new IllegalArgumentException("not a whole answer");
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
        // The client went: whoever waits for it on its behalf stops. What it asked for goes on.
        Thread working = worker;
        if (working != null) {
            working.interrupt();
        }
        context.fireChannelInactive();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
        if (event instanceof IdleStateEvent && worker == null) {
            context.close();
        } else {
            super.userEventTriggered(context, event);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        FatalErrors.check(cause);
        context.close();
    }
}
